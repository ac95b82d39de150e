package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVisible(t *testing.T) {
	for name, c := range map[string]struct {
		canary, baseline uint64
		rate             float64
	}{
		"no canary":          {0, 1000, 0.01},
		"no baseline":        {1000, 0, 0.01},
		"no events":          {1000, 9000, 0},
		"nothing but events": {1000, 9000, 1},
		"no rate":            {1000, 9000, math.NaN()},
		"a handful":          {3, 30, 0.001},
	} {
		psi, ok := Visible(c.canary, c.baseline, c.rate, 0.01)
		require.False(t, ok, "%s: %g", name, psi)
	}
	few, _ := Visible(1000, 19000, 0.01, 0.01)
	many, _ := Visible(100_000, 1_900_000, 0.01, 0.01)
	require.Greater(t, few, many)
	require.InDelta(t, 2.37, few, 0.1) // Wald's bound for twice the odds is 1,256 requests
}

// A regression as large as the smallest that is said to be visible shows about
// every second time; one half as large seldom does, and one twice as large does.
func TestSimulatedVisibility(t *testing.T) {
	for i, s := range []service{
		{rate: 0.01, share: 0.05, perSecond: 100},
		{rate: 0.01, share: 0.5, perSecond: 20},
		{rate: 0.001, share: 0.1, perSecond: 300},
		{rate: 0.05, share: 0.05, perSecond: 30},
	} {
		const looks = 60
		n := uint64(10 * s.perSecond * looks * s.share)
		psi, ok := Visible(n, uint64(10*s.perSecond*looks)-n, s.rate, 0.01)
		require.True(t, ok)
		shown := func(psi float64) float64 {
			rng := rand.New(rand.NewPCG(8, uint64(i)))
			n, seen := runs(200), 0
			for range n {
				next := s.intervals(rng, psi)
				harm := must(NewHarm(1, looks))
				for range looks {
					harm.Observe(next())
					if harm.Log() >= math.Log(100) {
						seen++
						break
					}
				}
			}
			return float64(seen) / float64(n)
		}
		half, as, twice := shown(math.Sqrt(psi)), shown(psi), shown(psi*psi)
		t.Logf("%v: %.2f times the odds is visible, and shows in %.0f%%; its root in %.0f%%, its square in %.0f%%", s, psi, 100*as, 100*half, 100*twice)
		require.InDelta(t, 0.5, as, 0.25)
		require.Less(t, half, 0.2)
		require.Greater(t, twice, 0.9)
	}
}
