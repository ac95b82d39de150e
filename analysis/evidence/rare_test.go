package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoBetOnRarenessPaysUnderItsHypothesis(t *testing.T) {
	for _, n := range []uint64{1, 7, 40} {
		for _, limit := range []float64{0.001, 0.02, 0.3} {
			for _, p := range []float64{limit, 1.01 * limit, 3 * limit} {
				mean, ways := 0.0, 1.0
				for x := uint64(0); x <= n; x++ {
					rare := must(NewRare(limit))
					rare.Observe(x, n)
					mean += ways * math.Pow(p, float64(x)) * math.Pow(1-p, float64(n-x)) * math.Exp(rare.Log())
					ways *= float64(n-x) / float64(x+1)
				}
				require.LessOrEqual(t, mean, 1+1e-9, "%d requests at a rate of %v, limit %v", n, p, limit)
				if p == limit {
					require.InDelta(t, 1, mean, 1e-9, "at the limit it is a fair bet")
				}
			}
		}
	}
}

// The figures of its documentation.
func TestRareWithoutEvents(t *testing.T) {
	for needed, want := range map[float64]uint64{20: 3280, 40: 4015} {
		rare, n := must(NewRare(0.001)), uint64(0)
		require.InDelta(t, float64(want), rare.More(math.Log(needed), 0), 1)
		for ; Value(rare.Log()) < needed; n++ {
			rare.Observe(0, 1)
		}
		require.Equal(t, want, n, "for %v", needed)
		require.Zero(t, rare.More(math.Log(needed), 0))
	}
}

func TestRareSurvivesEvents(t *testing.T) {
	rare := must(NewRare(0.001))
	level := math.Log(40)
	rare.Observe(1, 500)
	require.Less(t, Value(rare.Log()), 1.0)
	more := rare.More(level, 0.0001)
	requests := 0
	for rare.Log() < level {
		rare.Observe(1, 10_000)
		requests += 10_000
	}
	require.InDelta(t, more, requests, 10_000, "it was told how long it takes")
	require.True(t, math.IsInf(rare.More(level+100, 0.001), 1), "not at the limit")
	before := rare
	rare.Observe(0, MaxCount+1)
	require.Equal(t, before, rare, "beyond belief")
	rare.Observe(0, 0)
	require.Equal(t, before, rare)
	many, all := must(NewRare(0.001)), must(NewRare(0.001))
	many.Observe(12, 10)
	all.Observe(10, 10)
	require.Equal(t, all, many, "events beyond the total are cut")
}

// A release that is neither comparable nor rare enough must not get through by
// having two ways.
func TestSimulatedFalsePromotionsWithTwoWaysToBeSafe(t *testing.T) {
	const beta, harmful, limit = 0.05, 2.0, 0.001
	base := limit / (harmful*(1-limit) + limit) // what is harmful times it is limit
	for i, s := range []service{
		{rate: base, share: 0.05, perSecond: 1000},
		{rate: base, share: 0.5, perSecond: 100},
		{rate: base, share: 0.9, perSecond: 100},
		{rate: 2 * base, share: 0.2, perSecond: 100},
	} {
		rng := rand.New(rand.NewPCG(4, uint64(i)))
		n, promoted, alone := runs(400), 0, 0
		for range n {
			next, safe, rare := s.intervals(rng, harmful), must(NewSafe(harmful)), must(NewRare(limit))
			for range 60 {
				c := next()
				safe.Observe(c)
				rare.Observe(c.CanaryEvents, c.CanaryTotal)
				if Mean(safe.Log(), rare.Log()) >= -math.Log(beta) {
					promoted++
					if rare.Log() > safe.Log() {
						alone++
					}
					break
				}
			}
		}
		share := float64(promoted) / float64(n)
		t.Logf("%v: %.2f%% of harmful releases promoted, %.2f%% for their rate", s, 100*share, 100*float64(alone)/float64(n))
		require.LessOrEqual(t, share, allowed(beta, n), "%v", s)
	}
}
