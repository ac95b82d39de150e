package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// ending is a rollout whose last wave takes place at another time of day.
type ending struct {
	rate  float64 // of errors, or the share of slow requests
	total uint64  // requests an observation, of which a tenth are the canary's at first
	swing float64 // by how much the rate is up in the last wave, and the load twice that
	noise float64 // of the rate of the whole fleet, new every observation
	fault float64 // how many times the odds the release has in the last wave
}

// endings are the settings of the table in the documentation of NotWorse.
var endings = []struct {
	name string
	ending
}{
	{"no drift", ending{}},
	{"a busier hour", ending{swing: 0.5}},
	{"noise of 20%", ending{noise: 0.2}},
	{"noise of 20% in a busier hour", ending{swing: 0.5, noise: 0.2}},
}

// level is what an observation's rate is.
func (e ending) level(rng *rand.Rand, swing float64) float64 {
	sigma := math.Sqrt(math.Log1p(e.noise * e.noise))
	return (1 + swing) * math.Exp(sigma*rng.NormFloat64()-sigma*sigma/2)
}

// play shows a trial ten minutes of both arms, and half an hour of the canary alone. It
// returns after how many observations of the canary alone there was a pass and a fail,
// 0 for never; ok is false for a release that did not get as far.
func (e ending) play(rng *rand.Rand, trial analysis.Weigher, sample func(rate float64, n uint64) analysis.Sample) (passed, failed int, ok bool) {
	fault := max(1, e.fault)
	for range 60 {
		p := e.rate * e.level(rng, 0)
		trial.Weigh(analysis.Observation{Canary: sample(p, e.total/10), Baseline: sample(p, e.total-e.total/10)})
	}
	if trial.Verdict().Outcome != analysis.Pass {
		return 0, 0, false
	}
	for k := range 180 {
		p := e.rate * e.level(rng, e.swing)
		p = fault * p / (1 - p + fault*p)
		switch o := trial.Weigh(analysis.Observation{Canary: sample(p, uint64(float64(e.total)*(1+2*e.swing)))}); {
		case o == analysis.Fail:
			return passed, k + 1, true
		case o == analysis.Pass && passed == 0:
			passed = k + 1
		}
	}
	return passed, 0, true
}

// endingResult is what became of many.
type endingResult struct {
	began          int
	passed, failed []int // after how many observations
}

// simulated plays an ending many times.
func (e ending) simulated(n int, judge analysis.NotWorse, seed uint64, sample func(*rand.Rand) func(float64, uint64) analysis.Sample) (r endingResult) {
	rng := rand.New(rand.NewPCG(31, seed))
	for range n {
		passed, failed, ok := e.play(rng, judge.Begin().(analysis.Weigher), sample(rng))
		if !ok {
			continue
		}
		r.began++
		if passed > 0 {
			r.passed = append(r.passed, passed)
		}
		if failed > 0 {
			r.failed = append(r.failed, failed)
		}
	}
	slices.Sort(r.passed)
	slices.Sort(r.failed)
	return r
}

// part is how many of those that began.
func (r endingResult) part(looks []int) float64 { return float64(len(looks)) / float64(r.began) }

func (r endingResult) String() string {
	in := func(looks []int) string {
		if len(looks) == 0 {
			return ""
		}
		return fmt.Sprintf(" (after %d observations, 9 of 10 after %d)", looks[len(looks)/2], looks[len(looks)*9/10])
	}
	return fmt.Sprintf("%d: failed %.2f%%%s, passed at some time %.2f%%%s", r.began, 100*r.part(r.failed), in(r.failed), 100*r.part(r.passed), in(r.passed))
}

func sampledCounts(rng *rand.Rand) func(float64, uint64) analysis.Sample {
	return func(p float64, n uint64) analysis.Sample { return sampled(rng, n, p) }
}

func sampledBuckets(rng *rand.Rand) func(float64, uint64) analysis.Sample {
	return func(p float64, n uint64) analysis.Sample {
		slow := sampled(rng, n, min(1, 10*p)).Events // above 0.1, and a tenth of them above 1
		slower := sampled(rng, slow, 0.1).Events
		return analysis.Buckets([]float64{0.1, 1}, []uint64{n - slow, n - slower}, n)
	}
}

// sampledGauge is a queue that is as long as the rate is high, and moves by a tenth by
// itself.
func sampledGauge(rng *rand.Rand) func(float64, uint64) analysis.Sample {
	return func(p float64, _ uint64) analysis.Sample {
		return analysis.Gauge(1000 * p * math.Exp(0.1*rng.NormFloat64()))
	}
}

var endingForms = []struct {
	name   string
	rate   float64
	total  uint64
	judge  analysis.NotWorse
	sample func(*rand.Rand) func(float64, uint64) analysis.Sample
}{
	{"counts, quiet", 0.005, 1000, analysis.NotWorse{}, sampledCounts},
	{"counts, 1%", 0.01, 3000, analysis.NotWorse{}, sampledCounts},
	{"counts, 0.1%", 0.001, 10_000, analysis.NotWorse{}, sampledCounts},
	{"counts, none", 0, 3000, analysis.NotWorse{}, sampledCounts},
	{"histograms", 0.01, 3000, analysis.NotWorse{}, sampledBuckets},
	{"gauges", 0.1, 0, analysis.NotWorse{Arms: analysis.Calibration{Length: time.Hour, Intervals: 180, Ratio: &evidence.Noise{Deviation: 0.15}}}, sampledGauge},
}

// A healthy release is not failed in the last wave, nor held up for long, although
// there is nothing to compare it with.
func TestSimulatedHealthyLastWave(t *testing.T) {
	for i, form := range endingForms {
		for k, c := range endings {
			t.Run(form.name+", "+c.name, func(t *testing.T) {
				n := runs(3)
				if *long {
					n = 6000 // not all of a quiet service get as far
				}
				e := c.ending
				e.rate, e.total = form.rate, form.total
				r := e.simulated(n, form.judge, uint64(10*i+k), form.sample)
				t.Logf("%-14s %-30s of %v", form.name, c.name, r)
				require.Positive(t, r.began)
				require.LessOrEqual(t, r.part(r.failed), 0.001)
				require.GreaterOrEqual(t, r.part(r.passed), 0.99)
			})
		}
	}
}

// What is worse in the last wave alone is held from Detect on or so, and failed from
// about twice that.
func TestSimulatedFaultyLastWave(t *testing.T) {
	for i, form := range endingForms {
		if form.rate == 0 {
			continue
		}
		t.Run(form.name, func(t *testing.T) {
			for _, fault := range []float64{1.5, 3, 5, 10, 50} {
				n := runs(2)
				if *long {
					n = 1000
				}
				e := ending{rate: form.rate, total: form.total, fault: fault}
				r := e.simulated(n, form.judge, uint64(100+i), form.sample)
				t.Logf("%-14s %3gx the odds: of %v", form.name, fault, r)
				if fault >= 10 {
					require.GreaterOrEqual(t, r.part(r.failed), 0.99)
					require.LessOrEqual(t, r.part(r.passed), 0.05)
				}
			}
		})
	}
}
