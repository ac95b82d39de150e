package analysis_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
)

var _ analysis.Problemer = analysis.Trend{}

// watch shows values to a trial, ten seconds apart, and returns its last verdict.
func watch(trial analysis.Trial, n int, value func(i int) float64) (v analysis.Verdict) {
	for i := range n {
		v = trial.Judge(analysis.Observation{At: start.Add(time.Duration(i) * 10 * time.Second), Canary: analysis.Gauge(value(i))})
	}
	return v
}

// shake is noise from -1 to 1 without a memory to speak of.
func shake(i int) float64 { return math.Remainder(float64(i*i)*0.618034+float64(i)*0.37, 1) * 2 }

func TestTrendStories(t *testing.T) {
	memory := func(i int) float64 { return 1.7e9 + 3.1e7*float64(i) + 2e6*shake(i) }
	for _, c := range []struct {
		story  string
		judge  analysis.Trend
		n      int
		value  func(i int) float64
		want   analysis.Outcome
		reason string
	}{
		{
			"memory leaks, and will be used up before the bake ends", analysis.StaysBelow(4e9, 30*time.Minute), 31, memory,
			analysis.Degraded, "2.63e+09 crosses 4e+09 in about 7m20s if it goes on like this: +3.1e+06 per second over the last 5m",
		},
		{
			"the same, with more room than the bake takes", analysis.StaysBelow(40e9, 30*time.Minute), 31, memory,
			analysis.Pass, "2.63e+09, and in 30m at about 8.21e+09, below 4e+10: +3.1e+06 per second over the last 5m",
		},
		{
			"the same, of a judge who minds falling only", analysis.StaysAbove(1e9, 30*time.Minute), 31, memory,
			analysis.Pass, "2.63e+09, and moves away from the limit: +3.1e+06 per second over the last 5m",
		},
		{
			"only the latest points count", analysis.StaysBelow(4e9, 30*time.Minute), 75,
			func(i int) float64 { return memory(min(i, 10)) + 2e6*shake(i+7) },
			analysis.Pass, "2.01e+09, without a trend over the last 9m50s",
		},
		{
			"the disk fills up", analysis.StaysAbove(5, time.Hour), 60, func(i int) float64 { return 50 - 0.25*float64(i) + 0.2*shake(i) },
			analysis.Degraded, "35.3 crosses 5 in about 20m if it goes on like this: -0.0251 per second over the last 9m50s",
		},
		{
			"steady, whatever the noise", analysis.StaysBelow(130, time.Hour), 60, func(i int) float64 { return 100 + 20*shake(i) },
			analysis.Pass, "without a trend over the last 9m50s",
		},
		{
			"perfectly still", analysis.StaysBelow(130, time.Hour), 60, func(int) float64 { return 100 },
			analysis.Pass, "100, without a trend over the last 9m50s",
		},
		{
			"creeps up, ever faster, without any noise", analysis.StaysBelow(1000, time.Hour), 12, func(i int) float64 { return float64(i * i) },
			analysis.Degraded, "121 crosses 1000 in about 14m if it goes on like this: +1.1 per second over the last 1m50s",
		},
		{
			"one wild point makes no trend", analysis.StaysBelow(1e6, time.Hour), 60, func(i int) float64 {
				if i == 58 {
					return 9e5
				}
				return 100 + shake(i)
			},
			analysis.Pass, "without a trend",
		},
		{
			"what has only just begun to rise moves no median", analysis.StaysBelow(100, time.Hour), 60, func(i int) float64 { return float64(max(0, i-51)) },
			analysis.Pass, "8, without a trend over the last 9m50s",
		},
		{
			"and half of the points later it does", analysis.StaysBelow(100, time.Hour), 81, func(i int) float64 { return float64(max(0, i-51)) },
			analysis.Degraded, "29 crosses 100 in about",
		},
		{
			"seven points are too few", analysis.StaysBelow(100, time.Hour), 7, func(i int) float64 { return float64(i) },
			analysis.Undecided, "6, after 7 of 8 points",
		},
		{
			"eight that all rise are just enough", analysis.StaysBelow(100, time.Hour), 8, func(i int) float64 { return float64(i) },
			analysis.Degraded, "7 crosses 100 in about 16m if it goes on like this: +0.1 per second over the last 1m10s",
		},
		{
			"outside already, at the first look", analysis.StaysBelow(4e9, time.Hour), 1, func(int) float64 { return 4.1e9 },
			analysis.Degraded, "4.1e+09 is above 4e+09 already",
		},
		{
			"outside, with the digits to tell", analysis.StaysAbove(4e9, time.Hour), 1, func(int) float64 { return 4e9 - 1 },
			analysis.Degraded, "3999999999 is below 4e+09 already",
		},
		{
			"the limit itself is allowed", analysis.StaysBelow(100, time.Hour), 60, func(int) float64 { return 100 },
			analysis.Pass, "100, without a trend over the last 9m50s",
		},
		{
			"about to cross", analysis.StaysBelow(100, time.Minute), 21, func(i int) float64 { return 5 * float64(i) },
			analysis.Degraded, "100 crosses 100 in about 0s",
		},
		{
			"values too far apart for any line", analysis.StaysBelow(1.7e308, time.Hour), 12, func(i int) float64 { return 1.6e308 * (float64(i)/5.5 - 1) },
			analysis.Undecided, "too far apart for a line",
		},
	} {
		t.Run(c.story, func(t *testing.T) {
			v := watch(c.judge.Begin(), c.n, c.value)
			require.Equal(t, c.want, v.Outcome, v.Reason)
			require.Contains(t, v.Reason, c.reason)
		})
	}
}

