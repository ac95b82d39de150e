package analysis_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

var _ analysis.Problemer = analysis.Threshold{}

func TestThresholdProblems(t *testing.T) {
	for _, ok := range []analysis.Threshold{analysis.Above(0), analysis.Below(0), analysis.Within(1, 1), analysis.Within(-2, 1)} {
		require.Empty(t, problems(ok), "%+v", ok)
	}
	tolerant := analysis.Above(1)
	tolerant.Failures = -1
	for _, c := range []struct {
		path  string
		judge analysis.Threshold
	}{
		{"Min", analysis.Threshold{}},
		{"Min", analysis.Threshold{Failures: 3}},
		{"Min", analysis.Above(math.NaN())},
		{"Min", analysis.Above(math.Inf(-1))},
		{"Max", analysis.Below(math.Inf(1))},
		{"Max", analysis.Within(0, math.NaN())},
		{"Min", analysis.Within(2, 1)},
		{"Failures", tolerant},
	} {
		require.Len(t, problems(c.judge), 1, "%+v", c.judge)
		require.Contains(t, problems(c.judge), c.path)
		v := c.judge.Begin().Judge(analysis.Observation{Canary: analysis.Gauge(1)})
		require.Equal(t, analysis.Error, v.Outcome)
		require.Contains(t, v.Reason, "Threshold."+c.path)
	}
}

func TestThresholdFillsItsFigures(t *testing.T) {
	trial := analysis.Above(0.5).Begin()
	trial.Judge(analysis.Observation{Canary: analysis.Counts(8, 10), Baseline: analysis.Counts(9, 10)})
	v := trial.Judge(analysis.Observation{Canary: analysis.Counts(10, 10), Baseline: analysis.Counts(10, 10)})
	require.Equal(t, analysis.Pass, v.Outcome)
	require.Equal(t, analysis.Summary{Rate: 0.9, Events: 18, Total: 20}, v.Canary)
	require.Equal(t, analysis.Summary{Rate: 0.95, Events: 19, Total: 20}, v.Baseline)

	trial = analysis.Below(5).Begin()
	trial.Judge(analysis.Observation{Canary: analysis.Gauge(2)})
	v = trial.Judge(analysis.Observation{Canary: analysis.Gauge(3)})
	require.Equal(t, analysis.Summary{Rate: 3}, v.Canary)
}

func TestNoFigureIsRoundedOntoItsLimit(t *testing.T) {
	v := analysis.Above(0.95).Begin().Judge(analysis.Observation{Canary: analysis.Counts(9_499_999, 10_000_000)})
	require.Equal(t, "94.99999% (9499999 of 10000000) is below 95%", v.Reason)
	v = analysis.Below(0).Begin().Judge(analysis.Observation{Canary: analysis.Counts(1, 10_000_000)})
	require.Equal(t, "0.000010% (1 of 10000000) is above 0%", v.Reason)
}
