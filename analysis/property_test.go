package analysis_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/evidence"
)

func drawJudge(t *rapid.T) analysis.Judge {
	switch rapid.SampledFrom([]string{"limits", "notworse", "slices", "all", "burnrate", "trend", "baseline"}).Draw(t, "judge") {
	case "notworse":
		return drawNotWorse(t)
	case "burnrate":
		return analysis.BurnRate{Objective: rapid.SampledFrom([]float64{0.9, 0.99, 0.999}).Draw(t, "objective")}
	case "trend":
		return analysis.StaysBelow(rapid.Float64Range(0, 1).Draw(t, "limit"), 10*time.Minute)
	case "baseline":
		return analysis.Baseline{Past: analysis.Calibration{Own: &evidence.Noise{Mean: 0.5, Correlation: 0.3, Deviation: 0.2}}}
	case "slices":
		return analysis.PerSlice{Judge: drawNotWorse(t), Each: rapid.Bool().Draw(t, "each"), Most: rapid.IntRange(0, 3).Draw(t, "most")}
	case "all":
		return analysis.AllOf{drawNotWorse(t), drawThreshold(t), analysis.SampleRatio{Share: rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, "share"), Samples: 10}}
	}
	return drawThreshold(t)
}

func drawNotWorse(t *rapid.T) analysis.NotWorse {
	return analysis.NotWorse{
		Detect:     rapid.SampledFrom([]float64{0, 1.5, 5}).Draw(t, "detect"),
		Tolerate:   rapid.SampledFrom([]float64{0, 1, 1.25}).Draw(t, "tolerate"),
		Negligible: rapid.SampledFrom([]float64{0, -1, 0.01, 0.3}).Draw(t, "negligible"),
		Horizon:    rapid.IntRange(0, 20).Draw(t, "horizon"),
		Arms:       rapid.SampledFrom(calibrations).Draw(t, "arms"),
	}
}

// calibrations are what an A/A window may have shown: nothing, comparable arms, a
// little more than chance, noise, too much of it, or values.
var calibrations = []analysis.Calibration{
	{},
	{Intervals: 90, Length: time.Hour, Tables: []analysis.Spread{{Intervals: 90, Phi: 1.01, Slow: 1.1, Tau: 0.01, Block: 1}}},
	{Intervals: 90, Length: time.Hour, Tables: []analysis.Spread{{Intervals: 90, Phi: 1.15, Slow: 1.3, Tau: 0.05, Block: 1}}},
	{Intervals: 90, Length: time.Hour, Tables: []analysis.Spread{{Intervals: 90, Phi: 3, Tau: 0.4, Block: 4}, {Intervals: 90, Phi: 1, Block: 1}}},
	{Intervals: 90, Length: time.Hour, Tables: []analysis.Spread{{Intervals: 90, Phi: 300, Tau: 4, Block: 12}}},
	{Intervals: 90, Length: time.Hour, Ratio: &evidence.Noise{Correlation: 0.4, Deviation: 0.2}},
	{Intervals: 3, Length: time.Minute, Problem: "too short"},
}

func drawThreshold(t *rapid.T) analysis.Threshold {
	limit := rapid.Float64Range(0, 1).Draw(t, "limit")
	var th analysis.Threshold
	switch rapid.SampledFrom([]string{"above", "below", "within"}).Draw(t, "limits") {
	case "above":
		th = analysis.Above(limit)
	case "below":
		th = analysis.Below(limit)
	default:
		th = analysis.Within(limit/2, limit)
	}
	th.Failures = rapid.IntRange(0, 3).Draw(t, "failures")
	th.Consecutive = rapid.Bool().Draw(t, "consecutive")
	th.MinSamples = rapid.Uint64Range(0, 50).Draw(t, "min samples")
	th.Errors, th.Inconclusive = rapid.IntRange(0, 4).Draw(t, "errors"), rapid.IntRange(0, 4).Draw(t, "inconclusive")
	th.CanaryOnly = rapid.Bool().Draw(t, "canary only")
	return th
}

