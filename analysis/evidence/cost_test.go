package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// wald is the least mean number of canary requests in which any sequential test
// can tell a canary with rate p1 from a baseline with rate p0, at an error of
// alpha, when the common rate is not known.
func wald(p0, p1, share, alpha float64) float64 {
	mix := share*p1 + (1-share)*p0
	return -math.Log(alpha) / (kl(p1, mix) + (1-share)/share*kl(p0, mix))
}

// fineService is one whose canary gets a thirtieth of the bound from look to look, so
// that the test is the limit, and not how often is looked. It is false if that is less
// than a request.
func fineService(rate, lift, share float64) (s service, bound float64, ok bool) {
	bound = wald(rate, lift*rate, share, 0.01)
	requests := max(1, math.Round(bound/30))
	// A small surplus, so that rounding takes none away.
	return service{rate: rate, share: share, perSecond: (requests + 1e-6) / share / 10}, bound, bound/requests >= 20
}

// lanes are the ways to decide on a rollback whose pace is compared: Spending, Harm,
// Harm with restarts, and 0.7 of alpha for the first with 0.3 for the last.
const (
	exactLane = iota
	plainLane
	restartLane
	dualLane
	laneCount
)

// stops is at which look each lane stops a rollout, looks+1 if it never does.
func stops(next func() Counts, looks int, alpha float64) (at [laneCount]int) {
	exact, most := must(NewSpending(1, alpha, looks)), must(NewSpending(1, 0.7*alpha, looks))
	plain, restarts := must(NewHarm(1, 0)), must(NewHarm(1, looks))
	going := laneCount
	for look := 1; look <= looks && going > 0; look++ {
		c := next()
		restarts.Observe(c)
		for lane := range at {
			if at[lane] > 0 {
				continue
			}
			stop := false
			switch lane {
			case exactLane:
				exact.Observe(c)
				stop = exact.Crossed()
			case plainLane:
				plain.Observe(c)
				stop = plain.Log() >= -math.Log(alpha)
			case restartLane:
				stop = restarts.Log() >= -math.Log(alpha)
			case dualLane:
				most.Observe(c)
				stop = most.Crossed() || restarts.Log() >= -math.Log(0.3*alpha)
			}
			if stop {
				at[lane] = look
				going--
			}
		}
	}
	for lane := range at {
		if at[lane] == 0 {
			at[lane] = looks + 1
		}
	}
	return at
}

func TestSimulatedCanaryRequestsUntilHarmIsSeen(t *testing.T) {
	const alpha, looks = 0.01, 180 // six times the bound
	i := uint64(0)
	for _, share := range []float64{0.05, 0.5} {
		for _, rate := range []float64{0.001, 0.01, 0.05} {
			for _, lift := range []float64{1.5, 2, 5, 10} {
				i++
				s, bound, ok := fineService(rate, lift, share)
				if !ok || !*long && i%5 != 2 {
					continue
				}
				p1 := lift * rate
				psi := p1 / (1 - p1) / (rate / (1 - rate))
				n, missed := runs(300), 0
				var over [laneCount]float64 // times the bound
				for _, at := range simulate(n, 3, i, func(rng *rand.Rand) [laneCount]int { return stops(s.intervals(rng, psi), looks, alpha) }) {
					for lane, look := range at {
						over[lane] += float64(min(look, looks)) * math.Floor(10*s.perSecond*s.share) / bound / float64(n)
					}
					if at[exactLane] > looks {
						missed++
					}
				}
				t.Logf("%g%% of errors, share %g%%, lift %g: bound %.0f canary requests; exact %.2f times that, e-process %.2f, with restarts %.2f, dual %.2f; exact misses %.2f%%",
					100*rate, 100*share, lift, bound, over[exactLane], over[plainLane], over[restartLane], over[dualLane], 100*float64(missed)/float64(n))
				slack := 1.0
				if !*long {
					slack = 1.1
				}
				require.LessOrEqual(t, over[exactLane], 1.2*slack, "exact, %v, lift %g", s, lift)
				require.LessOrEqual(t, over[plainLane], 1.5*slack, "e-process, %v, lift %g", s, lift)
				require.LessOrEqual(t, over[restartLane], 1.5*slack, "with restarts, %v, lift %g", s, lift)
			}
		}
	}
}

// A regression that begins after a quarter of an hour: a long clean phase must not make
// it hard to see.
func TestSimulatedLateOnset(t *testing.T) {
	const alpha, looks, onset = 0.01, 180, 90
	for i, c := range []struct {
		service
		psi  float64
		most float64 // looks until the dual lane stops, on average
	}{
		{service{rate: 0.01, share: 0.05, perSecond: 1000}, 2, 9},
		{service{rate: 0.01, share: 0.5, perSecond: 1000}, 1.5, 7},
		{service{rate: 0.01, share: 0.05, perSecond: 100}, 2, 62},
	} {
		n := min(runs(60), 4000)
		var delay, missed [laneCount]float64
		for _, at := range simulate(n, 10, uint64(i), func(rng *rand.Rand) [laneCount]int {
			before, after, look := c.intervals(rng, 1), c.intervals(rng, c.psi), 0
			return stops(func() Counts {
				if look++; look <= onset {
					return before()
				}
				return after()
			}, looks, alpha)
		}) {
			for lane, look := range at {
				delay[lane] += float64(min(max(look-onset, 0), looks-onset)) / float64(n)
				if look > looks {
					missed[lane] += 100 / float64(n)
				}
			}
		}
		t.Logf("%v, odds %g times from look %d on: exact stops after %.1f more (misses %.1f%%), e-process %.1f (%.1f%%), with restarts %.1f (%.1f%%), dual %.1f (%.1f%%)",
			c.service, c.psi, onset, delay[exactLane], missed[exactLane], delay[plainLane], missed[plainLane], delay[restartLane], missed[restartLane], delay[dualLane], missed[dualLane])
		require.Less(t, delay[dualLane], c.most)
		require.Less(t, delay[dualLane], delay[exactLane])
	}
}
