package evidence

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// go test ./analysis/evidence -run Simulated -v -args -long
var long = flag.Bool("long", false, "simulate 20,000 runs of every setting instead of a few hundred")

// runs is how many rollouts to simulate of a setting.
func runs(short int) int {
	if *long {
		return 20_000
	}
	return short
}

// allowed is how often something may be seen in n runs that happens with a
// probability of at most p: in the few runs of a short simulation, three standard
// deviations more often.
func allowed(p float64, n int) float64 {
	if *long {
		return p
	}
	return p + 3*math.Sqrt(p*(1-p)/float64(n))
}

// service is a simulated service, scraped every 10 seconds.
type service struct {
	rate      float64 // of errors, in the baseline
	share     float64 // of the traffic that the canary gets
	perSecond float64 // requests, in both arms
	// weather multiplies the error rate of both arms; nil for none.
	weather func(rng *rand.Rand) func(interval int) float64
	ramp    bool // the share grows from a tenth over the first half hour
}

func (s service) String() string {
	return fmt.Sprintf("%g%% of errors, share %g%%, %g/s", 100*s.rate, 100*s.share, s.perSecond)
}

// intervals returns a generator of a rollout's intervals, with a canary whose
// odds of an error are psi times those of the baseline.
func (s service) intervals(rng *rand.Rand, psi float64) func() Counts {
	weather := func(int) float64 { return 1 }
	if s.weather != nil {
		weather = s.weather(rng)
	}
	interval := 0
	return func() Counts {
		share := s.share
		if s.ramp {
			share *= min(1, 0.1+0.9*float64(interval)/180)
		}
		p := min(0.5, s.rate*weather(interval))
		interval++
		n := 10 * s.perSecond
		c := Counts{CanaryTotal: uint64(n * share), BaselineTotal: uint64(n * (1 - share))}
		c.CanaryEvents = binomial(rng, c.CanaryTotal, psi*p/(1-p+psi*p))
		c.BaselineEvents = binomial(rng, c.BaselineTotal, p)
		return c
	}
}

// binomial draws by leaping from event to event.
func binomial(rng *rand.Rand, n uint64, p float64) uint64 {
	leap := func() float64 { return math.Floor(-rng.ExpFloat64() / math.Log1p(-p)) }
	events := uint64(0)
	for at := leap(); at < float64(n); at += 1 + leap() {
		events++
	}
	return events
}

// gusts multiplies by gamma noise with a mean of 1, new every interval.
func gusts(rng *rand.Rand) func(int) float64 {
	return func(int) float64 { return rng.ExpFloat64() } // a coefficient of variation of 1
}

// drift multiplies by log-normal noise with a correlation of 0.9.
func drift(rng *rand.Rand) func(int) float64 {
	z := rng.NormFloat64()
	return func(int) float64 {
		z = 0.9*z + math.Sqrt(1-0.81)*rng.NormFloat64()
		return math.Exp(0.8*z - 0.32)
	}
}

// incident is an outage of something that both arms depend on.
func incident(*rand.Rand) func(int) float64 {
	return func(interval int) float64 {
		if interval >= 60 && interval < 90 {
			return 20
		}
		return 1
	}
}

func TestSimulatedFalseAlarms(t *testing.T) {
	services := []struct {
		name string
		service
	}{
		{"quiet", service{rate: 0.001, share: 0.05, perSecond: 100}},
		{"few errors", service{rate: 0.001, share: 0.5, perSecond: 100}},
		{"small canary", service{rate: 0.01, share: 0.05, perSecond: 10}},
		{"typical", service{rate: 0.01, share: 0.05, perSecond: 100}},
		{"half and half", service{rate: 0.01, share: 0.5, perSecond: 10}},
		{"many errors", service{rate: 0.05, share: 0.05, perSecond: 100}},
		{"gusts in both", service{rate: 0.01, share: 0.05, perSecond: 100, weather: gusts}},
		{"drift in both", service{rate: 0.01, share: 0.5, perSecond: 50, weather: drift}},
		{"incident in both", service{rate: 0.005, share: 0.1, perSecond: 50, weather: incident}},
		{"drift and ramp", service{rate: 0.01, share: 0.5, perSecond: 50, weather: drift, ramp: true}},
	}
	if *long {
		services = append(services, services[3], services[3])
		services[10].name, services[10].perSecond = "busy", 1000
		services[11] = services[7]
		services[11].name, services[11].perSecond, services[11].rate = "busy, drift in both", 1000, 0.05
	}
	const alpha = 0.01
	all, alarms := 0, 0
	for i, s := range services {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		n, seen := runs(100), 0
		for range n {
			next, harm := s.intervals(rng, 1), must(NewHarm(1, 180))
			for range 180 {
				harm.Observe(next())
				if harm.Log() >= -math.Log(alpha) {
					seen++
					break
				}
			}
		}
		t.Logf("%-20s %v: %.2f%% false alarms", s.name, s.service, 100*float64(seen)/float64(n))
		if *long {
			require.LessOrEqual(t, float64(seen)/float64(n), 1.15*alpha, s.name)
		}
		all, alarms = all+n, alarms+seen
	}
	require.LessOrEqual(t, float64(alarms)/float64(all), 1.15*alpha)
}

