package kayenta

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// testdata/kayenta.json holds what Kayenta does: the figures of its own tests, and
// what came out of running its code (spinnaker/kayenta at
// a69573be9d8fededacf80817e4151a2c8df41276, Apache-2.0). Its "about" says more.
type oracle struct {
	FromKayentaTests   []oracleCase
	FromRunningKayenta []oracleCase
}

type oracleCase struct {
	Kind, Tag, Name string
	Input           json.RawMessage
	Expected        map[string]any
}

func readOracle(t *testing.T) (o oracle) {
	t.Helper()
	data, err := os.ReadFile("testdata/kayenta.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &o))
	return o
}

// series are points; null is NaN.
type series []float64

func (s *series) UnmarshalJSON(data []byte) error {
	var values []*float64
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	*s = series{}
	for _, v := range values {
		if v == nil {
			*s = append(*s, math.NaN())
			continue
		}
		*s = append(*s, *v)
	}
	return nil
}

// oracleInput has the fields of all kinds.
type oracleInput struct {
	Experiment, Control, Values series
	Value                       float64

	Direction, NaNStrategy, OutlierStrategy    string
	EffectSizeMeasure, Measure                 string
	OutlierFactor, Tolerance, ConfLevel        float64
	AllowedIncrease, AllowedDecrease           float64
	CriticalIncrease, CriticalDecrease         float64
	Critical, MustHaveData                     bool
	Detector                                   string
	K, Factor, P, Mu, Quantile                 float64
	ReduceSensitivity                          bool
	StartMillis, EndMillis, StepMillis         int
	Judgement                                  int
	IntervalMins, BeginAfterMins, LookbackMins int
	StartGiven, EndGiven                       bool
	FinalScore                                 float64
	Marginal, PassThreshold                    *float64
	GroupWeights                               map[string]float64
	Metrics                                    []struct {
		Name, Classification string
		Groups               []string
		Critical             bool
	}
}

func (in oracleInput) config() Config {
	c := Config{
		OutlierFactor: in.OutlierFactor, Tolerance: in.Tolerance, Confidence: in.ConfLevel,
		Critical: in.Critical, MustHaveData: in.MustHaveData,
		EffectSize: EffectSize{
			AllowedIncrease: &in.AllowedIncrease, AllowedDecrease: &in.AllowedDecrease,
			CriticalIncrease: &in.CriticalIncrease, CriticalDecrease: &in.CriticalDecrease,
		},
	}
	c.Direction = map[string]Direction{"increase": Increase, "decrease": Decrease}[in.Direction]
	c.NaN = map[string]NaNStrategy{"replace": ReplaceNaN}[in.NaNStrategy]
	c.Outliers = map[string]OutlierStrategy{"remove": RemoveOutliers}[in.OutlierStrategy]
	c.EffectSize.Measure = map[string]Measure{"cles": CLES}[in.EffectSizeMeasure]
	return c
}

// want is one expected figure: the string "NaN" is NaN.
func (c oracleCase) want(t *testing.T, key string) float64 {
	t.Helper()
	switch v := c.Expected[key].(type) {
	case float64:
		return v
	case string:
		require.Equal(t, "NaN", v)
		return math.NaN()
	default:
		require.Failf(t, "not a figure", "%s: %v", key, v)
		return 0
	}
}

func requireNear(t *testing.T, want, got, tolerance float64, what string) {
	t.Helper()
	if math.IsNaN(want) {
		require.True(t, math.IsNaN(got), "%s: %v", what, got)
		return
	}
	require.InDelta(t, want, got, tolerance, what)
}

func labelOf(t *testing.T, word string) Label {
	t.Helper()
	for l := Pass; l <= Error; l++ {
		if l.String() == word {
			return l
		}
	}
	require.Failf(t, "no such label", "%q", word)
	return Unclassified
}

// What came out of Kayenta's own code, comes out of this.
func TestRunsOfKayenta(t *testing.T) {
	cases := readOracle(t).FromRunningKayenta
	require.GreaterOrEqual(t, len(cases), 237)
	for i, c := range cases {
		var in oracleInput
		require.NoError(t, json.Unmarshal(c.Input, &in))
		what := fmt.Sprintf("run %d, %s", i, c.Tag)
		r := Classify(in.config(), in.Experiment, in.Control)
		require.Equal(t, c.Expected["classification"], r.Label.String(), what+": "+r.Reason)
		require.Equal(t, c.Expected["critical"], r.Critical, what)
		require.NotEmpty(t, r.Reason)
		if r.Label != Error {
			deviation := c.want(t, "deviation")
			requireNear(t, deviation, r.Ratio, 1e-9*math.Abs(deviation), what)
		}
		for side, got := range map[string]Stats{"experimentStats": r.Experiment, "controlStats": r.Control} {
			want := c.Expected[side].(map[string]any)
			require.InDelta(t, want["mean"], got.Mean, 1e-9*math.Abs(got.Mean), what)
			require.InDelta(t, want["std"], got.StdDev, 1e-9*math.Abs(got.Mean)+1e-12, what)
			require.EqualValues(t, want["count"], got.Count, what)
		}
		if _, ok := c.Expected["ciLower"]; ok {
			shift, err := Interval(Clean(in.config(), in.Experiment), Clean(in.config(), in.Control), in.ConfLevel)
			require.NoError(t, err, what)
			slack := func(v float64) float64 { return 1e-9 * max(1, math.Abs(v)) }
			require.InDelta(t, c.want(t, "ciLower"), shift.Lower, slack(shift.Lower), what)
			require.InDelta(t, c.want(t, "ciUpper"), shift.Upper, slack(shift.Upper), what)
			require.InDelta(t, c.want(t, "estimate"), shift.Estimate, slack(shift.Estimate), what)
		}
	}
}

// What Kayenta's own tests expect, holds.
func TestKayentasTests(t *testing.T) {
	cases := readOracle(t).FromKayentaTests
	require.GreaterOrEqual(t, len(cases), 62)
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d/%s/%s", i, c.Kind, c.Name), func(t *testing.T) {
			var in oracleInput
			require.NoError(t, json.Unmarshal(c.Input, &in))
			check, ok := checks[c.Kind]
			require.True(t, ok, "a kind that this test does not know")
			check(t, c, in)
		})
	}
}

