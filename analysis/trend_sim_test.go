package analysis_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// wander is a first-order autoregression around 0, with a standard deviation of 1.
func wander(rng *rand.Rand, rho float64) func() float64 {
	z := rng.NormFloat64()
	return func() float64 {
		defer func() { z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64() }()
		return z
	}
}

// The figures in the documentation of Trend: with -long 10,000 runs each.
func TestSimulatedFalseTrends(t *testing.T) {
	n := 50
	if *long {
		n = 10_000
	}
	for i, c := range []struct{ rho, any, far, hour float64 }{
		{0, 0.005, 0.001, 0.02},
		{0.5, 0.008, 0.001, 0.04},
		{0.8, 0.014, 0.004, 0.22},
		{0.9, 0.022, 0.008, 0.32},
		{0.95, 0.03, 0.013, 0.40},
	} {
		rng := rand.New(rand.NewPCG(31, uint64(i)))
		look := func(looks int, judge analysis.Judge) bool {
			next, trial := wander(rng, c.rho), judge.Begin()
			for k := range 59 + looks {
				at := start.Add(time.Duration(k) * 10 * time.Second)
				v := trial.Judge(analysis.Observation{At: at, Canary: analysis.Gauge(next())})
				if k >= 59 && v.Outcome == analysis.Degraded {
					return true
				}
			}
			return false
		}
		ever, far := analysis.StaysBelow(10, 1e9*time.Second), analysis.StaysBelow(4, 10*time.Minute)
		seen, seenFar, hours, hour := 0, 0, 0, 0
		for k := range n {
			if look(1, ever) {
				seen++
			}
			if look(1, far) {
				seenFar++
			}
			if k%10 == 0 {
				hours++
				if look(360, far) {
					hour++
				}
			}
		}
		for _, got := range []struct {
			what    string
			seen, n int
			most    float64
		}{{"any limit, one look", seen, n, c.any}, {"far limit, one look", seenFar, n, c.far}, {"far limit, an hour", hour, hours, c.hour}} {
			share := float64(got.seen) / float64(got.n)
			t.Logf("a correlation of %g, %s: %.2f%%", c.rho, got.what, 100*share)
			require.LessOrEqual(t, share, got.most+4*math.Sqrt(got.most/float64(got.n)))
		}
	}
}
