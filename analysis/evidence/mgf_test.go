package evidence

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawCounts draws an interval with some evidence in it.
func drawCounts(t *rapid.T, most uint64) Counts {
	c := Counts{
		CanaryTotal:   rapid.Uint64Range(1, most).Draw(t, "canary requests"),
		BaselineTotal: rapid.Uint64Range(1, most).Draw(t, "baseline requests"),
	}
	c.CanaryEvents = rapid.Uint64Range(0, c.CanaryTotal).Draw(t, "canary events")
	c.BaselineEvents = rapid.Uint64Range(0, c.BaselineTotal).Draw(t, "baseline events")
	return c
}

// hypergeometric is h(k) by the log-gamma function: slow, and good enough for
// small counts.
func hypergeometric(m margins, k float64) float64 {
	choose := func(n, k float64) float64 {
		a, _ := math.Lgamma(n + 1)
		b, _ := math.Lgamma(k + 1)
		c, _ := math.Lgamma(n - k + 1)
		return a - b - c
	}
	return math.Exp(choose(m.canary, k) + choose(m.baseline, m.events-k) - choose(m.canary+m.baseline, m.events))
}

func TestLogMGFIsTheSumOfItsTerms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _, ok := drawCounts(t, 300).split()
		if !ok {
			t.Skip("no evidence")
		}
		h := must(NewHarm(rapid.Float64Range(0.02, 20).Draw(t, "psi0"), 0))
		m.logMGFs(h.psi[:], h.logs[:], h.mgf[:])
		var around [1 + gridSize]float64
		m.sumAround(h.psi[:], h.logs[:], around[:])
		for i := range h.psi {
			var xs []float64
			for k := m.least; k <= m.most; k++ {
				xs = append(xs, math.Log(hypergeometric(m, k))+k*h.logs[i])
			}
			require.InDelta(t, logSum(xs), h.mgf[i], 1e-9, "%+v at %v", m, h.psi[i])
			require.InDelta(t, h.mgf[i], around[i], 1e-9, "around the modes: %+v at %v", m, h.psi[i])
		}
	})
}

func TestModeIsTheLikeliest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _, ok := drawCounts(t, MaxCount).split()
		if !ok {
			t.Skip("no evidence")
		}
		psi := math.Exp(rapid.Float64Range(-6, 6).Draw(t, "ln psi"))
		k := m.mode(psi)
		require.GreaterOrEqual(t, k, m.least)
		require.LessOrEqual(t, k, m.most)
		if k < m.most {
			require.Less(t, psi*m.ratio(k), 1+1e-6, "%+v: %v is too low", m, k)
		}
		if k > m.least {
			require.Greater(t, psi*m.ratio(k-1), 1-1e-6, "%+v: %v is too high", m, k)
		}
	})
}

func TestLongWalksMatchShortOnes(t *testing.T) {
	for _, m := range []margins{
		{canary: 5e8, baseline: 3e9, events: 2e6, least: 0, most: 2e6},
		{canary: 1e5, baseline: 1e6, events: 1e5, least: 0, most: 1e5},
		{canary: 1e6, baseline: 1e5, events: 6e5, least: 5e5, most: 6e5},
	} {
		from := m.least + 4000
		step, long := 0.0, m.logRatio(from, from+6000)
		for k := from; k < from+6000; k += 1000 {
			step += m.logRatio(k, k+1000)
		}
		require.InEpsilon(t, step, long, 1e-11, "%+v", m)
		require.Equal(t, -long, m.logRatio(from+6000, from))
	}
}

func TestHugeCountsAreQuick(t *testing.T) {
	harm := must(NewHarm(1.1, 180))
	start := time.Now()
	harm.Observe(Counts{MaxCount / 2, MaxCount, MaxCount / 2, MaxCount})
	require.Less(t, time.Since(start), 5*time.Second)
	require.Less(t, harm.Log(), 0.0)
	require.False(t, math.IsNaN(harm.Log()))
}
