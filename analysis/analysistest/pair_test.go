package analysistest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

func TestPairsAddUpAndDiffer(t *testing.T) {
	t.Parallel()
	counts, gauge := analysis.Counts, analysis.Gauge
	buckets := func(upTo1, all uint64) analysis.Sample {
		return analysis.Buckets([]float64{1}, []uint64{upTo1}, all)
	}
	other := analysis.Buckets([]float64{2}, []uint64{1}, 1)
	for name, test := range map[string]struct {
		a, b, sum analysis.Sample
	}{
		"counts":             {counts(1, 10), counts(2, 20), counts(3, 30)},
		"buckets":            {buckets(1, 2), buckets(3, 4), buckets(4, 6)},
		"nothing":            {analysis.Sample{}, counts(2, 20), counts(2, 20)},
		"and nothing":        {counts(2, 20), analysis.Sample{}, counts(2, 20)},
		"the later value":    {gauge(1), gauge(2), gauge(2)},
		"what does not add":  {counts(1, 10), gauge(2), gauge(2)},
		"nor other bounds":   {buckets(1, 2), other, other},
		"zero is no data":    {counts(0, 0), analysis.Sample{}, analysis.Sample{}},
		"a value as in text": {gauge(0), gauge(0.1 + 0.2), gauge(0.3)},
	} {
		got := pair{test.a, test.b}.plus(pair{test.b, test.a})
		require.Empty(t, pair{canary: got.canary}.differs(pair{canary: test.sum}), name)
	}
	require.Equal(t, "the baseline had a histogram of 2 (buckets [1] up to [1]), and a histogram of 2 (buckets [2] up to [1]) was seen",
		pair{gauge(1), buckets(2, 2)}.differs(pair{gauge(1), buckets(1, 2)}))
	require.Equal(t, "the canary had the value 1, and no data was seen", pair{}.differs(pair{canary: gauge(1)}))
	require.Equal(t, "the canary had the value 1, and the value 1.001 was seen", pair{canary: gauge(1.001)}.differs(pair{canary: gauge(1)}))
}

// A value is compared window by window.
func TestValuesOfTheWrongWindow(t *testing.T) {
	t.Parallel()
	m := newMemory(changed(func(o *observation, _ analysis.Window) {
		if o.Canary.Has() {
			o.Canary = analysis.Gauge(1.5)
		}
	}))
	m.gauge = true
	err := addsUp(t.Context(), &bench{t: t}, m.rig(m))
	require.ErrorContains(t, err, "the canary had the value 2.5, and the value 1.5 was seen")
}

func TestTheScopeIsCleanedUpOnce(t *testing.T) {
	t.Parallel()
	var order []int
	s := newScope(t)
	s.Cleanup(func() { order = append(order, 1) })
	s.Cleanup(func() { order = append(order, 2) })
	require.NoError(t, s.Context().Err())
	s.close()
	require.Error(t, s.Context().Err())
	s.close()
	require.Equal(t, []int{2, 1}, order)
}
