package analysis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// lastWave shows a trial ten observations of both arms, and then of the canary alone.
type lastWave struct {
	trial analysis.Weigher
	at    time.Time
}

// see shows the same so many times, and asks what is said of the last.
func (w *lastWave) see(canary, baseline analysis.Sample, times int) analysis.Verdict {
	for range times {
		w.at = w.at.Add(10 * time.Second)
		w.trial.Weigh(analysis.Observation{At: w.at, Canary: canary, Baseline: baseline})
	}
	return w.trial.Verdict()
}

// weigh shows the canary alone, without the words.
func (w *lastWave) weigh(canary analysis.Sample) analysis.Outcome {
	return w.trial.Weigh(analysis.Observation{Canary: canary})
}

func compared(t require.TestingT, judge analysis.NotWorse, canary, baseline analysis.Sample) *lastWave {
	w := &lastWave{trial: judge.Begin().(analysis.Weigher), at: start}
	require.Equal(t, analysis.Pass, w.see(canary, baseline, 10).Outcome)
	return w
}

// slow is a histogram in which so many of a thousand requests take above a second.
func slow(above, total uint64) analysis.Sample {
	return analysis.Buckets([]float64{0.1, 1}, []uint64{total / 2, total - above}, total)
}

// steady is what an A/A window says of gauges whose ratio moves by a tenth.
var steady = analysis.Calibration{Length: time.Hour, Intervals: 90, Ratio: &evidence.Noise{Deviation: 0.05}}

var nobody = analysis.Sample{}

// The three forms, and what a last wave is like in each: as ever, in a busier hour, in
// doubt, and broken.
var lastWaves = []struct {
	name                          string
	judge                         analysis.NotWorse
	canary, baseline              analysis.Sample
	asEver, busier, doubt, broken analysis.Sample
}{
	{
		"counts", analysis.NotWorse{}, analysis.Counts(2, 2000), analysis.Counts(98, 98_000),
		analysis.Counts(100, 100_000), analysis.Counts(300, 200_000), analysis.Counts(300, 100_000), analysis.Counts(50_000, 100_000),
	},
	{
		"histograms", analysis.NotWorse{}, slow(20, 2000), slow(980, 98_000),
		slow(1000, 100_000), slow(3000, 200_000), slow(3000, 100_000), slow(50_000, 100_000),
	},
	{
		"gauges", analysis.NotWorse{Arms: steady}, analysis.Gauge(100), analysis.Gauge(100),
		analysis.Gauge(100), analysis.Gauge(150), analysis.Gauge(300), analysis.Gauge(5000),
	},
	{
		"gauges of which less is worse", analysis.NotWorse{Arms: steady, LowerIsWorse: true}, analysis.Gauge(100), analysis.Gauge(100),
		analysis.Gauge(100), analysis.Gauge(150), analysis.Gauge(40), analysis.Gauge(0),
	},
}

