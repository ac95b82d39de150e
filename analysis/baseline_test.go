package analysis_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// ripple is a gauge around 100 whose points remember each other.
func ripple(rng *rand.Rand) func() float64 {
	z := 0.0
	return func() float64 {
		z = 0.5*z + 2*rng.NormFloat64()
		return 100 + z
	}
}

// past is what a Baseline learns from a gauge.
func past(gauge func() float64) analysis.Calibration {
	var window []analysis.Observation
	for i := range 180 {
		window = append(window, analysis.Observation{At: start.Add(time.Duration(i-180) * 10 * time.Second), Canary: analysis.Gauge(gauge())})
	}
	return analysis.Calibrate(window)
}

func TestBaselineProblems(t *testing.T) {
	for path, j := range map[string]analysis.Baseline{
		"Direction":  {Direction: 7},
		"Deviations": {Deviations: math.NaN()},
		"Points":     {Points: -1},
		"Alpha":      {Alpha: 0.7},
	} {
		require.Contains(t, problems(j), path)
		require.Equal(t, analysis.Error, j.Begin().Judge(analysis.Observation{Canary: analysis.Gauge(1)}).Outcome)
	}
	v := analysis.Baseline{}.Begin().Judge(analysis.Observation{Canary: analysis.Gauge(1)})
	require.Equal(t, analysis.Error, v.Outcome)
	require.Contains(t, v.Reason, "an A/A window before the rollout has to show 60 values")
}

func TestBaselineHoldsAGaugeAgainstItsPast(t *testing.T) {
	for name, c := range map[string]struct {
		direction analysis.Direction
		shift     float64
		want      analysis.Outcome
	}{
		"goes on":                   {analysis.Either, 0, analysis.Pass},
		"rises":                     {analysis.Either, 15, analysis.Degraded},
		"falls":                     {analysis.Either, -15, analysis.Degraded},
		"rises, as is good":         {analysis.Lower, 15, analysis.Pass},
		"falls, as is good":         {analysis.Higher, -15, analysis.Pass},
		"moves, but not too far":    {analysis.Higher, 1, analysis.Pass},
		"rises, and higher is bad":  {analysis.Higher, 15, analysis.Degraded},
		"falls, and lower is worse": {analysis.Lower, -15, analysis.Degraded},
	} {
		t.Run(name, func(t *testing.T) {
			gauge := ripple(rand.New(rand.NewPCG(4, 2)))
			trial := analysis.Baseline{Direction: c.direction}.Calibrate(past(gauge)).Begin()
			var v analysis.Verdict
			for i := range 30 {
				v = trial.Judge(analysis.Observation{Canary: analysis.Gauge(gauge() + c.shift)})
				require.NotEqual(t, analysis.Fail, v.Outcome)
				if i < analysis.DefaultPoints-1 {
					require.NotEqual(t, analysis.Pass, v.Outcome)
				}
			}
			require.Equal(t, c.want, v.Outcome, v.Reason)
			require.Contains(t, v.Calibration, "correlation")
			require.Equal(t, analysis.Undecided, trial.Judge(analysis.Observation{}).Outcome)
			require.Equal(t, analysis.Undecided, trial.Judge(analysis.Observation{Err: "down"}).Outcome)
			require.Equal(t, analysis.Error, trial.Judge(analysis.Observation{Canary: analysis.Counts(1, 2)}).Outcome)
		})
	}
}

// On a gauge that goes on as it did, it is silent: with the tolerance nearly always,
// and without it a little less than α says, since a mean of 180 points that remember
// each other is not known exactly.
func TestSimulatedBaseline(t *testing.T) {
	for _, c := range []struct {
		judge analysis.Baseline
		most  float64
	}{
		{analysis.Baseline{Alpha: 0.01, Deviations: -1, Direction: analysis.Higher}, 0.05},
		{analysis.Baseline{Alpha: 0.01, Direction: analysis.Higher}, 0.01},
	} {
		n, degraded := runs(40), 0
		rng := rand.New(rand.NewPCG(9, 9))
		for range n {
			gauge := ripple(rng)
			trial := c.judge.Calibrate(past(gauge)).Begin()
			for range 180 {
				if v := trial.Judge(analysis.Observation{Canary: analysis.Gauge(gauge())}); v.Outcome == analysis.Degraded {
					degraded++
					break
				}
			}
		}
		t.Logf("%+v: %.2f%% called degraded", c.judge, 100*float64(degraded)/float64(n))
		require.LessOrEqual(t, float64(degraded)/float64(n), c.most)
	}
}
