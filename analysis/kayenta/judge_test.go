package kayenta

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
)

var (
	_ analysis.Judge     = Judge{}
	_ analysis.Problemer = Judge{}
)

func seen(canary, baseline analysis.Sample) analysis.Observation {
	return analysis.Observation{Canary: canary, Baseline: baseline}
}

// run gives a trial the points of both arms, and returns the last verdict.
func run(trial analysis.Trial, canary, baseline []float64) (v analysis.Verdict) {
	for i := range canary {
		v = trial.Judge(seen(analysis.Gauge(canary[i]), analysis.Gauge(baseline[i])))
	}
	return v
}

func TestJudgeWaitsForItsPoints(t *testing.T) {
	trial := Judge{}.Begin()
	points := spread(60, 100)
	v := run(trial, points[:49], points[:49])
	require.Equal(t, analysis.Undecided, v.Outcome)
	require.Equal(t, "the canary has 49 and the baseline 49 of the 50 points needed", v.Reason)
	v = run(trial, points[49:50], points[49:50])
	require.Equal(t, analysis.Pass, v.Outcome)
	require.Equal(t, "Pass: both sides have the same values", v.Reason)
	require.Equal(t, analysis.Summary{Rate: points[49]}, v.Canary)
}

func TestJudgeOutcomes(t *testing.T) {
	base, more := spread(60, 100), spread(60, 110)
	at := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		story            string
		judge            Judge
		canary, baseline []float64
		want             analysis.Outcome
		reason           string
	}{
		{"as before", Judge{}, base, spread(60, 100.0001), analysis.Pass, "Pass: canary 100 against"},
		{"more", Judge{}, more, base, analysis.Fail, "High: canary 110 against baseline 100"},
		{"less", Judge{}, base, more, analysis.Fail, "Low: canary 100 against baseline 110"},
		{"less, where more is bad", Judge{Config: Config{Direction: Increase}}, base, more, analysis.Pass, "Pass: "},
		{"more than what is critical", Judge{Config: Config{Critical: true}}, more, base, analysis.Fail, "critical, High: "},
		{"less than what is critical", Judge{Config: Config{Critical: true, EffectSize: EffectSize{CriticalIncrease: at(3)}}}, more, base, analysis.Fail, "High: "},
		{"a point on each side", Judge{MinPoints: 1}, []float64{3}, []float64{2}, analysis.Error, "Error: one value on each side"},
		{"few points", Judge{MinPoints: 5}, more[:4], base[:4], analysis.Undecided, "the canary has 4 and the baseline 4 of the 5 points needed"},
		{"enough points", Judge{MinPoints: 5}, more[:5], base[:5], analysis.Fail, "High: "},
	} {
		t.Run(c.story, func(t *testing.T) {
			v := run(c.judge.Begin(), c.canary, c.baseline)
			require.Equal(t, c.want, v.Outcome, v.Reason)
			require.Contains(t, v.Reason, c.reason)
			require.Zero(t, v.Evidence)
		})
	}
}

func TestAFailIsLatched(t *testing.T) {
	trial := Judge{}.Begin()
	failed := run(trial, spread(60, 110), spread(60, 100))
	require.Equal(t, analysis.Fail, failed.Outcome)
	require.Equal(t, failed, run(trial, spread(500, 90), spread(500, 100)))
	require.Equal(t, failed, trial.Judge(analysis.Observation{Err: "gone"}))
}

func TestARegressionAfterAPass(t *testing.T) {
	trial := Judge{}.Begin()
	require.Equal(t, analysis.Pass, run(trial, spread(60, 100), spread(60, 100.0001)).Outcome)
	require.Equal(t, analysis.Fail, run(trial, spread(200, 120), spread(200, 100.0001)).Outcome)
}