// A release that breaks in the last wave only is not promoted: nobody is left to
// compare it with, but what the baseline was is known.
func TestLastWave(t *testing.T) {
	for _, c := range lastWaves {
		t.Run(c.name, func(t *testing.T) {
			t.Run("as ever it passes at once", func(t *testing.T) {
				v := compared(t, c.judge, c.canary, c.baseline).see(c.asEver, nobody, 3)
				require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
				require.Contains(t, v.Reason, "in the last 3 observations, without a baseline")
			})
			t.Run("a busier hour passes at once", func(t *testing.T) {
				v := compared(t, c.judge, c.canary, c.baseline).see(c.busier, nobody, 3)
				require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
			})
			t.Run("a doubt holds", func(t *testing.T) {
				w := compared(t, c.judge, c.canary, c.baseline)
				for range 30 {
					require.Equal(t, analysis.Undecided, w.weigh(c.doubt))
				}
				require.Contains(t, w.see(c.doubt, nobody, 1).Reason, "worse than the baseline was")
				v := w.see(c.asEver, nobody, 10)
				require.Equal(t, analysis.Pass, v.Outcome, "once it is over: %s", v.Reason)
			})
			t.Run("a fault fails", func(t *testing.T) {
				w := compared(t, c.judge, c.canary, c.baseline)
				v := w.see(c.broken, nobody, 1)
				require.Equal(t, analysis.Undecided, v.Outcome, "one observation may be a burst: %s", v.Reason)
				v = w.see(c.broken, nobody, 2)
				require.Equal(t, analysis.Fail, v.Outcome, v.Reason)
				require.Contains(t, v.Reason, "without a baseline")
			})
			t.Run("a fault that begins late fails", func(t *testing.T) {
				w := compared(t, c.judge, c.canary, c.baseline)
				for range 1000 {
					w.weigh(c.asEver)
				}
				require.NotEqual(t, analysis.Pass, w.see(c.broken, nobody, 1).Outcome)
				v := w.see(c.broken, nobody, 3)
				require.Equal(t, analysis.Fail, v.Outcome, v.Reason)
			})
			t.Run("a burst passes by", func(t *testing.T) {
				w := compared(t, c.judge, c.canary, c.baseline)
				w.see(c.asEver, nobody, 5)
				require.Equal(t, analysis.Undecided, w.see(c.broken, nobody, 1).Outcome)
				var v analysis.Verdict
				for looks := 0; v.Outcome != analysis.Pass; looks++ {
					v = w.see(c.asEver, nobody, 10)
					require.NotEqual(t, analysis.Fail, v.Outcome, v.Reason)
					require.Less(t, looks, 1000)
				}
			})
			t.Run("a fault after which the baseline is back", func(t *testing.T) {
				w := compared(t, c.judge, c.canary, c.baseline)
				w.see(c.doubt, nobody, 3)
				v := w.see(c.canary, c.baseline, 1)
				require.Equal(t, analysis.Pass, v.Outcome, "it is compared again: %s", v.Reason)
				require.NotContains(t, v.Reason, "without a baseline")
			})
		})
	}
}

// What happened to the baseline itself is no fault of a canary that shows as much.
func TestLastWaveKnowsWhatTheBaselineWentThrough(t *testing.T) {
	w := compared(t, analysis.NotWorse{}, analysis.Counts(2, 2000), analysis.Counts(98, 98_000))
	require.Equal(t, analysis.Pass, w.see(analysis.Counts(20, 2000), analysis.Counts(980, 98_000), 3).Outcome)
	v := w.see(analysis.Counts(1000, 100_000), nobody, 3)
	require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
	require.Contains(t, v.Reason, "and 1.0% at most")
}

// A plan that cares about little is not held up by the time of day: what has moved is
// told from nothing below twice the odds.
func TestLastWaveOfAStrictPlan(t *testing.T) {
	w := compared(t, analysis.NotWorse{Detect: 1.2}, analysis.Counts(1000, 100_000), analysis.Counts(9000, 900_000))
	v := w.see(analysis.Counts(30_000, 2_000_000), nobody, 1)
	require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
	v = w.see(analysis.Counts(60_000, 2_000_000), nobody, 3)
	require.Equal(t, analysis.Fail, v.Outcome, "1.2 times the odds, and twice that for drift: %s", v.Reason)
}

// A baseline that comes and goes costs no more false fails: each time that it is lost,
// it takes more to fail.
func TestLastWaveThatComesAndGoes(t *testing.T) {
	w := compared(t, analysis.NotWorse{}, analysis.Counts(2, 2000), analysis.Counts(98, 98_000))
	for _, needed := range []string{"(needed 2e+04)", "(needed 6e+04)", "(needed 1.2e+05)"} {
		v := w.see(analysis.Counts(50_000, 100_000), nobody, 1)
		require.Equal(t, analysis.Undecided, v.Outcome)
		require.Contains(t, v.Reason, needed)
		v = w.see(analysis.Counts(2, 2000), analysis.Counts(98, 98_000), 1)
		require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
	}
}

