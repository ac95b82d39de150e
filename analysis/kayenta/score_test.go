package kayenta

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSum(t *testing.T) {
	in := func(label Label, groups ...string) MetricResult {
		return MetricResult{Name: "m", Label: label, Groups: groups}
	}
	critical := in(Error, "a")
	critical.Critical = true
	muted := in(High, "a")
	muted.Muted = true
	for _, c := range []struct {
		story   string
		results []MetricResult
		weights map[string]float64
		want    float64
		reason  string
	}{
		{"nothing", nil, nil, 0, "there are no metrics"},
		{"nothing but muted metrics", []MetricResult{muted}, nil, 0, "there are no metrics"},
		{"a muted metric counts for nothing", []MetricResult{in(Pass, "a"), muted}, nil, 100, ""},
		{"all labels", []MetricResult{in(Pass, "a"), in(High, "a"), in(Low, "a"), in(NodataFailMetric, "a"), in(Nodata, "a"), in(Error, "a")}, nil, 25, ""},
		{"what nobody has classified is no pass", []MetricResult{in(Pass, "a"), in(Unclassified, "a")}, nil, 50, ""},
		{"a critical error", []MetricResult{in(Pass, "a"), critical}, nil, 0, `metric "m" is critical and Error`},
		{"half without data", []MetricResult{in(Pass, "a"), in(Nodata, "a")}, nil, 0, "1 of 2 metrics have no data"},
		{"a third without data", []MetricResult{in(Pass, "a"), in(High, "b"), in(Nodata, "b")}, nil, 50, ""},
		{"nothing but errors counts as 100", []MetricResult{in(Error, "a"), in(High, "b")}, nil, 50, ""},
		{"a metric in two groups counts in both", []MetricResult{in(High, "a", "b"), in(Pass, "b")}, nil, 25, ""},
		{"no groups, no score", []MetricResult{in(Pass)}, nil, 0, ""},
		{"weights", []MetricResult{in(Pass, "a"), in(High, "b")}, map[string]float64{"a": 70, "b": 30}, 70, ""},
		{"the others share the rest", []MetricResult{in(Pass, "a"), in(Pass, "b"), in(High, "c")}, map[string]float64{"a": 70}, 85, ""},
		{"a group without results loses its weight", []MetricResult{in(Pass, "a")}, map[string]float64{"a": 70, "b": 30}, 70, ""},
		{"and leaves less for others", []MetricResult{in(Pass, "a")}, map[string]float64{"b": 30}, 70, ""},
		{"two decimals", []MetricResult{in(Pass, "a"), in(Pass, "a"), in(High, "a")}, nil, 66.67, ""},
		{"halves go up, as written", []MetricResult{in(Pass, "a")}, map[string]float64{"a": 1.005}, 1.01, ""},
		{"a negative weight", []MetricResult{in(Pass, "a")}, map[string]float64{"a": -1}, 0, `the weight of group "a" is -1: want 0 to 100`},
		{"a weight that is none", []MetricResult{in(Pass, "a")}, map[string]float64{"a": math.NaN()}, 0, `the weight of group "a" is NaN: want 0 to 100`},
		{"more than everything", []MetricResult{in(Pass, "a")}, map[string]float64{"a": 60, "b": 60}, 0, "the weights add up to 120: want at most 100"},
	} {
		t.Run(c.story, func(t *testing.T) {
			s := Sum(c.results, c.weights)
			require.Equal(t, c.want, s.Total)
			require.Equal(t, c.reason, s.Reason)
		})
	}
}

func TestSumProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		results := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) MetricResult {
			return MetricResult{
				Label:    Label(rapid.IntRange(0, int(Error)).Draw(t, "label")),
				Groups:   rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3).Draw(t, "groups"),
				Critical: rapid.Bool().Draw(t, "critical"),
				Muted:    rapid.Bool().Draw(t, "muted"),
			}
		}), 0, 8).Draw(t, "results")
		weights := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "x"}), rapid.Float64Range(-1, 70)).Draw(t, "weights")
		s := Sum(results, weights)
		require.True(t, s.Total >= 0 && s.Total <= 100, "%v", s.Total)
		require.True(t, s.Reason == "" || s.Total == 0)
		for _, g := range s.Groups {
			require.True(t, g.Score >= 0 && g.Score <= 100)
		}
		if s.Total == 100 {
			for _, r := range results {
				require.True(t, r.Muted || r.Label == Pass || r.Label == Nodata || r.Label == Error || len(r.Groups) == 0 || zeroWeight(s, r), "%+v", r)
			}
		}
	})
}