func drawSample(t *rapid.T, name string) analysis.Sample {
	switch rapid.IntRange(0, 19).Draw(t, name+" kind") {
	case 0:
		return analysis.Gauge(rapid.Float64Range(0, 1).Draw(t, name+" value"))
	case 1:
		total := rapid.Uint64Range(0, 500).Draw(t, name+" total")
		fast := rapid.Uint64Range(0, total).Draw(t, name+" fast")
		return analysis.Buckets([]float64{0.1, 1}, []uint64{fast, rapid.Uint64Range(fast, total).Draw(t, name+" medium")}, total)
	}
	total := rapid.Uint64Range(0, 500).Draw(t, name+" total")
	return analysis.Counts(rapid.Uint64Range(0, 1+total/4).Draw(t, name+" events"), total)
}

// drawBlind draws an observation in which there is nothing to see.
func drawBlind(t *rapid.T) analysis.Observation {
	switch rapid.IntRange(0, 4).Draw(t, "blindness") {
	case 0:
		return analysis.Observation{Canary: drawSample(t, "canary"), Baseline: drawSample(t, "baseline"), Err: "down"}
	case 1:
		return analysis.Observation{Canary: analysis.Gauge(math.NaN())}
	case 2:
		return analysis.Observation{Canary: analysis.Sample{Kind: analysis.ValueKind, Value: math.Inf(1)}, Baseline: drawSample(t, "baseline")}
	case 3:
		return analysis.Observation{Canary: analysis.Counts(0, 0), Baseline: drawSample(t, "baseline")}
	}
	return analysis.Observation{Baseline: drawSample(t, "baseline")}
}

func drawObservation(t *rapid.T) analysis.Observation {
	if rapid.IntRange(0, 4).Draw(t, "sight") == 0 {
		return drawBlind(t)
	}
	o := analysis.Observation{Canary: drawSample(t, "canary"), Baseline: drawSample(t, "baseline")}
	if rapid.IntRange(0, 9).Draw(t, "sliced") == 0 {
		for _, name := range []string{"a", "b", "c", "d"}[:rapid.IntRange(1, 4).Draw(t, "slices")] {
			o.Slices = append(o.Slices, analysis.Slice{Name: name, Canary: drawSample(t, "canary "+name), Baseline: drawSample(t, "baseline "+name)})
		}
	}
	return o
}

// drawUniform draws observations of one kind, as a source gives them.
func drawUniform(t *rapid.T) []analysis.Observation {
	kind := rapid.IntRange(0, 2).Draw(t, "kind")
	sample := func(t *rapid.T, name string) analysis.Sample {
		total := rapid.Uint64Range(0, 500).Draw(t, name+" total")
		part := rapid.Uint64Range(0, total).Draw(t, name+" part")
		switch kind {
		case 0:
			return analysis.Counts(part/4, total)
		case 1:
			return analysis.Gauge(rapid.Float64Range(0.1, 10).Draw(t, name))
		}
		return analysis.Buckets([]float64{0.1, 1}, []uint64{part, rapid.Uint64Range(part, total).Draw(t, name+" medium")}, total)
	}
	os := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) analysis.Observation {
		return analysis.Observation{Canary: sample(t, "canary"), Baseline: sample(t, "baseline")}
	}), 0, 40).Draw(t, "observations")
	for i := range os {
		os[i].At = start.Add(time.Duration(i) * 10 * time.Second)
	}
	return os
}

func drawObservations(t *rapid.T) []analysis.Observation {
	if rapid.Bool().Draw(t, "of one kind") {
		return drawUniform(t)
	}
	os := rapid.SliceOfN(rapid.Custom(drawObservation), 0, 40).Draw(t, "observations")
	for i := range os {
		os[i].At = start.Add(time.Duration(i) * 10 * time.Second)
	}
	return os
}

func TestJudgesAreFolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		judge, os := drawJudge(t), drawObservations(t)
		crash := rapid.IntRange(0, len(os)).Draw(t, "crash")
		whole, before, after := judge.Begin(), judge.Begin(), judge.Begin()
		for i, o := range os {
			want := whole.Judge(o)
			if i < crash {
				require.Equal(t, want, before.Judge(o))
			}
			require.Equal(t, want, after.Judge(o), "replayed from the start, and gone on")
		}
	})
}