func TestTrendIsNotLatched(t *testing.T) {
	trial := analysis.StaysBelow(100, time.Hour).Begin()
	require.Equal(t, analysis.Degraded, watch(trial, 20, func(i int) float64 { return float64(i) }).Outcome)
	at := start.Add(200 * time.Second)
	v := analysis.Verdict{}
	for i := range 60 {
		v = trial.Judge(analysis.Observation{At: at.Add(time.Duration(i) * 10 * time.Second), Canary: analysis.Gauge(20 + shake(i))})
	}
	require.Equal(t, analysis.Pass, v.Outcome, v.Reason)
}

func TestTrendWithNothingToSee(t *testing.T) {
	for _, c := range []struct {
		story  string
		o      analysis.Observation
		want   analysis.Outcome
		reason string
	}{
		{"an error", analysis.Observation{Err: "timeout", Canary: analysis.Gauge(1)}, analysis.Undecided, "could not look: timeout"},
		{"no data", analysis.Observation{Baseline: analysis.Gauge(1)}, analysis.Undecided, "no canary data"},
		{"NaN", analysis.Observation{Canary: analysis.Sample{Kind: analysis.ValueKind, Value: math.NaN()}}, analysis.Undecided, "no canary data"},
		{"infinity", analysis.Observation{Canary: analysis.Sample{Kind: analysis.ValueKind, Value: math.Inf(1)}}, analysis.Undecided, "no canary data"},
		{"counts", analysis.Observation{Canary: analysis.Counts(1, 2)}, analysis.Error, "only a value has a trend"},
		{"the same point again", analysis.Observation{At: start.Add(590 * time.Second), Canary: analysis.Gauge(1)}, analysis.Undecided, "nothing new"},
		{"an older one", analysis.Observation{At: start, Canary: analysis.Gauge(1)}, analysis.Undecided, "nothing new"},
	} {
		trial := analysis.StaysBelow(1000, time.Minute).Begin()
		require.Equal(t, analysis.Pass, watch(trial, 60, shake).Outcome)
		if c.o.At.IsZero() {
			c.o.At = start.Add(600 * time.Second)
		}
		v := trial.Judge(c.o)
		require.Equal(t, c.want, v.Outcome, c.story)
		require.Contains(t, v.Reason, c.reason, c.story)
		require.InDelta(t, 0, v.Canary.Rate, 1, "the latest value is still that of before")
	}
}