// zeroWeight tells whether a result counts in no group that has any weight, to two
// decimals of the total.
func zeroWeight(s Score, r MetricResult) bool {
	for _, g := range s.Groups {
		for _, name := range r.Groups {
			if name == g.Name && g.Weight*(100-g.Score) >= 0.5 {
				return false
			}
		}
	}
	return true
}

func TestThresholds(t *testing.T) {
	at := func(v float64) *float64 { return &v }
	both := Thresholds{Pass: at(95), Marginal: at(75)}
	for score, want := range map[float64]string{100: "Pass", 95: "Pass", 94.99: "Marginal", 75: "Marginal", 74.99: "Fail", 0: "Fail", math.NaN(): "Fail"} {
		require.Equal(t, want, both.Grade(score).String(), "%v", score)
	}
	require.Equal(t, GradeFail, Thresholds{}.Grade(100), "without thresholds there is nothing to pass")
	require.False(t, both.GoOn(75), "marginal is not enough to go on")
	require.True(t, both.GoOn(75.01))
	require.False(t, both.GoOn(math.NaN()))
	require.True(t, Thresholds{}.GoOn(0))

	for _, c := range []struct {
		t      Thresholds
		scores []float64
		want   bool
	}{
		{both, nil, false},
		{both, []float64{100, 95}, true},
		{both, []float64{10, 95}, true}, // only the last one counts; GoOn has ended it before
		{both, []float64{100, 94}, false},
		{both, []float64{75}, false},
		{Thresholds{Marginal: at(75)}, []float64{75}, false},
		{Thresholds{Marginal: at(75)}, []float64{76}, true},
		{Thresholds{Pass: at(95)}, []float64{94}, false},
		{Thresholds{}, []float64{0}, true},
		{Thresholds{}, nil, false},
		{Thresholds{}, []float64{math.NaN()}, false},
	} {
		require.Equal(t, c.want, c.t.Final(c.scores...), "%v", c.scores)
	}
}

func TestSchedule(t *testing.T) {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	for _, c := range []struct {
		story               string
		schedule            Schedule
		judgements, which   int
		experiment, control Window
	}{
		{"no time", Schedule{}, 0, 1, Window{}, Window{}},
		{"once", Schedule{Lifetime: minutes(60)}, 1, 1, Window{0, minutes(60)}, Window{0, minutes(60)}},
		{"an interval beyond the end", Schedule{Lifetime: minutes(60), Interval: minutes(90)}, 1, 1, Window{0, minutes(60)}, Window{0, minutes(60)}},
		{"a rest", Schedule{Lifetime: minutes(65), Interval: minutes(10)}, 6, 6, Window{0, minutes(60)}, Window{0, minutes(60)}},
		{"after the last", Schedule{Lifetime: minutes(65), Interval: minutes(10)}, 6, 7, Window{}, Window{}},
		{"before the first", Schedule{Lifetime: minutes(65), Interval: minutes(10)}, 6, 0, Window{}, Window{}},
		{"a control of yesterday", Schedule{Lifetime: minutes(60), ControlOffset: -minutes(1440)}, 1, 1, Window{0, minutes(60)}, Window{-minutes(1440), -minutes(1380)}},
		{"warm-up and lookback", Schedule{Lifetime: minutes(60), Interval: minutes(10), Warmup: minutes(5), Lookback: minutes(20)}, 6, 3, Window{minutes(15), minutes(35)}, Window{minutes(15), minutes(35)}},
	} {
		require.Equal(t, c.judgements, c.schedule.Judgements(), c.story)
		experiment, control, ok := c.schedule.Windows(c.which)
		require.Equal(t, c.which >= 1 && c.which <= c.judgements, ok, c.story)
		require.Equal(t, c.experiment, experiment, c.story)
		require.Equal(t, c.control, control, c.story)
	}
}