func TestFailIsLatched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trial, failed := drawJudge(t).Begin(), analysis.Verdict{}
		for _, o := range drawObservations(t) {
			v := trial.Judge(o)
			if failed.Outcome == analysis.Fail {
				require.Equal(t, failed, v)
			}
			failed = v
		}
	})
}

func TestBlindObservationsNeverPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trial := drawJudge(t).Begin()
		sees := rapid.Bool().Draw(t, "sees between")
		for range 30 {
			if sees {
				trial.Judge(drawObservation(t))
			}
			v := trial.Judge(drawBlind(t))
			require.NotEqual(t, analysis.Pass, v.Outcome)
			require.NotEmpty(t, v.Reason)
			if !sees {
				require.NotEqual(t, analysis.Fail, v.Outcome, "no data is not the release's fault")
			}
		}
	})
}

func TestEvidenceStaysFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trial := analysis.NotWorse{}.Begin()
		for range 20 {
			n := uint64(1) << rapid.IntRange(0, 24).Draw(t, "magnitude")
			v := trial.Judge(analysis.Observation{
				Canary:   analysis.Counts(rapid.Uint64Range(0, n).Draw(t, "canary"), n),
				Baseline: analysis.Counts(rapid.Uint64Range(0, n).Draw(t, "baseline"), n),
			})
			for _, e := range []float64{v.Evidence.Harm, v.Evidence.Safe} {
				require.False(t, math.IsNaN(e))
				require.GreaterOrEqual(t, e, 0.0)
				require.LessOrEqual(t, e, 1e300)
			}
			require.NotContains(t, v.Reason, "NaN")
			require.NotContains(t, v.Reason, "Inf")
		}
	})
}

func drawGate(t *rapid.T) analysis.Gate {
	g := analysis.Gate{Bake: analysis.Bake{
		AtLeast: time.Duration(rapid.IntRange(0, 30).Draw(t, "at least")) * 10 * time.Second,
		Samples: rapid.Uint64Range(0, 500).Draw(t, "samples"),
	}}
	g.Bake.AtMost = g.Bake.AtLeast + time.Duration(rapid.IntRange(1, 30).Draw(t, "rest"))*10*time.Second
	for range rapid.IntRange(1, 3).Draw(t, "checks") {
		g.Checks = append(g.Checks, analysis.Check{Judge: drawJudge(t), Shadow: rapid.IntRange(0, 3).Draw(t, "shadow") == 0})
	}
	return g
}

// play takes an evaluation through a wave: observations every ten seconds of
// every check, of which some are late by the given age, and asks for a decision
// after each.
func play(t *rapid.T, g analysis.Gate, see func(i int) analysis.Observation, decided func(now time.Time, d analysis.Decision)) {
	e := g.Begin()
	e.Enter(1, start)
	deployed := start.Add(30 * time.Second)
	for i := range 40 {
		now := start.Add(time.Duration(i) * 10 * time.Second)
		if now.Equal(deployed) {
			e.Deployed(now)
		}
		for c := range g.Checks {
			o := see(i)
			if o.At.IsZero() {
				o.At = now
			}
			e.Observe(c, o)
		}
		decided(now, e.Decide(now))
	}
}

func TestGatesKeepTheirBake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGate(t)
		acting := false
		for _, c := range g.Checks {
			acting = acting || !c.Shadow
		}
		bake := start.Add(30*time.Second + g.Bake.AtLeast)
		deadline := start.Add(30*time.Second + g.Bake.AtMost)
		failed := false
		good := analysis.Observation{Canary: analysis.Counts(10, 1000), Baseline: analysis.Counts(12, 1000)}
		seesAll := rapid.Bool().Draw(t, "sees all")
		play(t, g, func(int) analysis.Observation {
			if seesAll {
				return good
			}
			return drawObservation(t)
		}, func(now time.Time, d analysis.Decision) {
			require.NotEmpty(t, d.Reason)
			if d.Outcome == analysis.Pass {
				require.True(t, acting, "passed without a check that acts")
				require.False(t, now.Before(bake), "passed at %v, before the bake's end at %v", now, bake)
			}
			if !now.Before(deadline) {
				require.NotEqual(t, analysis.Undecided, d.Outcome, "at %v, deadline %v", now, deadline)
			}
			if failed {
				require.Equal(t, analysis.Fail, d.Outcome, "a fail is latched")
			}
			failed = d.Outcome == analysis.Fail
		})
	})
}

