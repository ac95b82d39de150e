package evidence

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	draw "github.com/tidegate-go/tidegate/internal/binomial"
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

func binomial(rng *rand.Rand, n uint64, p float64) uint64 { return draw.Draw(rng, n, p) }

// simulate does n runs on all processors. What each draws follows from the seeds and
// its number alone.
func simulate[T any](n int, test, setting uint64, run func(rng *rand.Rand) T) []T {
	results, next := make([]T, n), atomic.Int64{}
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				results[i] = run(rand.New(rand.NewPCG(test<<32+setting, uint64(i))))
			}
		})
	}
	wait.Wait()
	return results
}

// share is how often something is so.
func share[T any](of []T, is func(T) bool) float64 {
	n := 0
	for _, v := range of {
		if is(v) {
			n++
		}
	}
	return float64(n) / float64(len(of))
}

// breeze multiplies by gamma noise with a mean of 1 and a coefficient of variation of
// a half, new every interval.
func breeze(rng *rand.Rand) func(int) float64 {
	return func(int) float64 {
		return (rng.ExpFloat64() + rng.ExpFloat64() + rng.ExpFloat64() + rng.ExpFloat64()) / 4
	}
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
