package promql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

func histogram(s *promql.Server) *promql.Histogram {
	return &promql.Histogram{Server: s, Query: `sum by (le) (increase(took_bucket{pod=~"{{.Arm}}"}[{{.Window}}]))`}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	h := histogram(byArm(t, labelled("le", "+Inf=100.4 0.5=80.2 0.1=20.3 5=80.1 1e1=90"), "", labelled("le", "0.1=3 +Inf=3"), ""))
	o, err := h.Observe(t.Context(), window("c", "old"))
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{
		At:       end,
		Canary:   analysis.Buckets([]float64{0.1, 0.5, 5, 10}, []uint64{20, 80, 80, 90}, 100),
		Baseline: analysis.Buckets([]float64{0.1}, []uint64{3}, 3),
	}, o)
}

func TestSlicesOfAHistogram(t *testing.T) {
	t.Parallel()
	series := func(list string) string { // such as "a:0.1=3"
		var all []string
		for _, one := range strings.Fields(list) {
			name, v, _ := strings.Cut(one, "=")
			zone, le, _ := strings.Cut(name, ":")
			all = append(all, fmt.Sprintf(`{"metric":{"zone":%q,"le":%q},"value":[%d,%q]}`, zone, le, end.Unix(), v))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	h := histogram(byArm(t, series("b:1=3 b:+Inf=5 a:1=1 a:+Inf=1"), "", series("b:1.0=7 b:+Inf=8 b:1=1"), ""))
	h.By = "zone"
	o, err := h.Observe(t.Context(), window("c", "old"))
	require.NoError(t, err)
	buckets := func(upTo1, all uint64) analysis.Sample { return analysis.Buckets([]float64{1}, []uint64{upTo1}, all) }
	require.Equal(t, analysis.Observation{
		At: end, Canary: buckets(4, 6), Baseline: buckets(8, 8),
		Slices: []analysis.Slice{
			{Name: "a", Canary: buckets(1, 1)},
			{Name: "b", Canary: buckets(3, 5), Baseline: buckets(8, 8)},
		},
	}, o)

	h = histogram(byArm(t, series("b:1=3 b:+Inf=5 a:2=1 a:+Inf=1"), "", "", ""))
	h.By = "zone"
	_, err = h.Observe(t.Context(), window("c", ""))
	require.EqualError(t, err, `promql: the slices by "zone": have different boundaries, so they can't be added up: [2] and [1]`)

	h = histogram(byArm(t, series("b:1=3 a:2=1 a:+Inf=1"), "", "", ""))
	h.By = "zone"
	_, err = h.Observe(t.Context(), window("c", ""))
	require.ErrorContains(t, err, `in the slice "b": there is no bucket with le="+Inf"`)
}

// What rounding leaves is carried on for each bucket, while they are the same.
func TestRoundingOfBucketsLosesNothing(t *testing.T) {
	t.Parallel()
	list := "0.1=0.3 0.5=0.7 5=9.6 +Inf=9.9"
	h := histogram(replies(t, func(string) string { return labelled("le", list) }))
	w := window("c", "")
	w.Start = end.Add(-time.Millisecond)
	var total uint64
	sums := make([]uint64, 3)
	for range 20 {
		o, err := h.Observe(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, analysis.BucketKind, o.Canary.Kind)
		total += o.Canary.Total
		for i, n := range o.Canary.Buckets {
			sums[i] += n
		}
		w.Start, w.End = w.End, w.End.Add(time.Millisecond)
	}
	require.Equal(t, []uint64{6, 14, 192}, sums)
	require.EqualValues(t, 198, total)

	list = "0.1=0.3 +Inf=0.3"
	o, err := h.Observe(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, analysis.Buckets([]float64{0.1}, []uint64{0}, 0), o.Canary, "other buckets begin with nothing")
	require.False(t, o.Canary.Has())
}

func TestHistogramOutOfPlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		result, err string
		noData      bool
	}{
		"nothing":         {"[]", "no series matches", true},
		"no le":           {labelled("code", "200=1"), `a series without the label "le" (aggregate by it, as with sum by (le)): "{code=\"200\"}"`, false},
		"a word":          {labelled("le", "much=1"), `the label le="much" is no boundary`, false},
		"NaN boundary":    {labelled("le", "NaN=1"), `the label le="NaN" is no boundary`, false},
		"no +Inf":         {labelled("le", "0.1=1 5=1"), `there is no bucket with le="+Inf"`, false},
		"only +Inf":       {labelled("le", "+Inf=1"), `there is no bucket beside le="+Inf"`, false},
		"twice":           {labelled("le", "0.1=1 0.1=1 +Inf=2"), `several series with le="0.1"`, false},
		"NaN":             {labelled("le", "0.1=NaN +Inf=2"), "the value is NaN", true},
		"infinitely many": {labelled("le", "0.1=1 +Inf=Inf"), "the value is +Inf", true},
		"negative":        {labelled("le", "0.1=-1 +Inf=2"), `-1 up to "0.1" is no count`, false},
		"too many":        {labelled("le", "0.1=1e300 +Inf=2"), `1e+300 up to "0.1" is no count`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := histogram(replies(t, func(string) string { return test.result })).Observe(t.Context(), window("a", ""))
			require.ErrorContains(t, err, test.err)
			require.ErrorContains(t, err, "promql: Query of the canary: ")
			require.Equal(t, test.noData, errors.Is(err, analysis.ErrNoData))
			require.Zero(t, o)
		})
	}
}

func TestHistoryOfAHistogram(t *testing.T) {
	t.Parallel()
	p := &past{t: t, label: "le", figure: func(string, time.Time) string { return "0.1=1.5 +Inf=3.5" }}
	all, err := histogram(p.server()).History(t.Context(), lately("a", "", 201*time.Second), time.Second)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"query_range": 2}, p.calls)
	require.Len(t, all, 201)
	var sum uint64
	for _, o := range all {
		sum += o.Canary.Total
	}
	require.InDelta(t, 201*3.5, sum, 1)
	_, err = (&promql.Histogram{}).History(t.Context(), window("a", ""), time.Second)
	require.ErrorContains(t, err, "promql: Histogram.Server is nil")
	_, err = (&promql.Histogram{}).Observe(t.Context(), window("a", ""))
	require.ErrorContains(t, err, "promql: Histogram.Query is empty")
}
