package evidence

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSomeIntervalsSayNothing(t *testing.T) {
	for name, c := range map[string]Counts{
		"empty":                   {},
		"no canary requests":      {0, 0, 5, 100},
		"no baseline requests":    {5, 100, 0, 0},
		"no events":               {0, 100, 0, 1000},
		"nothing but events":      {100, 100, 1000, 1000},
		"beyond belief, canary":   {7, MaxCount + 1, 5, 100},
		"beyond belief, uint64":   {1, 10, math.MaxUint64, math.MaxUint64},
		"events beyond the total": {11, 10, 21, 20},
	} {
		t.Run(name, func(t *testing.T) {
			harm, safe, odds := must(NewHarm(1.1, 180)), must(NewSafe(2)), MantelHaenszel{}
			harm.Observe(c)
			safe.Observe(c)
			odds.Observe(c)
			require.InDelta(t, 0, harm.Log(), 1e-15)
			require.InDelta(t, 0, safe.Log(), 1e-15)
			require.True(t, math.IsNaN(odds.Ratio()))
		})
	}
}

func TestEventsBeyondTheTotalAreCut(t *testing.T) {
	cut, beyond := must(NewHarm(1, 0)), must(NewHarm(1, 0))
	cut.Observe(Counts{10, 10, 3, 100})
	beyond.Observe(Counts{12, 10, 3, 100})
	require.Equal(t, cut.Log(), beyond.Log())
}

// A process is valid because no bet has an expected payout above its stake.
// For small tables that can be checked exactly, by going through all outcomes.
func TestNoBetPaysUnderItsHypothesis(t *testing.T) {
	expect := func(c Counts, psi float64, log func(Counts) float64) float64 {
		m, _, _ := c.split()
		mean, whole := 0.0, 0.0
		for k := m.least; k <= m.most; k++ {
			p := hypergeometric(m, k) * math.Pow(psi, k)
			x := uint64(k)
			mean += p * math.Exp(log(Counts{x, c.CanaryTotal, uint64(m.events) - x, c.BaselineTotal}))
			whole += p
		}
		return mean / whole
	}
	tables := []Counts{{1, 5, 0, 5}, {3, 20, 2, 100}, {10, 50, 30, 40}, {2, 2, 60, 100}, {40, 300, 50, 60}}
	past := Counts{2, 20, 3, 300}
	for _, c := range tables {
		for _, psi := range []float64{0.3, 0.9, 1, 1.1} {
			harm := must(NewHarm(1.1, 3))
			harm.Observe(past)
			next := func(c Counts) float64 { h := harm; h.Observe(c); return h.Log() - harm.Log() }
			require.LessOrEqual(t, expect(c, psi, next), 1+1e-9, "harm, %v at %v", c, psi)
		}
		for _, psi := range []float64{2, 2.5, 10} {
			safe := must(NewSafe(2))
			safe.Observe(past)
			next := func(c Counts) float64 { s := safe; s.Observe(c); return s.Log() - safe.Log() }
			require.LessOrEqual(t, expect(c, psi, next), 1+1e-9, "safe, %v at %v", c, psi)
		}
	}
}
