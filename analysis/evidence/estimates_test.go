package evidence

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		events, total uint64
		confidence    float64
		low, high     float64
	}{
		// Newcombe 1998, table I.
		{81, 263, 0.95, 0.2553, 0.3662},
		{15, 148, 0.95, 0.0624, 0.1605},
		{0, 20, 0.95, 0, 0.1611},
		{1, 29, 0.95, 0.0061, 0.1718},
		{20, 20, 0.95, 0.8389, 1},
		{0, 0, 0.95, 0, 1},
	} {
		low, high := Wilson(c.events, c.total, c.confidence)
		require.InDelta(t, c.low, low, 5e-5, "%+v", c)
		require.InDelta(t, c.high, high, 5e-5, "%+v", c)
	}
}

func TestMantelHaenszel(t *testing.T) {
	var one MantelHaenszel
	one.Observe(Counts{12, 236, 93, 9304})
	require.InDelta(t, 12.0/224/(93.0/9211), one.Ratio(), 1e-12, "one stratum: its odds ratio")

	// A canary just as good as its baseline that got most of its traffic in the
	// bad hour: the totals say 3.6 times the odds.
	var simpson MantelHaenszel
	simpson.Observe(Counts{1, 1000, 99, 99000})
	simpson.Observe(Counts{5000, 50000, 5000, 50000})
	require.InDelta(t, 1, simpson.Ratio(), 1e-12)

	var alone MantelHaenszel
	alone.Observe(Counts{3, 100, 0, 1000})
	require.True(t, math.IsInf(alone.Ratio(), 1))
}

func TestRateSeesAHigherRate(t *testing.T) {
	over, under := must(NewRate(0.01)), must(NewRate(0.01))
	for range 20 {
		over.Observe(5, 100)
		under.Observe(0, 100)
	}
	require.Greater(t, Value(over.Log()), 1e6)
	require.Less(t, Value(under.Log()), 1.0)
	before := under.Log()
	under.Observe(1, MaxCount+1)
	require.Equal(t, before, under.Log(), "beyond belief")
}

func TestMean(t *testing.T) {
	require.InDelta(t, math.Log(3), Mean(math.Log(1), math.Log(5)), 1e-12)
	require.InDelta(t, 2000-math.Ln2, Mean(2000, -2000), 1e-12)
	require.InDelta(t, -math.Ln2, Mean(math.Inf(-1), 0), 1e-12)
	require.Equal(t, math.Inf(-1), Mean(math.Inf(-1), math.Inf(-1)))
}

func TestValueIsCapped(t *testing.T) {
	require.Equal(t, 1.0, Value(0))
	require.Equal(t, MaxValue, Value(1e6))
	require.Equal(t, 0.0, Value(math.Inf(-1)))
}

func TestSnapshotsAreIndependent(t *testing.T) {
	harm := must(NewHarm(1, 10))
	harm.Observe(Counts{3, 100, 5, 1000})
	snapshot := harm
	harm.Observe(Counts{30, 100, 5, 1000})
	require.Greater(t, harm.Log(), snapshot.Log()+10)
}

func TestObserveDoesNotAllocate(t *testing.T) {
	harm, safe, rate, rare := must(NewHarm(1.1, 180)), must(NewSafe(2)), must(NewRate(0.01)), must(NewRare(0.01))
	for _, c := range []Counts{{5, 500, 95, 9500}, {500, 5000, 9500, 95000}} {
		require.Zero(t, testing.AllocsPerRun(10, func() {
			harm.Observe(c)
			safe.Observe(c)
			rate.Observe(c.CanaryEvents, c.CanaryTotal)
			rare.Observe(c.CanaryEvents, c.CanaryTotal)
			_ = harm.Log() + rate.Log() + Mean(safe.Log(), rare.Log()) + rare.More(3, 0.001)
		}))
	}
}

func ExampleHarm() {
	// Ten seconds at a time: a canary with 2% of errors beside a fleet with 1%.
	harm, safe := must(NewHarm(1.1, 180)), must(NewSafe(2))
	for i := range 9 {
		harm.Observe(Counts{CanaryEvents: 10, CanaryTotal: 500, BaselineEvents: 95, BaselineTotal: 9500})
		safe.Observe(Counts{CanaryEvents: 10, CanaryTotal: 500, BaselineEvents: 95, BaselineTotal: 9500})
		if i%2 == 0 {
			fmt.Printf("%d s: harm %.2g, safe %.2g\n", 10*(i+1), Value(harm.Log()), Value(safe.Log()))
		}
	}
	// Output:
	// 10 s: harm 1.6, safe 0.12
	// 30 s: harm 14, safe 0.0026
	// 50 s: harm 1.7e+02, safe 6.5e-05
	// 70 s: harm 2.3e+03, safe 1.6e-06
	// 90 s: harm 3.3e+04, safe 4.2e-08
}
