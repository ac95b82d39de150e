package evidence

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// One interval of several tables says as much as the same tables one after the other.
func TestStrataAreMultiplied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		psi0 := rapid.Float64Range(0.5, 2).Draw(t, "psi0")
		var together, apart struct {
			harm    Harm
			safe    Safe
			effects RandomEffects
			odds    MantelHaenszel
		}
		together.harm, together.safe = must(NewHarm(psi0, 1)), must(NewSafe(2))
		together.effects = must(NewRandomEffects(psi0, 0.2, 100, 1))
		apart = together
		intervals := rapid.IntRange(1, 4).Draw(t, "intervals")
		for range intervals {
			strata := make([]Counts, rapid.IntRange(0, 4).Draw(t, "strata"))
			for i := range strata {
				strata[i] = drawAnyCounts(t, 300)
				apart.harm.Observe(strata[i])
				apart.safe.Observe(strata[i])
				apart.effects.Observe(strata[i])
				apart.odds.Observe(strata[i])
			}
			together.harm.Observe(strata...)
			together.safe.Observe(strata...)
			together.effects.Observe(strata...)
			together.odds.Observe(strata...)
			require.InDelta(t, apart.harm.Log(), together.harm.Log(), 1e-9)
			require.InDelta(t, apart.safe.Log(), together.safe.Log(), 1e-9)
			require.InDelta(t, apart.effects.Log(), together.effects.Log(), 1e-9)
			if a := apart.odds.Ratio(); !math.IsNaN(a) {
				require.Equal(t, a, together.odds.Ratio())
			}
		}
		require.Equal(t, intervals, together.harm.intervals, "time goes by at the same pace")
		require.Equal(t, intervals, together.effects.intervals)
	})
}

// What is due is bet once in an interval, whichever stratum has evidence first.
func TestRestartsCountIntervalsNotStrata(t *testing.T) {
	a, b := Counts{3, 50, 5, 500}, Counts{1, 20, 9, 400}
	one, two := must(NewHarm(1, 10)), must(NewHarm(1, 10))
	for range 5 {
		one.Observe(Counts{}, a, b, Counts{0, 10, 0, 10})
		two.Observe(b, a)
	}
	require.InDelta(t, one.Log(), two.Log(), 1e-12)
	require.InDelta(t, (1-atOnce)*5/9, one.kept, 1e-12)
	one.Observe()
	require.Equal(t, 6, one.intervals)
	require.InDelta(t, two.Log(), one.Log(), 1e-12)
}

// With all the ways that the events of two strata can fall, what is spent is the
// probability to cross, and there is one look for both.
func TestSpendingLooksOnceAfterAllStrata(t *testing.T) {
	strata := []Counts{{4, 10, 2, 10}, {0, 0, 5, 5}, {2, 8, 3, 20}}
	const psi0 = 1.25
	first, _, _ := strata[0].split()
	last, _, _ := strata[2].split()
	weight := func(m margins, k float64) float64 { return hypergeometric(m, k) * math.Pow(psi0, k) }
	whole, crossed := 0.0, 0.0
	var spent float64
	for i := first.least; i <= first.most; i++ {
		for j := last.least; j <= last.most; j++ {
			test := must(NewSpending(psi0, 0.2, 3))
			test.Observe(
				Counts{uint64(i), 10, uint64(first.events - i), 10}, strata[1],
				Counts{uint64(j), 8, uint64(last.events - j), 20})
			require.Equal(t, 1, test.looks)
			p := weight(first, i) * weight(last, j)
			whole += p
			if test.Crossed() {
				crossed += p
			}
			spent = test.Spent()
			require.Equal(t, uint64(i+j), test.Sum())
		}
	}
	require.InDelta(t, spent, crossed/whole, 1e-12)
	require.Greater(t, spent, 0.02, "it is of use")
}

func TestDispersionOfStrata(t *testing.T) {
	var one, two Dispersion
	one.Observe(Counts{8, 30, 12, 90})
	d, v := one.d, one.v
	two.Observe(Counts{8, 30, 12, 90}, Counts{}, Counts{8, 30, 12, 90})
	require.Equal(t, 1, two.Intervals())
	require.InDelta(t, 2*d, two.d, 1e-12)
	require.InDelta(t, 2*v, two.v, 1e-12)
	require.InDelta(t, 2*d*d/v, two.Phi(), 1e-12)
	two.Observe(Counts{}, Counts{0, 10, 0, 10})
	require.Equal(t, 1, two.Intervals())
}

// A canary that is as good as its baseline on every route, and gets more of the
// traffic of the one that fails often. The totals look six times worse.
func TestStrataWithstandAShiftOfTraffic(t *testing.T) {
	type tests struct {
		harm     Harm
		spending *Spending
	}
	begin := func() tests { return tests{must(NewHarm(1.1, 60)), must(NewSpending(1.1, 0.01, 60))} }
	totals, routes := begin(), begin()
	for range 60 {
		checkout := Counts{CanaryEvents: 4, CanaryTotal: 80, BaselineEvents: 5, BaselineTotal: 100}
		search := Counts{CanaryEvents: 0, CanaryTotal: 20, BaselineEvents: 2, BaselineTotal: 900}
		sum := Counts{
			CanaryEvents: checkout.CanaryEvents + search.CanaryEvents, CanaryTotal: checkout.CanaryTotal + search.CanaryTotal,
			BaselineEvents: checkout.BaselineEvents + search.BaselineEvents, BaselineTotal: checkout.BaselineTotal + search.BaselineTotal,
		}
		totals.harm.Observe(sum)
		totals.spending.Observe(sum)
		routes.harm.Observe(checkout, search)
		routes.spending.Observe(checkout, search)
	}
	require.Greater(t, Value(totals.harm.Log()), 1e6, "the story is one of a false alarm")
	require.True(t, totals.spending.Crossed())
	require.Less(t, Value(routes.harm.Log()), 1.0)
	require.False(t, routes.spending.Crossed())
}

func TestStrataDoNotAllocate(t *testing.T) {
	harm, safe, effects := must(NewHarm(1.1, 180)), must(NewSafe(2)), must(NewRandomEffects(1.1, 0.2, 3, 180))
	spending := must(NewSpending(1.1, 0.01, 180))
	var odds MantelHaenszel
	var window Dispersion
	spending.paths, spending.increments = extend(spending.paths, 4096), extend(nil, 4096)
	spending.paths = spending.paths[:1]
	observe := func(strata ...Counts) {
		harm.Observe(strata...)
		safe.Observe(strata...)
		effects.Observe(strata...)
		spending.Observe(strata...)
		odds.Observe(strata...)
		window.Observe(strata...)
	}
	c := Counts{5, 500, 95, 9500}
	three := []Counts{c, {}, c}
	require.Zero(t, testing.AllocsPerRun(5, func() { observe(c) }))
	require.Zero(t, testing.AllocsPerRun(5, func() { observe(c, c) }))
	require.Zero(t, testing.AllocsPerRun(5, func() { observe(three...) }))
}