// One slice that breaks in the last wave is enough, and named.
func TestLastWaveOfOneSlice(t *testing.T) {
	trial := analysis.PerSlice{Judge: analysis.NotWorse{}}.Begin()
	see := func(b uint64, baseline bool) analysis.Verdict {
		o := analysis.Observation{Canary: analysis.Counts(100+b, 200_000), Slices: []analysis.Slice{
			{Name: "a", Canary: analysis.Counts(100, 100_000)}, {Name: "b", Canary: analysis.Counts(b, 100_000)},
		}}
		if baseline {
			o.Baseline = analysis.Counts(200, 200_000)
			for i := range o.Slices {
				o.Slices[i].Baseline = analysis.Counts(100, 100_000)
			}
		}
		return trial.Judge(o)
	}
	for range 10 {
		see(100, true)
	}
	v := see(100, false)
	require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
	v = see(400, false)
	require.Equal(t, analysis.Undecided, v.Outcome, "the whole is less than twice as bad: %s", v.Reason)
	require.Contains(t, v.Reason, `"b" does not`)
	see(1000, false)
	v = see(1000, false)
	require.Equal(t, analysis.Fail, v.Outcome, v.Reason)
	require.Equal(t, "b", v.Slice)
}

// A few requests say nothing, whatever the waves before have shown.
func TestLastWaveWaitsForRequests(t *testing.T) {
	w := compared(t, analysis.NotWorse{}, analysis.Counts(2, 2000), analysis.Counts(98, 98_000))
	v := w.see(analysis.Counts(0, 3), nobody, 1)
	require.Equal(t, analysis.Undecided, v.Outcome)
	require.Contains(t, v.Reason, "more requests would show it to be below 0.43%")
}

// The odds and the rates of a sentence are of the same observations.
func TestLastWaveDoesNotContradictItself(t *testing.T) {
	w := compared(t, analysis.NotWorse{}, analysis.Counts(2, 2000), analysis.Counts(98, 98_000))
	v := w.see(analysis.Counts(50_000, 100_000), nobody, 2)
	require.Equal(t, analysis.Fail, v.Outcome)
	require.Contains(t, v.Reason, "canary 50% (100000 of 200000) in the last 2 observations, without a baseline, which was 0.10%, and 0.11% at most")
	require.Contains(t, v.Reason, "before: canary 0.10% (20 of 20000) against baseline 0.10% (980 of 980000): 1.0 times the odds")
}

// A negligible rate needs no comparison, and no memory: a service without errors is
// not held up by the first few.
func TestLastWaveOfAServiceWithoutErrors(t *testing.T) {
	w := compared(t, analysis.NotWorse{}, analysis.Counts(0, 2000), analysis.Counts(0, 98_000))
	v := w.see(analysis.Counts(5, 20_000), nobody, 3)
	require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
	v = w.see(analysis.Counts(400, 20_000), nobody, 2)
	require.Equal(t, analysis.Fail, v.Outcome, v.Reason)
}

// A canary that stays below what the limit says, in every observation, never fails in
// a last wave, and one that is never below what may pass never passes.
func TestLastWaveLimitsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(lastWaves).Draw(t, "form")
		w := compared(t, c.judge, c.canary, c.baseline)
		for range 40 {
			o := w.weigh(rapid.SampledFrom([]analysis.Sample{c.asEver, c.busier, c.doubt}).Draw(t, "sample"))
			require.NotEqual(t, analysis.Fail, o)
		}

		w = compared(t, c.judge, c.canary, c.baseline)
		for range 40 {
			o := w.weigh(rapid.SampledFrom([]analysis.Sample{c.doubt, c.broken}).Draw(t, "sample"))
			require.NotEqual(t, analysis.Pass, o)
		}
	})
}

// One observation of a last wave, without its sentence.
func BenchmarkNotWorseLastWave(b *testing.B) {
	trial := analysis.NotWorse{}.Begin().(analysis.Weigher)
	trial.Weigh(analysis.Observation{Canary: analysis.Counts(50, 5000), Baseline: analysis.Counts(950, 95_000)})
	o := analysis.Observation{Canary: analysis.Counts(1000, 100_000)}
	b.ReportAllocs()
	for b.Loop() {
		trial.Weigh(o)
	}
}
