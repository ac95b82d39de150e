package analysis_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// go test ./analysis -run Simulated -v -args -long
var long = flag.Bool("long", false, "simulate thousands of runs of every setting instead of dozens")

// runs is how many rollouts to simulate of a setting.
func runs(short int) int {
	if *long {
		return 5000
	}
	return short
}

// sampled draws the events among n requests, by leaping from one to the next.
func sampled(rng *rand.Rand, n uint64, p float64) analysis.Sample {
	events := uint64(0)
	if p > 0 {
		leap := func() float64 { return math.Floor(-rng.ExpFloat64() / math.Log1p(-p)) }
		for at := leap(); at < float64(n); at += 1 + leap() {
			events++
		}
	}
	return analysis.Counts(events, n)
}

// until plays a release until its verdict: a canary with a tenth of the traffic,
// that has psi times the odds of an error. It returns how many requests the
// canary took, a sixtieth of what is expected at a time.
func until(rng *rand.Rand, rate, psi, expected float64) (analysis.Outcome, float64) {
	trial := analysis.NotWorse{}.Begin()
	n := uint64(max(1, expected/60))
	for requests := 0.0; ; {
		v := trial.Judge(analysis.Observation{
			Canary:   sampled(rng, n, psi*rate/(1-rate+psi*rate)),
			Baseline: sampled(rng, 9*n, rate),
		})
		if requests += float64(n); v.Outcome != analysis.Undecided || requests > 100*expected {
			return v.Outcome, requests
		}
	}
}

// The table in the package's documentation.
func TestSimulatedRequestsUntilTheVerdict(t *testing.T) {
	for i, c := range []struct {
		rate, psi float64
		want      analysis.Outcome
		median    float64
	}{
		{0, 1, analysis.Pass, 3988},
		{0.0001, 1, analysis.Pass, 4000},
		{0.001, 1, analysis.Pass, 11_500},
		{0.01, 1, analysis.Pass, 1200},
		{0.1, 1, analysis.Pass, 130},
		{0.001, 2, analysis.Fail, 20_000},
		{0.01, 2, analysis.Fail, 2100},
		{0.1, 2, analysis.Fail, 250},
		{0.001, 5, analysis.Fail, 1900},
		{0.01, 5, analysis.Fail, 190},
		{0.1, 5, analysis.Fail, 31},
	} {
		rng := rand.New(rand.NewPCG(5, uint64(i)))
		n, otherwise := runs(40), 0
		took := make([]float64, n)
		for k := range took {
			o, requests := until(rng, c.rate, c.psi, c.median)
			if o != c.want {
				otherwise++
			}
			took[k] = requests
		}
		slices.Sort(took)
		name := fmt.Sprintf("%g%% of errors, %g times the odds", 100*c.rate, c.psi)
		t.Logf("%s: %v after %.0f canary requests in the median, %.0f in 9 of 10; %.1f%% otherwise",
			name, c.want, took[n/2], took[n*9/10], 100*float64(otherwise)/float64(n))
		off := 0.1
		if !*long {
			off = 0.4 // two and a half standard deviations of such a median
		}
		require.InEpsilon(t, c.median, took[n/2], off, name)
		require.LessOrEqual(t, otherwise, n/20, name)
	}
}

// Three checks fail a release that is no worse with a probability of at most
// alpha altogether: also if all of them see the same requests, and if the gate
// decides after each of them. Alpha is large, so that a few hundred runs tell.
func TestSimulatedFalseFailsOfAGate(t *testing.T) {
	const alpha = 0.2
	names := []string{"errors", "slow", "timeouts"}
	for setting, draw := range map[string]func(*rand.Rand) []analysis.Sample{
		"independent": func(rng *rand.Rand) (s []analysis.Sample) {
			for range names {
				s = append(s, sampled(rng, 40, 0.1), sampled(rng, 360, 0.1))
			}
			return s
		},
		"at the others' expense": func(rng *rand.Rand) (s []analysis.Sample) {
			// Every request shows one of the three at most.
			canary, baseline := uint64(0), uint64(0)
			for range names {
				c, b := sampled(rng, 40-canary, 0.1), sampled(rng, 360-baseline, 0.1)
				canary, baseline = canary+c.Events, baseline+b.Events
				c.Total, b.Total = 40, 360
				s = append(s, c, b)
			}
			return s
		},
		"the same": func(rng *rand.Rand) []analysis.Sample {
			c, b := sampled(rng, 40, 0.1), sampled(rng, 360, 0.1)
			return []analysis.Sample{c, b, c, b, c, b}
		},
	} {
		t.Run(setting, func(t *testing.T) {
			gate := analysis.Gate{Alpha: alpha}
			for _, name := range names {
				gate.Checks = append(gate.Checks, analysis.Check{Name: name, Judge: analysis.NotWorse{Tolerate: 1, Horizon: 40}})
			}
			rng := rand.New(rand.NewPCG(6, 0))
			n, failed := runs(60), 0
			for range n {
				e := gate.Begin()
				e.Enter(1, start)
				d := analysis.Decision{}
				for i := 0; i < 40 && d.Outcome != analysis.Fail; i++ {
					at := start.Add(time.Duration(i) * 10 * time.Second)
					samples := draw(rng)
					for c := range names {
						e.Observe(c, analysis.Observation{At: at, Canary: samples[2*c], Baseline: samples[2*c+1]})
						if d = e.Decide(at); d.Outcome == analysis.Fail {
							failed++
							break
						}
					}
				}
			}
			t.Logf("%.1f%% false fails", 100*float64(failed)/float64(n))
			require.LessOrEqual(t, float64(failed)/float64(n), alpha)
			require.Positive(t, failed, "the simulation could not fail")
		})
	}
}
