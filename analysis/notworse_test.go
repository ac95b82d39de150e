package analysis_test

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

var (
	_ analysis.Sharer    = analysis.NotWorse{}
	_ analysis.Problemer = analysis.NotWorse{}
)

func TestNotWorseProblems(t *testing.T) {
	for _, ok := range []analysis.NotWorse{{}, {Detect: 1.2}, {Tolerate: 1, Detect: 1.01}, {Alpha: 0.1, Beta: 0.4, Horizon: 1}, {Negligible: 0.5}, {Negligible: -1}} {
		require.Empty(t, problems(ok), "%+v", ok)
	}
	for path, list := range map[string][]analysis.NotWorse{
		"Detect":     {{Detect: 1.1}, {Detect: 1.05}, {Detect: -2}, {Detect: math.NaN()}, {Detect: math.Inf(1)}, {Tolerate: 3}},
		"Tolerate":   {{Tolerate: 0.9}, {Tolerate: -1}, {Tolerate: math.NaN()}, {Tolerate: math.Inf(1)}},
		"Negligible": {{Negligible: 1}, {Negligible: 5}, {Negligible: math.NaN()}, {Negligible: math.Inf(1)}},
		"Alpha":      {{Alpha: -0.1}, {Alpha: 0.5}, {Alpha: math.NaN()}},
		"Beta":       {{Beta: -0.1}, {Beta: 1}},
		"Horizon":    {{Horizon: -1}},
	} {
		for _, j := range list {
			require.Len(t, problems(j), 1, "%+v", j)
			require.Contains(t, problems(j), path, "%+v", j)
			trial := j.Begin()
			for range 100 {
				v := trial.Judge(analysis.Observation{Canary: analysis.Counts(0, 1000), Baseline: analysis.Counts(100, 1000)})
				require.Equal(t, analysis.Error, v.Outcome, "%+v", j)
				require.Contains(t, v.Reason, "NotWorse."+path)
			}
		}
	}
}

func TestNotWorseFillsItsFigures(t *testing.T) {
	trial := analysis.NotWorse{}.Begin()
	trial.Judge(analysis.Observation{Canary: analysis.Counts(1, 100), Baseline: analysis.Counts(9, 900)})
	trial.Judge(analysis.Observation{Err: "timeout"})
	v := trial.Judge(analysis.Observation{Canary: analysis.Counts(2, 50), Baseline: analysis.Counts(10, 1100)})
	require.Equal(t, analysis.Summary{Rate: 3.0 / 150, Events: 3, Total: 150}, v.Canary)
	require.Equal(t, analysis.Summary{Rate: 19.0 / 2000, Events: 19, Total: 2000}, v.Baseline)
	require.InDelta(t, 100, v.Evidence.HarmNeeded, 1e-9)
	require.InDelta(t, 20, v.Evidence.SafeNeeded, 1e-9)
	require.Positive(t, v.Evidence.Harm)
	require.Positive(t, v.Evidence.Safe)
}

func TestNotWorseWithoutErrors(t *testing.T) {
	trial, requests := analysis.NotWorse{}.Begin(), 0
	for {
		v := trial.Judge(analysis.Observation{Canary: analysis.Counts(0, 1), Baseline: analysis.Counts(0, 9)})
		requests++
		if v.Outcome == analysis.Pass {
			require.GreaterOrEqual(t, v.Evidence.Safe, v.Evidence.SafeNeeded)
			break
		}
		require.Less(t, v.Evidence.Safe, v.Evidence.SafeNeeded)
		require.Less(t, requests, 5000)
	}
	require.Equal(t, 3988, requests, "the figure of the documentation")
}

func TestNotWorseEvidenceIsCapped(t *testing.T) {
	v := analysis.NotWorse{}.Begin().Judge(analysis.Observation{Canary: analysis.Counts(1e6, 1e6), Baseline: analysis.Counts(0, 1e6)})
	require.Equal(t, analysis.Fail, v.Outcome)
	require.Equal(t, 1e300, v.Evidence.Harm)
}

// What happens to the arms together is no evidence, however bad it is.
func TestNotWorseIgnoresTheWeather(t *testing.T) {
	trial := analysis.NotWorse{}.Begin()
	for i := range 180 {
		rate := uint64(1)
		if i >= 60 && i < 90 {
			rate = 50 // an outage of something both depend on
		}
		v := trial.Judge(analysis.Observation{Canary: analysis.Counts(5*rate, 500), Baseline: analysis.Counts(95*rate, 9500)})
		require.NotEqual(t, analysis.Fail, v.Outcome, "%d: %s", i, v.Reason)
	}
}

func TestNotWorseMayBeSharedByGoroutines(t *testing.T) {
	judge := analysis.NotWorse{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			trial := judge.Begin()
			for range 20 {
				trial.Judge(analysis.Observation{Canary: analysis.Counts(1, 100), Baseline: analysis.Counts(10, 1000)})
			}
		})
	}
	wg.Wait()
}

// One observation of a service, without its sentence.
func BenchmarkNotWorse(b *testing.B) {
	for name, o := range map[string]analysis.Observation{
		"quiet": {Canary: analysis.Counts(0, 50), Baseline: analysis.Counts(1, 950)},
		"usual": {Canary: analysis.Counts(5, 500), Baseline: analysis.Counts(95, 9500)},
		"busy":  {Canary: analysis.Counts(50, 5000), Baseline: analysis.Counts(950, 95_000)},
		"huge":  {Canary: analysis.Counts(2500, 50_000), Baseline: analysis.Counts(47_500, 950_000)},
	} {
		b.Run(name, func(b *testing.B) {
			trial := analysis.NotWorse{}.Begin().(analysis.Weigher)
			b.ReportAllocs()
			for b.Loop() {
				trial.Weigh(o)
			}
		})
	}
}

// The same with its sentence and its interval, as a gate takes it.
func BenchmarkNotWorseInWords(b *testing.B) {
	trial := analysis.NotWorse{}.Begin()
	o := analysis.Observation{Canary: analysis.Counts(5, 500), Baseline: analysis.Counts(95, 9500)}
	b.ReportAllocs()
	for b.Loop() {
		trial.Judge(o)
	}
}