var checks = map[string]func(*testing.T, oracleCase, oracleInput){
	"classify-mann-whitney": func(t *testing.T, c oracleCase, in oracleInput) {
		r := Classify(in.config(), in.Experiment, in.Control)
		for key, want := range c.Expected {
			switch key {
			case "classification":
				require.Equal(t, want, r.Label.String(), r.Reason)
			case "critical":
				require.Equal(t, want, r.Critical)
			case "deviation":
				requireNear(t, c.want(t, key), r.Ratio, 1e-9, key)
			case "reasonNonEmpty":
				require.Equal(t, want, r.Reason != "")
			default:
				require.Fail(t, key)
			}
		}
	},
	"classify-mean-inequality": func(t *testing.T, c oracleCase, in oracleInput) {
		require.Equal(t, c.Expected["classification"], ClassifyByMeans(in.config().Direction, in.Experiment, in.Control).String())
	},
	"score": func(t *testing.T, c oracleCase, in oracleInput) {
		var results []MetricResult
		for _, m := range in.Metrics {
			results = append(results, MetricResult{Name: m.Name, Groups: m.Groups, Label: labelOf(t, m.Classification), Critical: m.Critical})
		}
		s := Sum(results, in.GroupWeights)
		require.Equal(t, c.want(t, "summaryScore"), s.Total, s.Reason)
		if want, ok := c.Expected["groupScoresSorted"]; ok {
			var got []any
			for _, g := range s.Groups {
				got = append(got, g.Score)
			}
			slices.SortFunc(got, func(a, b any) int { return int(a.(float64) - b.(float64)) })
			require.Equal(t, want, got)
		}
	},
	"effect-size": func(t *testing.T, c oracleCase, in oracleInput) {
		e, ctl := in.Experiment, in.Control
		measures := map[string]float64{
			"meanRatio": meanRatio(Summarize(e), Summarize(ctl)), "cles": evidence.VarghaDelaney(e, ctl), "cohenD": evidence.CohenD(e, ctl),
		}
		require.Contains(t, measures, in.Measure)
		requireNear(t, c.want(t, "value"), measures[in.Measure], max(1e-12, c.want(t, "tolerance")), in.Measure)
	},
	"percentile": func(t *testing.T, c oracleCase, in oracleInput) {
		requireNear(t, c.want(t, "value"), evidence.Quantile(slices.Sorted(slices.Values(in.Values)), in.P/100), c.want(t, "tolerance"), "percentile")
	},
	"detect-outliers": func(t *testing.T, c oracleCase, in oracleInput) {
		var want []bool
		for _, v := range c.Expected["outlier"].([]any) {
			want = append(want, v.(bool))
		}
		require.Equal(t, append([]bool{}, want...), in.outliers())
	},
	"remove-outliers": func(t *testing.T, c oracleCase, in oracleInput) {
		requireSeries(t, c, "values", unmarked(in.Values, in.outliers()))
	},
	"remove-nan": func(t *testing.T, c oracleCase, in oracleInput) {
		requireSeries(t, c, "values", Clean(Config{NaN: RemoveNaN}, in.Values))
	},
	"replace-nan": func(t *testing.T, c oracleCase, in oracleInput) {
		require.Zero(t, in.Value)
		requireSeries(t, c, "values", Clean(Config{NaN: ReplaceNaN}, in.Values))
	},
	"summary": func(t *testing.T, c oracleCase, in oracleInput) {
		s := Summarize(in.Values)
		for key, got := range map[string]float64{"min": s.Min, "max": s.Max, "mean": s.Mean, "std": s.StdDev, "count": float64(s.Count)} {
			requireNear(t, c.want(t, key), got, max(1e-12, c.want(t, "tolerance")), key)
		}
	},
	"mw-interval": func(t *testing.T, c oracleCase, in oracleInput) {
		shift, err := Interval(in.Experiment, in.Control, in.ConfLevel)
		require.NoError(t, err)
		for key, got := range map[string]float64{"ciLower": shift.Lower, "ciUpper": shift.Upper, "estimate": shift.Estimate} {
			if _, ok := c.Expected[key]; ok {
				requireNear(t, c.want(t, key), got, c.want(t, key+"Tolerance"), key)
			}
		}
	},
	"mw-statistic": func(t *testing.T, c oracleCase, in oracleInput) {
		got, ok := in.shiftTest().at(in.Mu, in.Quantile)
		require.True(t, ok)
		requireNear(t, c.want(t, "value"), got, c.want(t, "tolerance"), "statistic")
	},
	"mw-interval-raw-brent": func(t *testing.T, c oracleCase, in oracleInput) {
		test := in.shiftTest()
		low, high := test.bounds()
		at := func(mu, quantile float64) float64 {
			v, ok := test.at(mu, quantile)
			require.True(t, ok)
			return v
		}
		root := func(quantile float64) float64 {
			v, ok := brent(func(mu float64) (float64, bool) { return test.at(mu, quantile) }, low, high)
			require.True(t, ok)
			return v
		}
		z := math.Sqrt2 * math.Erfinv(in.ConfLevel)
		for key, got := range map[string]float64{
			"muMin": low, "muMax": high, "zLower": z, "zUpper": -z,
			"fLower1": at(low, z), "fUpper1": at(high, z), "fLower2": at(low, -z), "fUpper2": at(high, -z),
			"ciLower": root(z), "ciUpper": root(-z), "estimate": root(0),
		} {
			requireNear(t, c.want(t, key), got, c.want(t, "tolerance"), key)
		}
	},
	"aggregate-final-score": func(t *testing.T, c oracleCase, in oracleInput) {
		th := Thresholds{Pass: in.PassThreshold, Marginal: in.Marginal}
		require.Equal(t, c.Expected["didPassThresholds"], th.Final(in.FinalScore))
	},
	"judgement-window": func(t *testing.T, c oracleCase, in oracleInput) {
		interval := time.Duration(in.IntervalMins) * time.Minute
		s := Schedule{
			Lifetime: time.Duration(in.Judgement) * interval, Interval: interval,
			Warmup: time.Duration(in.BeginAfterMins) * time.Minute, Lookback: time.Duration(in.LookbackMins) * time.Minute,
			Past: in.EndGiven,
		}
		w, control, ok := s.Windows(in.Judgement)
		require.True(t, ok)
		require.Equal(t, w, control)
		require.Equal(t, [2]float64{c.want(t, "startOffsetMins"), c.want(t, "endOffsetMins")}, [2]float64{w.Start.Minutes(), w.End.Minutes()})
	},
	"pad-missing": func(t *testing.T, c oracleCase, in oracleInput) {
		points := (in.EndMillis - in.StartMillis) / in.StepMillis
		requireSeries(t, c, "experiment", Pad(in.Experiment, points))
		requireSeries(t, c, "control", Pad(in.Control, points))
	},
}

func (in oracleInput) shiftTest() shiftTest {
	return shiftTest{x: slices.Sorted(slices.Values(in.Experiment)), y: slices.Sorted(slices.Values(in.Control))}
}

func (in oracleInput) outliers() []bool {
	if in.Detector == "ksigma" {
		return KSigma{K: in.K}.Find(in.Values)
	}
	return IQR{Factor: in.Factor, Insensitive: in.ReduceSensitivity}.Find(in.Values)
}

func requireSeries(t *testing.T, c oracleCase, key string, got []float64) {
	t.Helper()
	want := c.Expected[key].([]any)
	require.Len(t, got, len(want))
	for i, w := range want {
		if w == nil {
			require.True(t, math.IsNaN(got[i]))
		} else {
			require.Equal(t, w, got[i])
		}
	}
}