func TestStaleObservationsNeverHelp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGate(t)
		fresh, mixed := g.Begin(), g.Begin()
		for wave := 1; wave <= 2; wave++ {
			entered := start.Add(time.Duration(wave) * time.Hour)
			for _, e := range []*analysis.Evaluation{fresh, mixed} {
				e.Enter(wave, entered)
				e.Deployed(entered)
			}
			for i := range 20 {
				now := entered.Add(time.Duration(i+1) * 10 * time.Second)
				for c := range g.Checks {
					o := drawObservation(t)
					o.At = now
					stale := drawObservation(t)
					stale.At = entered.Add(-time.Duration(rapid.IntRange(1, 3600).Draw(t, "age")) * time.Second)
					if rapid.Bool().Draw(t, "stale first") {
						require.NotEqual(t, analysis.Pass, mixed.Observe(c, stale).Outcome)
						require.Equal(t, fresh.Observe(c, o), mixed.Observe(c, o))
					} else {
						fresh.Observe(c, o)
						mixed.Observe(c, o)
						require.NotEqual(t, analysis.Pass, mixed.Observe(c, stale).Outcome)
					}
				}
				if d := mixed.Decide(now); d.Outcome == analysis.Pass {
					require.Equal(t, analysis.Pass, fresh.Decide(now).Outcome, "passed with stale data only: %s", d.Reason)
				} else {
					fresh.Decide(now)
				}
			}
		}
	})
}

func TestNoWavePassesOnTheDataOfTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGate(t)
		g.Bake.AtMost = time.Hour
		e := g.Begin()
		good := analysis.Observation{At: start.Add(time.Second), Canary: analysis.Counts(10, 1000), Baseline: analysis.Counts(12, 1000)}
		e.Enter(1, start)
		e.Deployed(start)
		for c := range g.Checks {
			for range 40 {
				e.Observe(c, good)
			}
		}
		e.Enter(2, start.Add(time.Minute))
		require.NotEqual(t, analysis.Pass, e.Decide(start.Add(time.Hour)).Outcome, "not even deployed")
		e.Deployed(start.Add(2 * time.Minute))
		require.NotEqual(t, analysis.Pass, e.Decide(start.Add(time.Hour)).Outcome)
		for c := range g.Checks {
			good.At = start.Add(2 * time.Minute)
			e.Observe(c, good)
		}
		require.NotEqual(t, analysis.Pass, e.Decide(start.Add(time.Hour)).Outcome, "seen before the last step was done")
	})
}

// To weigh without words and ask for them at the end comes to the same.
func TestWeighingIsJudgingWithoutWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var j analysis.Judge = drawNotWorse(t)
		if rapid.Bool().Draw(t, "slices") {
			j = analysis.PerSlice{Judge: j, Each: rapid.Bool().Draw(t, "each")}
		}
		os := drawObservations(t)
		silent, loud := j.Begin().(analysis.Weigher), j.Begin()
		for i, o := range os {
			outcome, v := silent.Weigh(o), loud.Judge(o)
			if outcome != v.Outcome {
				t.Fatalf("%d: %v and %v", i, outcome, v.Outcome)
			}
			require.Equal(t, v, silent.Verdict())
		}
	})
}

// What was seen and what was said of it can be written down and read back, and who
// reads it comes to the same verdicts.
func TestObservationsAndVerdictsSurviveTheJournal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gate := analysis.Gate{Checks: []analysis.Check{{Name: "it", Judge: drawJudge(t)}}}
		live, replayed := gate.Begin(), gate.Begin()
		for _, o := range drawObservations(t) {
			v := live.Observe(0, o)
			data, err := json.Marshal(v)
			require.NoError(t, err)
			var back analysis.Verdict
			require.NoError(t, json.Unmarshal(data, &back))
			require.Equal(t, v, back)
			data, err = json.Marshal(o)
			require.NoError(t, err)
			var seen analysis.Observation
			require.NoError(t, json.Unmarshal(data, &seen))
			require.Equal(t, v, replayed.Observe(0, seen))
		}
	})
}
