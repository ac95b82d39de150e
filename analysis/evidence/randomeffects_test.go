package evidence

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRandomEffectsAgreeWithTheOracle(t *testing.T) {
	for i, s := range readNoisyOracle(t).Sequences {
		effects := must(NewRandomEffects(1, s.RandomEffects.Tau, s.RandomEffects.Block, 0))
		for k := range s.NC {
			effects.Observe(Counts{s.XC[k], s.NC[k], s.XB[k], s.NB[k]})
			require.InDelta(t, s.RandomEffects.Values[k], effects.Log(), 1e-8, "sequence %d interval %d", i, k)
		}
	}
}

// For small tables the expectation can be computed exactly: with its own noise the
// process is a martingale, at the end of a block and inside one.
func TestRandomEffectsAreAFairBet(t *testing.T) {
	tables := []Counts{{1, 5, 1, 9}, {2, 20, 1, 20}, {1, 6, 2, 30}, {3, 9, 1, 9}}
	const tau = 0.4
	for _, c := range []struct {
		psi0, psi            float64
		block, seen, horizon int
	}{
		{1, 1, 1, 1, 0}, {1.2, 1.2, 1, 1, 4}, {1.2, 1.2, 2, 2, 0}, {1, 1, 2, 1, 4}, {0.8, 0.8, 3, 3, 3},
		{1.2, 1.2, 4, 4, 0}, {1.2, 1.1, 2, 2, 4}, {1.2, 0.7, 1, 1, 0}, {2, 0.7, 4, 3, 8},
	} {
		past := must(NewRandomEffects(c.psi0, tau, c.block, c.horizon))
		for range c.block { // a block before this one
			past.Observe(Counts{3, 20, 4, 50})
		}
		mean, whole := 0.0, 0.0
		for k := -noiseSide; k <= noiseSide; k++ {
			z := float64(k) / noisePerTau
			weight := math.Exp(-z * z / 2)
			whole += weight
			mean += weight * outcomes(past, tables[:c.seen], c.psi*math.Exp(tau*z), func(r RandomEffects) float64 {
				return math.Exp(r.Log() - past.Log())
			})
		}
		if c.psi == c.psi0 {
			require.InDelta(t, 1, mean/whole, 1e-9, "%+v", c)
		} else {
			require.Less(t, mean/whole, 1.0, "%+v", c)
		}
	}
}

// outcomes is the expectation of f after the tables at a given odds ratio.
func outcomes(r RandomEffects, tables []Counts, psi float64, f func(RandomEffects) float64) float64 {
	if len(tables) == 0 {
		return f(r)
	}
	c := tables[0]
	m, _, _ := c.split()
	mean, whole := 0.0, 0.0
	for k := m.least; k <= m.most; k++ {
		next, x := r, uint64(k)
		next.Observe(Counts{x, c.CanaryTotal, uint64(m.events) - x, c.BaselineTotal})
		p := hypergeometric(m, k) * math.Pow(psi, k)
		whole += p
		mean += p * outcomes(next, tables[1:], psi, f)
	}
	return mean / whole
}

func TestWithoutNoiseRandomEffectsAreHarm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		psi0 := rapid.Float64Range(0.5, 2).Draw(t, "psi0")
		horizon := rapid.IntRange(0, 8).Draw(t, "horizon")
		effects, harm := must(NewRandomEffects(psi0, 0, 1, horizon)), must(NewHarm(psi0, horizon))
		for range rapid.IntRange(1, 10).Draw(t, "intervals") {
			c := drawAnyCounts(t, 200)
			effects.Observe(c)
			harm.Observe(c)
			require.InDelta(t, harm.Log(), effects.Log(), 1e-3)
		}
	})
}

func TestNoiseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		psi0, tau := rapid.Float64Range(0.5, 2).Draw(t, "psi0"), rapid.Float64Range(0, mostTau).Draw(t, "tau")
		block, horizon := rapid.IntRange(0, 5).Draw(t, "block"), rapid.IntRange(0, 12).Draw(t, "horizon")
		effects := must(NewRandomEffects(psi0, tau, block, horizon))
		require.LessOrEqual(t, effects.points, latticeSize)
		require.IsIncreasing(t, effects.logs[:effects.points])
		for j, first := range effects.first {
			step := max(tau, leastTau) / noisePerTau
			require.InDelta(t, float64(2*noiseSide)*step, effects.logs[first+2*noiseSide]-effects.logs[first], 1e-6, "noise %d", j)
		}
		require.InDelta(t, 0, effects.Log(), 1e-12)
		var window Dispersion
		for range rapid.IntRange(1, 12).Draw(t, "intervals") {
			c := drawAnyCounts(t, 5000)
			before := effects
			again := before
			effects.Observe(c)
			again.Observe(c)
			require.Equal(t, effects.Log(), again.Log(), "a copy is a snapshot")
			require.False(t, math.IsNaN(effects.Log()))
			require.False(t, math.IsInf(effects.Log(), 0))
			if _, _, ok := c.split(); !ok {
				require.InDelta(t, before.Log(), effects.Log(), 1e-9)
			}
			window.Observe(c)
		}
		if window.Intervals() > 0 {
			require.GreaterOrEqual(t, window.Phi(), 0.0)
			require.GreaterOrEqual(t, window.Tau(), 0.0)
		}
		require.GreaterOrEqual(t, window.Correlation(), 0.0)
		require.LessOrEqual(t, window.Correlation(), 1.0)
	})
}

func TestDispersionByHand(t *testing.T) {
	var a Dispersion
	require.True(t, math.IsNaN(a.Phi()))
	require.True(t, math.IsNaN(a.Tau()))
	require.Zero(t, a.Correlation())
	// w = 1/4, E = 8, N = 40: mean 2, v = 8·(1/4)(3/4)·32/39 = 48/39.
	v := 48.0 / 39
	a.Observe(Counts{5, 10, 3, 30}) // d = 3
	a.Observe(Counts{3, 10, 5, 30}) // d = 1
	require.Equal(t, 2, a.Intervals())
	require.InDelta(t, (9+1)/v/2, a.Phi(), 1e-12)
	require.InDelta(t, math.Sqrt((10-2*v)/(2*v*v)), a.Tau(), 1e-12)
	require.InDelta(t, 3/(v*v)/((10-2*v)/(2*v*v)), a.Correlation(), 1e-12)
	before := a
	a.Observe(Counts{0, 10, 0, 30})
	require.Equal(t, before.Phi(), a.Phi())
	a.Observe(Counts{0, 10, 8, 30})
	require.Equal(t, before.lag, a.lag, "not adjacent")
}

func BenchmarkRandomEffects(b *testing.B) {
	for _, c := range []Counts{{1, 50, 9, 950}, {5, 500, 95, 9500}, {50, 5000, 950, 95000}} {
		b.Run(fmt.Sprintf("%d+%d/%d", c.CanaryTotal, c.BaselineTotal, c.CanaryEvents+c.BaselineEvents), func(b *testing.B) {
			effects := must(NewRandomEffects(1.1, 0.25, 1, 180))
			b.ReportAllocs()
			sum := 0.0
			for b.Loop() {
				effects.Observe(c)
				sum += effects.Log()
			}
			_ = sum
		})
	}
}

func BenchmarkDispersion(b *testing.B) {
	var window Dispersion
	b.ReportAllocs()
	for b.Loop() {
		window.Observe(Counts{5, 500, 95, 9500})
	}
}
