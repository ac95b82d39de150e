package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdicts are those of the three ways to decide on a rollback: Spending, Harm with
// restarts, and 0.7 of alpha for the one with 0.3 for the other.
type verdicts struct{ exact, restarts, dual bool }

// judged looks at a rollout after every interval.
func judged(counts []Counts, alpha float64) (v verdicts) {
	harm, late := must(NewHarm(1, len(counts))), false
	for _, c := range counts {
		harm.Observe(c)
		v.restarts = v.restarts || harm.Log() >= -math.Log(alpha)
		late = late || harm.Log() >= -math.Log(0.3*alpha)
	}
	crossed := func(alpha float64, looks int) bool {
		test := must(NewSpending(1, alpha, len(counts)))
		for _, c := range counts[:looks] {
			if test.Observe(c); test.Crossed() {
				return true
			}
		}
		return false
	}
	looks := worthALook(counts)
	v.exact = crossed(alpha, looks)
	v.dual = late || crossed(0.7*alpha, looks)
	return v
}

// worthALook is after how many looks Spending cannot reach any more what it could not
// before, which spares most of the work. Where it stops at all, the events so far are
// beyond the 1% quantile of their distribution: 2.3 standard deviations, and hardly
// less where the counts are small.
func worthALook(counts []Counts) (looks int) {
	d, v := 0.0, 0.0
	for k, c := range counts {
		if m, x, ok := c.split(); ok {
			n := m.canary + m.baseline
			w := m.canary / n
			d += x - m.events*w
			v += m.events * w * (1 - w) * (n - m.events) / (n - 1)
		}
		if d > 2*math.Sqrt(v) {
			looks = k + 1
		}
	}
	return looks
}

// nullSettings are services whose canary is as good as the baseline.
func nullSettings() (names []string, services []service) {
	add := func(name string, s service) {
		names, services = append(names, name), append(services, s)
	}
	for _, rate := range []float64{0.001, 0.01, 0.05} {
		for _, share := range []float64{0.05, 0.5} {
			for _, perSecond := range []float64{10, 100, 1000} {
				add("plain", service{rate: rate, share: share, perSecond: perSecond})
			}
		}
	}
	for _, s := range []service{
		{rate: 0.01, share: 0.05, perSecond: 1000},
		{rate: 0.01, share: 0.5, perSecond: 100},
		{rate: 0.01, share: 0.5, perSecond: 1000},
	} {
		for _, weather := range []struct {
			name string
			is   func(rng *rand.Rand) func(int) float64
		}{{"both arms vary by 50%", breeze}, {"both arms vary by 100%", gusts}, {"both arms drift", drift}, {"incident in both arms", incident}, {"plain", nil}} {
			s.weather, s.ramp = weather.is, false
			if s.weather != nil {
				add(weather.name, s)
			}
			s.ramp = true
			add(weather.name+", ramp", s)
		}
	}
	return names, services
}

func TestSimulatedFalseAlarms(t *testing.T) {
	const alpha, looks = 0.01, 180
	names, services := nullSettings()
	all, sum := 0, 0.0
	for i, s := range services {
		if !*long && i%4 != 1 {
			continue
		}
		n := runs(150)
		results := simulate(n, 1, uint64(i), func(rng *rand.Rand) verdicts {
			next, counts := s.intervals(rng, 1), make([]Counts, looks)
			for k := range counts {
				counts[k] = next()
			}
			return judged(counts, alpha)
		})
		exact := share(results, func(v verdicts) bool { return v.exact })
		restarts := share(results, func(v verdicts) bool { return v.restarts })
		dual := share(results, func(v verdicts) bool { return v.dual })
		t.Logf("%-24s %-28v false alarms: exact %.2f%%, e-process %.2f%%, dual %.2f%%", names[i], s, 100*exact, 100*restarts, 100*dual)
		if *long {
			for name, seen := range map[string]float64{"exact": exact, "e-process": restarts, "dual": dual} {
				if seen > 1.15*alpha {
					t.Errorf("%s: %s %v has %.2f%% false alarms", name, names[i], s, 100*seen)
				}
			}
		}
		all, sum = all+n, sum+max(exact, restarts, dual)*float64(n)
	}
	require.LessOrEqual(t, sum/float64(all), allowed(1.15*alpha, all))
}

// Looks that are skipped to save time are those that cannot decide.
func TestSkippedLooksDecideNothing(t *testing.T) {
	_, services := nullSettings()
	for i, s := range services {
		s.perSecond = min(s.perSecond, 100)
		for range 4 {
			rng := rand.New(rand.NewPCG(31, uint64(i)))
			next, counts := s.intervals(rng, 1.3), make([]Counts, 60)
			test := must(NewSpending(1, 0.01, len(counts)))
			for k := range counts {
				counts[k] = next()
				if test.Observe(counts[k]); test.Sum() >= test.Critical() {
					require.GreaterOrEqual(t, worthALook(counts[:k+1]), k+1, fmt.Sprint(s))
				}
			}
		}
	}
}