func TestSimulatedFalsePromotions(t *testing.T) {
	const beta, harmful = 0.05, 2.0
	for i, s := range []service{
		{rate: 0.01, share: 0.05, perSecond: 100},
		{rate: 0.01, share: 0.5, perSecond: 20},
		{rate: 0.001, share: 0.1, perSecond: 500},
		{rate: 0.01, share: 0.1, perSecond: 50, weather: drift},
	} {
		rng := rand.New(rand.NewPCG(2, uint64(i)))
		n, promoted := runs(400), 0
		for range n {
			next, safe := s.intervals(rng, harmful), must(NewSafe(harmful))
			for range 180 {
				safe.Observe(next())
				if safe.Log() >= -math.Log(beta) {
					promoted++
					break
				}
			}
		}
		share := float64(promoted) / float64(n)
		t.Logf("%v: %.1f%% of harmful releases promoted", s, 100*share)
		require.LessOrEqual(t, share, allowed(beta, n), "%v", s)
	}
}

// wald is the least mean number of canary requests in which any sequential test
// can tell a canary with rate p1 from a baseline with rate p0, at an error of
// alpha, when the common rate is not known.
func wald(p0, p1, share, alpha float64) float64 {
	kl := func(p, q float64) float64 { return p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q)) }
	mix := share*p1 + (1-share)*p0
	return -math.Log(alpha) / (kl(p1, mix) + (1-share)/share*kl(p0, mix))
}

func TestSimulatedCanaryRequestsUntilHarmIsSeen(t *testing.T) {
	const alpha = 0.01
	for i, c := range []struct {
		service
		lift float64 // of the error rate
	}{
		{service{rate: 0.01, share: 0.05, perSecond: 100}, 2},
		{service{rate: 0.01, share: 0.05, perSecond: 10}, 5},
		{service{rate: 0.001, share: 0.05, perSecond: 100}, 5},
		{service{rate: 0.001, share: 0.05, perSecond: 10}, 10},
		{service{rate: 0.05, share: 0.05, perSecond: 10}, 2},
		{service{rate: 0.01, share: 0.5, perSecond: 10}, 2},
		{service{rate: 0.001, share: 0.5, perSecond: 10}, 5},
		{service{rate: 0.001, share: 0.5, perSecond: 10}, 10},
		{service{rate: 0.05, share: 0.5, perSecond: 10}, 1.5},
		{service{rate: 0.01, share: 0.05, perSecond: 300}, 1.5},
	} {
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		p1 := c.lift * c.rate
		bound := wald(c.rate, p1, c.share, alpha)
		perInterval := 10 * c.perSecond * c.share
		require.GreaterOrEqual(t, bound/perInterval, 20.0, "the scrape interval would limit it, not the test")
		psi := p1 / (1 - p1) / (c.rate / (1 - c.rate))
		horizon := int(6 * bound / perInterval)
		n, requests, caught := runs(500), 0.0, 0
		for range n {
			next, harm := c.intervals(rng, psi), must(NewHarm(1, horizon))
			for range horizon {
				x := next()
				requests += float64(x.CanaryTotal)
				harm.Observe(x)
				if harm.Log() >= -math.Log(alpha) {
					caught++
					break
				}
			}
		}
		mean := requests / float64(n)
		t.Logf("%v, lift %g: bound %.0f canary requests, %.2f of it used, %.1f%% caught",
			c.service, c.lift, bound, mean/bound, 100*float64(caught)/float64(n))
		require.LessOrEqual(t, mean/bound, 1.5, "%v, lift %g", c.service, c.lift)
	}
}
