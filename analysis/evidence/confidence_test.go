package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// both are the two processes that make an interval.
type both struct {
	harm Harm
	safe Safe
}

func newBoth(t require.TestingT) *both {
	harm, err := NewHarm(1.1, 180)
	require.NoError(t, err)
	safe, err := NewSafe(2)
	require.NoError(t, err)
	return &both{harm, safe}
}

func (b *both) Observe(c Counts) {
	b.harm.Observe(c)
	b.safe.Observe(c)
}

func (b *both) Interval(alpha float64) (low, high float64) { return Interval(&b.harm, &b.safe, alpha) }

func TestConfidenceOfNothingIsEverything(t *testing.T) {
	c := newBoth(t)
	c.Observe(Counts{})
	c.Observe(Counts{CanaryTotal: 100, BaselineTotal: 1000})
	low, high := c.Interval(0.01)
	require.Zero(t, low)
	require.True(t, math.IsInf(high, 1))
}

// The interval narrows around the truth, and a small one has to be earned.
func TestConfidenceNarrows(t *testing.T) {
	for _, psi := range []float64{1, 1.3, 4} {
		rng := rand.New(rand.NewPCG(3, uint64(10*psi)))
		next := service{rate: 0.02, share: 0.2, perSecond: 200}.intervals(rng, psi)
		c := newBoth(t)
		widths := []float64{}
		for i := range 360 {
			c.Observe(next())
			if low, high := c.Interval(0.01); i%120 == 119 {
				require.Less(t, low, psi)
				require.Greater(t, high, psi)
				widths = append(widths, math.Log(high/low))
			}
		}
		require.Less(t, widths[2], widths[0])
		require.Less(t, widths[2], 0.9, "odds ratio %g", psi) // from one point of the grid to the next but one
	}
}

// Over all looks together it misses the true odds ratio no more often than alpha.
func TestSimulatedConfidence(t *testing.T) {
	const alpha = 0.1
	for i, psi := range []float64{1, 1.17, 3} {
		rng := rand.New(rand.NewPCG(7, uint64(i)))
		n, missed := runs(300), 0
		for range n {
			next := service{rate: 0.02, share: 0.2, perSecond: 50}.intervals(rng, psi)
			c := newBoth(t)
			for range 60 {
				c.Observe(next())
				if low, high := c.Interval(alpha); psi < low || psi > high {
					missed++
					break
				}
			}
		}
		t.Logf("odds ratio %g: missed by %.1f%% of the intervals", psi, 100*float64(missed)/float64(n))
		require.LessOrEqual(t, float64(missed)/float64(n), allowed(alpha, n))
		require.Positive(t, missed, "an interval that is never wrong is too wide")
	}
}

// It holds the interval that a grid of a thousand points would give.
func TestConfidenceIsNeverTooNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tables := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Counts {
			c := Counts{CanaryTotal: rapid.Uint64Range(1, 2000).Draw(t, "canary"), BaselineTotal: rapid.Uint64Range(1, 20000).Draw(t, "baseline")}
			c.CanaryEvents = rapid.Uint64Range(0, min(c.CanaryTotal, 60)).Draw(t, "canary events")
			c.BaselineEvents = rapid.Uint64Range(0, min(c.BaselineTotal, 60)).Draw(t, "baseline events")
			return c
		}), 1, 6).Draw(t, "tables")
		c := newBoth(t)
		var psi, logs, mgf, plain []float64
		for l := math.Log(0.6); l <= math.Log(70); l += 0.01 {
			psi, logs = append(psi, math.Exp(l)), append(logs, l)
		}
		mgf, plain = make([]float64, len(psi)), make([]float64, len(psi))
		for _, table := range tables {
			c.Observe(table)
			m, x, ok := table.split()
			if !ok {
				continue
			}
			m.logMGFs(psi, logs, mgf)
			for j := range plain {
				plain[j] += x*logs[j] - mgf[j]
			}
		}
		low, high := c.Interval(0.01)
		if low > high {
			t.Fatalf("from %g to %g", low, high)
		}
		var known []float64
		known = append(append(known, c.harm.plain[:]...), c.safe.plain[:]...)
		level := logSum(known) - math.Log(float64(len(known))) + math.Log(0.01)
		for j, l := range plain {
			if l > level+1e-9 && (psi[j] < low*(1-1e-12) || psi[j] > high*(1+1e-12)) {
				t.Fatalf("%g to %g leaves out %g", low, high, psi[j])
			}
		}
	})
}
