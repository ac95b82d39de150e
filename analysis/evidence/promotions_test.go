package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A release that is as harmful as can be tolerated is promoted with a probability of at
// most β.
func TestSimulatedFalsePromotions(t *testing.T) {
	const beta = 0.05
	for i, s := range []struct {
		service
		harmful float64
	}{
		{service{rate: 0.01, share: 0.05, perSecond: 100}, 2},
		{service{rate: 0.01, share: 0.5, perSecond: 20}, 2},
		{service{rate: 0.001, share: 0.1, perSecond: 500}, 2},
		{service{rate: 0.05, share: 0.05, perSecond: 1000}, 1.25},
		{service{rate: 0.001, share: 0.5, perSecond: 1000}, 1.5},
		{service{rate: 0.01, share: 0.05, perSecond: 100}, 5},
		{service{rate: 0.01, share: 0.1, perSecond: 50, weather: drift}, 2},
		{service{rate: 0.01, share: 0.5, perSecond: 50, weather: gusts, ramp: true}, 2},
	} {
		n := runs(400)
		promoted := share(simulate(n, 2, uint64(i), func(rng *rand.Rand) bool {
			next, safe := s.intervals(rng, s.harmful), must(NewSafe(s.harmful))
			for range 180 {
				safe.Observe(next())
				if safe.Log() >= -math.Log(beta) {
					return true
				}
			}
			return false
		}), func(promoted bool) bool { return promoted })
		t.Logf("%v, %g times the odds: %.2f%% of harmful releases promoted", s.service, s.harmful, 100*promoted)
		require.LessOrEqual(t, promoted, allowed(beta, n), "%v", s)
	}
}
