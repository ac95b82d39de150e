package analysis_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// arms are a canary and a baseline of one version, with noise of their own.
type arms struct {
	canary, baseline uint64  // requests an interval
	rate             float64 // of errors
	noise            float64 // of each arm's rate, as a part of it
	correlation      float64 // from one interval to the next
}

// observe returns a generator of observations. psi is by how much the canary's odds
// are worse.
func (a arms) observe(rng *rand.Rand) func(psi float64) analysis.Observation {
	sigma := math.Sqrt(math.Log1p(a.noise * a.noise)) // log-normal, with a mean of 1
	var z [2]float64
	for i := range z {
		z[i] = rng.NormFloat64()
	}
	return func(psi float64) analysis.Observation {
		var p [2]float64
		for i := range z {
			z[i] = a.correlation*z[i] + math.Sqrt(1-a.correlation*a.correlation)*rng.NormFloat64()
			p[i] = min(0.5, a.rate*math.Exp(sigma*z[i]-sigma*sigma/2))
		}
		return analysis.Observation{
			Canary:   sampled(rng, a.canary, psi*p[0]/(1-p[0]+psi*p[0])),
			Baseline: sampled(rng, a.baseline, p[1]),
		}
	}
}

// An A/A window of half an hour keeps the false alarms where they should be, whatever
// noise the arms have; without one, noise is what it is. And a release that is five
// times worse is still found.
func TestSimulatedArmsWithNoiseOfTheirOwn(t *testing.T) {
	small, half, busy := arms{canary: 500, baseline: 9500, rate: 0.01}, arms{canary: 500, baseline: 500, rate: 0.01}, arms{canary: 5000, baseline: 5000, rate: 0.01}
	with := func(a arms, noise, correlation float64) arms {
		a.noise, a.correlation = noise, correlation
		return a
	}
	for i, c := range []struct {
		name string
		arms
		most float64 // false alarms at α = 1%, with an A/A window
	}{
		{"no noise, a small canary", small, 0.0115},
		{"no noise, half and half", half, 0.0115},
		{"no noise, busy", busy, 0.0115},
		{"20%, a small canary", with(small, 0.2, 0), 0.0115},
		{"20%, half and half", with(half, 0.2, 0), 0.0115},
		{"20%, busy", with(busy, 0.2, 0), 0.0115},
		{"50%, a small canary", with(small, 0.5, 0), 0.0115},
		{"50%, busy", with(busy, 0.5, 0), 0.0115},
		{"20% that stays, a small canary", with(small, 0.2, 0.9), 0.02},
		{"20% that stays, busy", with(busy, 0.2, 0.9), 0.02},
		{"50% that stays, busy", with(busy, 0.5, 0.9), 0.02},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(12, uint64(i)))
			n := runs(25)
			forms := map[string]int{}
			calibrated, uncalibrated, found := 0, 0, 0
			for range n {
				next := c.observe(rng)
				var window []analysis.Observation
				for k := range 180 {
					o := next(1)
					o.At = start.Add(time.Duration(k) * 10 * time.Second)
					window = append(window, o)
				}
				judge := analysis.NotWorse{Tolerate: 1, Negligible: -1}
				known := judge.Calibrate(analysis.Calibrate(window)).Begin().(analysis.Weigher)
				blind := judge.Begin().(analysis.Weigher)
				var a, b analysis.Outcome
				for range 180 {
					o := next(1)
					if a != analysis.Fail {
						a = known.Weigh(o)
					}
					if b != analysis.Fail {
						b = blind.Weigh(o)
					}
				}
				words := known.Verdict().Calibration
				forms[words[strings.LastIndex(words, ": ")+2:][:22]]++
				if a == analysis.Fail {
					calibrated++
				}
				if b == analysis.Fail {
					uncalibrated++
				}
				bad := judge.Calibrate(analysis.Calibrate(window)).Begin().(analysis.Weigher)
				for range 180 {
					if bad.Weigh(next(5)) == analysis.Fail {
						found++
						break
					}
				}
			}
			share := func(k int) float64 { return float64(k) / float64(n) }
			t.Logf("%-32s false alarms: %.2f%% with an A/A window, %.1f%% without; 5x found in %.1f%%; %v", c.name, 100*share(calibrated), 100*share(uncalibrated), 100*share(found), forms)
			if *long {
				require.LessOrEqual(t, share(calibrated), c.most)
			} else {
				require.LessOrEqual(t, share(calibrated), 0.12)
			}
			require.GreaterOrEqual(t, share(found), 0.8)
		})
	}
}