func TestCountsAreRatios(t *testing.T) {
	trial := Judge{MinPoints: 5}.Begin()
	var v analysis.Verdict
	for i := range uint64(8) {
		require.NotEqual(t, analysis.Fail, v.Outcome)
		v = trial.Judge(seen(analysis.Counts(200+i, 1000), analysis.Counts(1000+i, 10000)))
		if v.Outcome == analysis.Fail {
			break
		}
	}
	require.Equal(t, analysis.Fail, v.Outcome, v.Reason)
	require.Contains(t, v.Reason, "canary 0.202 against baseline 0.1")
	require.Equal(t, analysis.Summary{Rate: 1010.0 / 5000, Events: 1010, Total: 5000}, v.Canary)
}

// None of these ever passes, though all arms are alike where they have data.
func TestWhatIsNotThereNeverPasses(t *testing.T) {
	one, none := analysis.Gauge(1), analysis.Sample{}
	both := seen(one, one)
	for _, c := range []struct {
		story  string
		judge  Judge
		given  func(i int) analysis.Observation
		want   analysis.Outcome
		reason string
	}{
		{"nothing", Judge{}, func(int) analysis.Observation { return analysis.Observation{} }, analysis.Undecided, "no canary data"},
		{"nothing, which stands for zero", Judge{Config: Config{NaN: ReplaceNaN}}, func(int) analysis.Observation { return analysis.Observation{} }, analysis.Undecided, "no canary data"},
		{"NaN", Judge{}, func(int) analysis.Observation {
			return seen(analysis.Sample{Kind: analysis.ValueKind, Value: math.NaN()}, one)
		}, analysis.Undecided, "no canary data"},
		{"infinite", Judge{}, func(int) analysis.Observation { return seen(analysis.Gauge(math.Inf(1)), one) }, analysis.Undecided, "no canary data"},
		{"no requests", Judge{}, func(int) analysis.Observation { return seen(analysis.Counts(0, 0), analysis.Counts(0, 9)) }, analysis.Undecided, "no canary data"},
		{"no baseline", Judge{}, func(int) analysis.Observation { return seen(one, none) }, analysis.Undecided, "the canary has 60 and the baseline 0 of the 50 points needed"},
		{"no baseline, which stands for zero", Judge{Config: Config{NaN: ReplaceNaN}}, func(int) analysis.Observation { return seen(analysis.Gauge(0), none) }, analysis.Undecided, "the canary has 60 and the baseline 0 of the 50 points needed"},
		{"an error", Judge{}, func(int) analysis.Observation { o := both; o.Err = "timeout"; return o }, analysis.Undecided, "could not look: timeout"},
		{"data before, and none now", Judge{}, func(i int) analysis.Observation {
			if i < 59 {
				return both
			}
			return seen(none, one)
		}, analysis.Undecided, "no canary data"},
		{"an error now", Judge{}, func(i int) analysis.Observation {
			o := both
			if i == 59 {
				o.Err = "timeout"
			}
			return o
		}, analysis.Undecided, "could not look: timeout"},
		{"an unknown kind", Judge{}, func(int) analysis.Observation { return seen(analysis.Sample{Kind: 9, Total: 4, Value: 1}, one) }, analysis.Undecided, "no canary data"},
		{"values against counts", Judge{}, func(int) analysis.Observation { return seen(one, analysis.Counts(1, 1)) }, analysis.Error, "values cannot be compared with counts"},
		{"values and then counts", Judge{}, func(i int) analysis.Observation {
			if i < 59 {
				return both
			}
			return seen(analysis.Counts(1, 1), analysis.Counts(1, 1))
		}, analysis.Error, "values cannot be compared with counts"},
		{"settings that cannot be", Judge{Config: Config{Tolerance: -1}}, func(int) analysis.Observation { return both }, analysis.Error, "kayenta.Judge.Config.Tolerance is -1: want more than 0, such as 0.25"},
		{"a muted metric", Judge{Config: Config{Muted: true}}, func(int) analysis.Observation { return both }, analysis.Error, "kayenta.Judge.Config.Muted is set: a muted metric judges nothing, mark the check as Shadow instead"},
		{"fewer than no points", Judge{MinPoints: -1}, func(int) analysis.Observation { return both }, analysis.Error, "kayenta.Judge.MinPoints is negative (-1)"},
	} {
		t.Run(c.story, func(t *testing.T) {
			trial := c.judge.Begin()
			var v analysis.Verdict
			for i := range 60 {
				v = trial.Judge(c.given(i))
			}
			require.Equal(t, c.want, v.Outcome)
			require.Equal(t, c.reason, v.Reason)
		})
	}
}