func TestTrendProblems(t *testing.T) {
	limit := func(v float64) *float64 { return &v }
	for _, ok := range []analysis.Trend{
		analysis.StaysBelow(1, 0), analysis.StaysAbove(-1, time.Hour), {Min: limit(1), Max: limit(2), Points: 8},
	} {
		require.Empty(t, problems(ok), "%+v", ok)
	}
	for _, c := range []struct {
		path  string
		judge analysis.Trend
	}{
		{"Min", analysis.Trend{}},
		{"Max", analysis.StaysBelow(math.NaN(), 0)},
		{"Min", analysis.StaysAbove(math.Inf(-1), 0)},
		{"Min", analysis.Trend{Min: limit(2), Max: limit(1)}},
		{"Within", analysis.StaysBelow(1, -1)},
		{"Points", analysis.Trend{Max: limit(1), Points: 7}},
		{"Points", analysis.Trend{Max: limit(1), Points: 1001}},
		{"Points", analysis.Trend{Max: limit(1), Points: -1}},
	} {
		require.Len(t, problems(c.judge), 1, "%+v", c.judge)
		require.Contains(t, problems(c.judge), c.path)
		v := c.judge.Begin().Judge(analysis.Observation{Canary: analysis.Gauge(0)})
		require.Equal(t, analysis.Error, v.Outcome)
		require.Contains(t, v.Reason, "Trend."+c.path)
	}
}

// The same observations give the same verdicts, whenever they were made; none is a
// fail, and nothing passes that saw nothing, or that is outside.
func TestTrendIsAFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high := rapid.Float64Range(-10, 100).Draw(t, "limit")
		judge := analysis.StaysBelow(high, time.Duration(rapid.IntRange(0, 3600).Draw(t, "within"))*time.Second)
		judge.Points = rapid.SampledFrom([]int{0, 8, 20}).Draw(t, "points")
		whole, again, later := judge.Begin(), judge.Begin(), judge.Begin()
		at := start
		for range rapid.IntRange(0, 40).Draw(t, "looks") {
			at = at.Add(time.Duration(rapid.IntRange(-5, 30).Draw(t, "step")) * time.Second)
			o := analysis.Observation{At: at, Canary: analysis.Gauge(rapid.Float64Range(-20, 120).Draw(t, "value"))}
			switch rapid.IntRange(0, 9).Draw(t, "sight") {
			case 0:
				o.Err = "down"
			case 1:
				o.Canary = analysis.Sample{}
			}
			v := whole.Judge(o)
			require.Equal(t, v, again.Judge(o))
			require.NotEmpty(t, v.Reason)
			require.NotContains(t, v.Reason, "NaN")
			require.NotContains(t, v.Reason, "Inf")
			require.Contains(t, []analysis.Outcome{analysis.Pass, analysis.Degraded, analysis.Undecided}, v.Outcome)
			if figure, ok := o.Canary.Figure(); !ok || o.Err != "" || figure > high {
				require.NotEqual(t, analysis.Pass, v.Outcome)
			}
			_, err := json.Marshal(v)
			require.NoError(t, err)
			o.At = o.At.Add(1000 * time.Hour)
			require.Equal(t, v, later.Judge(o), "the same, six weeks later")
		}
	})
}

// What rises towards a ceiling falls towards a floor in the mirror.
func TestTrendInTheMirror(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up, down := analysis.StaysBelow(100, 10*time.Minute).Begin(), analysis.StaysAbove(-100, 10*time.Minute).Begin()
		slope := rapid.Float64Range(-3, 3).Draw(t, "slope")
		for i := range rapid.IntRange(1, 60).Draw(t, "looks") {
			v := slope*float64(i) + rapid.Float64Range(-5, 5).Draw(t, "noise")
			at := start.Add(time.Duration(i) * 10 * time.Second)
			require.Equal(t, up.Judge(analysis.Observation{At: at, Canary: analysis.Gauge(v)}).Outcome,
				down.Judge(analysis.Observation{At: at, Canary: analysis.Gauge(-v)}).Outcome)
		}
	})
}
