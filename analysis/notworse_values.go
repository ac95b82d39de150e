package analysis

import (
	"errors"
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// valuesForm weighs values: the logarithm of the canary's over the baseline's, less
// the part of it that the last one explains.
type valuesForm struct {
	of               *NotWorse
	noise            evidence.Noise
	worse, better    evidence.Gauge // than what is tolerated, and than what is harmful
	canary, baseline Summary
	compared         [2]float64 // the last values of both at the same time
	sum              float64    // of the logarithms
	n                int
	calibration      string
	memory           valueMemory
	logHarm, logSafe float64 // kept, as they take an integral
}

func newValuesForm(of *NotWorse) (*valuesForm, error) {
	noise := of.Arms.Ratio
	switch {
	case of.Arms.Problem != "":
		return nil, errors.New("values can only be compared where their noise is known; not calibrated: " + of.Arms.Problem)
	case noise == nil && of.Arms.Intervals == 0:
		return nil, errors.New("values can only be compared where their noise is known, from an A/A window before the rollout; not calibrated: the arms were not compared beforehand")
	case noise == nil:
		return nil, fmt.Errorf("values can only be compared where their noise is known; not calibrated: the A/A window showed %d observations of both arms with positive values that move, and %d are the least to learn from", of.Arms.Intervals, MinComparison)
	}
	f := &valuesForm{of: of, noise: *noise, memory: valueMemory{of: of}}
	var err error
	if f.worse, err = evidence.NewGauge(*noise, math.Log(of.Tolerate)); err != nil {
		return nil, err
	}
	if f.better, err = evidence.NewGauge(*noise, -math.Log(of.Detect)); err != nil {
		return nil, err
	}
	f.calibration = fmt.Sprintf("calibrated by an A/A window of %v: from one observation to the next the ratio moves by %s, with a correlation of %.2f",
		of.Arms.Length, percent(noise.Deviation), noise.Correlation)
	return f, nil
}

func (f *valuesForm) weigh(o *Observation) (problem string) {
	canary, ok1 := o.Canary.Figure()
	baseline, ok2 := o.Baseline.Figure()
	if ok1 {
		f.canary.Rate = canary
	}
	switch {
	case ok2:
		f.baseline.Rate = baseline
		f.memory.remember(baseline)
	case ok1:
		f.memory.compare(canary)
	}
	if !ok1 || !ok2 {
		f.skip()
		return ""
	}
	if !(canary > 0 && baseline > 0) {
		f.skip()
		return fmt.Sprintf("canary %s and baseline %s have no ratio: only positive values can be compared", plain(canary), plain(baseline))
	}
	z := math.Log(canary / baseline)
	if f.of.LowerIsWorse {
		z = -z
	}
	f.worse.Observe(z)
	f.better.Observe(-z)
	f.compared = [2]float64{canary, baseline}
	f.sum += z
	f.n++
	f.logHarm, f.logSafe = f.worse.Log(), f.better.Log()
	return ""
}

// skip says that time went by.
func (f *valuesForm) skip() {
	f.worse.Observe(math.NaN())
	f.better.Observe(math.NaN())
}

func (f *valuesForm) harm() float64             { return f.logHarm }
func (f *valuesForm) safe() float64             { return f.logSafe }
func (f *valuesForm) exact() *evidence.Spending { return nil }
func (f *valuesForm) blind() string             { return "" }

// ratio is by how much the canary is worse: the geometric mean of all ratios.
func (f *valuesForm) ratio() float64 { return math.Exp(f.sum / float64(f.n)) }

func (f *valuesForm) recall() recall                { return f.memory.state }
func (f *valuesForm) recalled(lately string) string { return f.memory.words(f.canary.Rate, lately) }

func (f *valuesForm) known() string { return f.calibration }

func (f *valuesForm) fill(v *Verdict) {
	v.Canary, v.Baseline, v.Calibration = f.canary, f.baseline, f.calibration
	if f.n == 0 {
		return
	}
	v.Ratio.Value = f.ratio()
	if low, high := f.worse.Interval(f.of.Alpha); !math.IsInf(low, -1) && !math.IsInf(high, 1) {
		v.Ratio = Estimate{Value: v.Ratio.Value, Low: math.Exp(low), High: math.Exp(high), Confidence: 1 - f.of.Alpha}
	}
	// The shift whose mean evidence, n·δ²/2 in standard deviations, would be enough.
	shift := math.Sqrt(2.6*-math.Log(f.of.Alpha)/float64(f.n)) * f.noise.Deviation / (1 - f.noise.Correlation)
	v.Visible = f.of.Tolerate * math.Exp(shift)
}

func (f *valuesForm) figures() string {
	canary, baseline := f.canary.Rate, f.baseline.Rate
	if f.n > 0 {
		canary, baseline = f.compared[0], f.compared[1]
	}
	s := "canary " + short(canary) + " against baseline " + short(baseline)
	if f.n == 0 {
		return s
	}
	ratio := f.ratio()
	if f.of.LowerIsWorse {
		ratio = 1 / ratio
	}
	if f.n == 1 {
		return s + ", " + times(ratio) + " times"
	}
	return fmt.Sprintf("%s, %s times over %d observations", s, times(ratio), f.n)
}

func (f *valuesForm) safety() string { return "not to be " + plain(f.of.Detect) + "x worse" }

func (f *valuesForm) failNote() string { return "" }

func (f *valuesForm) waiting(alone string, logHarm, logSafe, failAt float64) string {
	so, harm := "no worse so far: ", " "
	switch {
	case f.n == 0:
		return "nothing to compare yet: " + f.figures() + alone
	case f.ratio() > f.of.Tolerate:
		so = "worse so far: "
		harm = fmt.Sprintf(" of harm %s (fails at %s), and ", short(evidence.Value(logHarm)), short(math.Exp(failAt)))
	}
	return fmt.Sprintf("%s%s; evidence%s%s of %s that it is not %sx worse%s", so, f.figures(), harm, short(evidence.Value(logSafe)), short(1/f.of.Beta), plain(f.of.Detect), alone)
}