func TestAMissingBaselineIsSaid(t *testing.T) {
	trial := Judge{}.Begin()
	run(trial, spread(60, 100), spread(60, 100.0001))
	trial.Judge(seen(analysis.Gauge(100), analysis.Sample{}))
	v := trial.Judge(seen(analysis.Gauge(100), analysis.Sample{}))
	require.Equal(t, analysis.Pass, v.Outcome)
	require.Contains(t, v.Reason, "; no baseline in the last 2 observations")

	replacing := Judge{Config: Config{NaN: ReplaceNaN}}.Begin()
	run(replacing, spread(60, 100), spread(60, 100.0001))
	for range 60 {
		v = replacing.Judge(seen(analysis.Gauge(100), analysis.Sample{}))
	}
	require.Equal(t, analysis.Fail, v.Outcome, "zeros in the baseline's place: %s", v.Reason)
}

// A trial is a pure fold: the same observations give the same verdicts, and what
// it says at each is what Classify says of all points until then.
func TestJudgeIsAFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.Map(rapid.OneOf(rapid.Float64Range(0, 10), rapid.Just(math.NaN()), rapid.Just(1.0)), analysis.Gauge)
		arms := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) analysis.Observation {
			return seen(sample.Draw(t, "canary"), sample.Draw(t, "baseline"))
		}), 0, 40).Draw(t, "observations")
		judge := Judge{MinPoints: rapid.IntRange(1, 20).Draw(t, "minPoints")}
		judge.Config.NaN = rapid.SampledFrom([]NaNStrategy{RemoveNaN, ReplaceNaN}).Draw(t, "nan")

		first, second := judge.Begin(), judge.Begin()
		var canary, baseline []float64
		var points [2]int
		for _, o := range arms {
			v := first.Judge(o)
			require.Equal(t, v, second.Judge(o))
			c, hasCanary := o.Canary.Figure()
			b, hasBaseline := o.Baseline.Figure()
			if hasCanary || hasBaseline {
				canary, baseline = append(canary, orNaN(c, hasCanary)), append(baseline, orNaN(b, hasBaseline))
			}
			if hasCanary {
				points[0]++
			}
			if hasBaseline {
				points[1]++
			}
			if !hasCanary || min(points[0], points[1]) < judge.MinPoints {
				require.Equal(t, analysis.Undecided, v.Outcome)
				continue
			}
			label := Classify(judge.Config, canary, baseline).Label
			require.Equal(t, map[Label]analysis.Outcome{Pass: analysis.Pass, High: analysis.Fail, Low: analysis.Fail, Error: analysis.Error}[label], v.Outcome)
			if v.Outcome == analysis.Fail {
				return
			}
		}
	})
}

func orNaN(v float64, ok bool) float64 {
	if ok {
		return v
	}
	return math.NaN()
}

// What the documentation of Judge says of looking again and again.
func TestLooksAreNotCorrectedFor(t *testing.T) {
	const runs = 40
	fails := func(minPoints int) (n int) {
		rng := rand.New(rand.NewPCG(7, 7))
		for range runs {
			trial := Judge{MinPoints: minPoints}.Begin()
			a, b := rng.NormFloat64(), rng.NormFloat64()
			var v analysis.Verdict
			for range 180 {
				v = trial.Judge(seen(analysis.Gauge(100+a), analysis.Gauge(100+b)))
				a, b = 0.5*a+math.Sqrt(0.75)*rng.NormFloat64(), 0.5*b+math.Sqrt(0.75)*rng.NormFloat64()
			}
			if v.Outcome == analysis.Fail {
				n++
			}
		}
		return n
	}
	require.InDelta(t, 0.07*runs, fails(180), 4)
	require.InDelta(t, 0.26*runs, fails(50), 7)
}
