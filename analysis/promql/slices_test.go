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

// zones is a vector with a series for each of the values, such as "a=1 b=2", at the
// end of the window.
func zones(list string) string { return labelled("zone", list) }

func labelled(label, list string) string {
	var all []string
	for _, one := range strings.Fields(list) {
		name, v, _ := strings.Cut(one, "=")
		all = append(all, fmt.Sprintf(`{"metric":{%q:%q},"value":[%d,%q]}`, label, name, end.Unix(), v))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// byArm answers by which arm is asked about, and whether about errors.
func byArm(t testing.TB, canary, canaryErrors, baseline, baselineErrors string) *promql.Server {
	return replies(t, func(query string) string {
		switch events := strings.Contains(query, "500"); {
		case strings.Contains(query, `"c"`) && events:
			return canaryErrors
		case strings.Contains(query, `"c"`):
			return canary
		case events:
			return baselineErrors
		default:
			return baseline
		}
	})
}

func TestSlicesOfCounts(t *testing.T) {
	t.Parallel()
	c := counts(byArm(t, zones("b=20.4 a=10.4"), zones("b=1"), zones("c=30 a=1 nan=NaN"), zones("a=1 c=3 nan=2")))
	c.By = "zone"
	o, err := c.Observe(t.Context(), window("c", "old"))
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{
		At: end, Canary: analysis.Counts(1, 30), Baseline: analysis.Counts(4, 31),
		Slices: []analysis.Slice{
			{Name: "a", Canary: analysis.Counts(0, 10), Baseline: analysis.Counts(1, 1)},
			{Name: "b", Canary: analysis.Counts(1, 20)},
			{Name: "c", Baseline: analysis.Counts(3, 30)},
			{Name: "nan"},
		},
	}, o)
}

// Each slice has a rest of its own, which waits when the slice is away for a window.
func TestRoundingOfSlicesLosesNothing(t *testing.T) {
	t.Parallel()
	window := window("c", "")
	window.Start = end.Add(-time.Millisecond) // so that all are at the same time, to the tolerance
	n := 0
	c := counts(replies(t, func(query string) string {
		switch {
		case strings.Contains(query, "500"):
			return zones("a=0.4")
		case n%2 == 0:
			return zones("a=10.3 b=0.3")
		default:
			return zones("a=10.3")
		}
	}))
	c.By = "zone"
	sums := map[string]analysis.Sample{}
	for n = range 20 {
		o, err := c.Observe(t.Context(), window)
		require.NoError(t, err)
		whole := analysis.Counts(0, 0)
		for _, s := range o.Slices {
			whole = analysis.Counts(whole.Events+s.Canary.Events, whole.Total+s.Canary.Total)
			sums[s.Name] = analysis.Counts(sums[s.Name].Events+s.Canary.Events, sums[s.Name].Total+s.Canary.Total)
		}
		require.Equal(t, whole, o.Canary)
		window.Start, window.End = window.End, window.End.Add(time.Millisecond)
	}
	require.Equal(t, map[string]analysis.Sample{"a": analysis.Counts(8, 206), "b": analysis.Counts(0, 3)}, sums)
}

func TestSlicesOutOfPlace(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("z%d=1", i))
		}
		return zones(strings.Join(list, " "))
	}
	for name, test := range map[string]struct {
		total, events string
		optional      bool
		want          analysis.Sample
		err           string
		noData        bool
	}{
		"events without total":     {total: zones("a=1"), events: zones("a=1 b=2"), err: `Events of the canary: the slice "b" has events, but no total`},
		"no events":                {total: zones("a=1"), events: "[]", err: "no series matches", noData: true},
		"no events, which is fine": {total: zones("a=1 b=2"), events: "[]", optional: true, want: analysis.Counts(0, 3)},
		"no total":                 {total: "[]", events: "[]", optional: true, err: "no series matches", noData: true},
		"none is a number":         {total: zones("a=NaN b=+Inf"), events: zones("a=1"), err: "none of the 2 values is a number", noData: true},
		"one is a number":          {total: zones("a=NaN b=2"), events: zones("a=1"), want: analysis.Counts(0, 2)},
		"negative":                 {total: zones("a=1 b=-1"), events: zones("a=1"), err: `in the slice "b": 0 of -1 is no count`},
		"swapped":                  {total: zones("a=1"), events: zones("a=100"), err: `in the slice "a": more events (100) than the total (1)`},
		"another label":            {total: labelled("az", "a=1"), events: zones("a=1"), err: `a series without the label "zone", by which to slice (aggregate by it, as with sum by (zone)): "{az=\"a\"}"`},
		"no label":                 {total: value(1), events: zones("a=1"), err: `a series without the label "zone"`},
		"twice":                    {total: zones("a=1 a=2"), events: zones("a=1"), err: `2 series with zone="a", want one (aggregate them, as with sum by (zone))`},
		"as many as may be":        {total: many(1000), events: zones("z1=1"), want: analysis.Counts(1, 1000)},
		"too many":                 {total: many(1001), events: zones("z1=1"), err: `the label "zone" has 1001 values, want at most 1000 slices`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := counts(byArm(t, test.total, test.events, "", ""))
			c.By, c.EventsOptional = "zone", test.optional
			o, err := c.Observe(t.Context(), window("c", ""))
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				require.Equal(t, test.noData, errors.Is(err, analysis.ErrNoData))
				require.Zero(t, o)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, o.Canary)
		})
	}
	t.Run("too many in both arms together", func(t *testing.T) {
		g := gauge(byArm(t, many(1000), "", zones("other=1"), ""))
		g.By = "zone"
		_, err := g.Observe(t.Context(), window("c", "old"))
		require.EqualError(t, err, `promql: the label "zone" has 1001 values, want at most 1000 slices`)
	})
	require.Equal(t, []string{`By is "\xff": want the name of a label, such as zone`}, problemsOf(&promql.Gauge{
		Server: &promql.Server{URL: "http://h"}, Query: `x{pod=~"{{.Arm}}"}`, By: "\xff",
	}))
}

func TestSlicesOfAGauge(t *testing.T) {
	t.Parallel()
	g := gauge(byArm(t, zones("b=3 a=1 c=+Inf"), "", zones("a=5"), ""))
	g.By = "zone"
	o, err := g.Observe(t.Context(), window("c", "old"))
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{
		At: end, Canary: analysis.Gauge(2), Baseline: analysis.Gauge(5),
		Slices: []analysis.Slice{
			{Name: "a", Canary: analysis.Gauge(1), Baseline: analysis.Gauge(5)},
			{Name: "b", Canary: analysis.Gauge(3)},
			{Name: "c"},
		},
	}, o)
	g.By = ""
	_, err = g.Observe(t.Context(), window("c", "old"))
	require.ErrorContains(t, err, "3 series, want one")
}
