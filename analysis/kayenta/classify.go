package kayenta

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// Result is what one metric shows.
type Result struct {
	Label Label
	// Critical says that this alone fails the canary.
	Critical bool
	// Reason is one plain sentence with the figures.
	Reason string
	// Ratio is the mean of the experiment divided by that of the control, which
	// Kayenta reports as the deviation: NaN if either is 0, 1 if there is nothing
	// to compare or no difference at all.
	Ratio float64
	// Shift is by how much the experiment is above the control, with its interval.
	// It is zero where it was not needed.
	Shift evidence.Shift
	// Experiment and Control sum up what was left after cleaning.
	Experiment, Control Stats
}

// Classify compares the points of the experiment (the canary) with those of the
// control (the baseline). The sides are not paired, and may differ in length.
//
// After cleaning, a side without points is Nodata, and equal sides pass. Otherwise
// the metric is High if all of the shift's Interval lies above Tolerance times its
// estimate and the effect size is AllowedIncrease or more, Low if the same holds
// downwards, and passes if neither does. A config with problems, and points that
// are infinite, are an Error.
//
// If each side has one value only, and they differ, Kayenta adds some random noise
// to have something to rank: 10⁻⁵ of the value. Here that is High or Low, and
// Error where noise has nothing to work on, with one point or zeros on each side.
// The two may differ for values that are closer to each other than the noise.
func Classify(c Config, experiment, control []float64) Result {
	if problem := firstProblem(c); problem != "" {
		return Result{Label: Error, Ratio: math.NaN(), Reason: "the settings cannot be used: " + problem}
	}
	c = c.withDefaults()
	experiment, control = Clean(c, experiment), Clean(c, control)
	r := Result{Ratio: 1, Experiment: Summarize(experiment), Control: Summarize(control)}
	if r.Experiment.Count == 0 || r.Control.Count == 0 {
		return r.withoutData(c)
	}
	slices.Sort(experiment)
	slices.Sort(control)
	if slices.Equal(experiment, control) {
		return r.as(Pass, "both sides have the same values")
	}
	constant := r.Experiment.Min == r.Experiment.Max && r.Control.Min == r.Control.Max
	if constant && r.Experiment.Min == r.Control.Min {
		return r.as(Pass, "all values are the same")
	}
	r.Ratio = meanRatio(r.Experiment, r.Control)
	var err error
	if constant {
		r.Shift, err = constantShift(r.Experiment, r.Control)
	} else {
		r.Shift, err = Interval(experiment, control, c.Confidence)
	}
	if err == nil && (math.IsInf(r.Experiment.Mean, 0) || math.IsInf(r.Control.Mean, 0)) {
		err = errors.New("kayenta: the values are too large to be added up")
	}
	if err != nil {
		r.Ratio, r.Shift = math.NaN(), evidence.Shift{}
		return r.as(Error, strings.TrimPrefix(err.Error(), "kayenta: "))
	}
	effect := r.Ratio
	if c.EffectSize.Measure == CLES {
		effect = evidence.VarghaDelaney(experiment, control)
	}
	return r.decide(c, effect)
}

func meanRatio(experiment, control Stats) float64 {
	if experiment.Mean == 0 || control.Mean == 0 {
		return math.NaN()
	}
	return experiment.Mean / control.Mean
}

// constantShift stands in for the interval where each side has one value.
func constantShift(experiment, control Stats) (evidence.Shift, error) {
	noise := func(s Stats) bool { return s.Count > 1 && s.Min != 0 }
	shift := experiment.Min - control.Min
	switch {
	case math.IsNaN(shift) || math.IsInf(shift, 0):
		return evidence.Shift{}, errors.New("kayenta: the values are not finite, or too far apart")
	case !noise(experiment) && !noise(control):
		return evidence.Shift{}, fmt.Errorf("kayenta: one value on each side (%s and %s), which leaves nothing to rank", figure(experiment.Min), figure(control.Min))
	}
	return evidence.Shift{Estimate: shift, Lower: shift, Upper: shift}, nil
}

// decide holds shift and effect size against the limits.
func (r Result) decide(c Config, effect float64) Result {
	bound := c.Tolerance * math.Abs(r.Shift.Estimate)
	e := c.EffectSize
	above := func(limit *float64) bool { return math.IsNaN(effect) || effect >= e.limit(limit) }
	below := func(limit *float64) bool { return math.IsNaN(effect) || effect <= e.limit(limit) }
	switch {
	case c.Direction != Decrease && r.Shift.Lower > bound && above(e.AllowedIncrease):
		r.Critical = c.Critical && above(e.CriticalIncrease)
		return r.as(High, r.figures(c))
	case c.Direction != Increase && r.Shift.Upper < -bound && below(e.AllowedDecrease):
		r.Critical = c.Critical && below(e.CriticalDecrease)
		return r.as(Low, r.figures(c))
	}
	return r.as(Pass, r.figures(c))
}

// withoutData is the result if a side has no points.
func (r Result) withoutData(c Config) Result {
	side := "the canary has"
	switch {
	case r.Experiment.Count+r.Control.Count == 0:
		side = "canary and baseline have"
	case r.Control.Count == 0:
		side = "the baseline has"
	}
	switch {
	case c.NaN == ReplaceNaN:
		return r.as(Pass, side+" no data, which nanStrategy replace takes for zero")
	case c.MustHaveData && !c.Critical:
		return r.as(NodataFailMetric, side+" no data, but must have")
	}
	r.Critical = c.Critical
	return r.as(Nodata, side+" no data")
}

func (r Result) as(l Label, reason string) Result {
	r.Label, r.Reason = l, reason
	return r
}

// figures are what the classification rests on.
func (r Result) figures(c Config) string {
	ratio := ""
	if !math.IsNaN(r.Ratio) {
		ratio = ", ratio " + figure(r.Ratio)
	}
	return fmt.Sprintf("canary %s against baseline %s (means of %d and %d points%s): shift %s, %s%% interval %s to %s",
		figure(r.Experiment.Mean), figure(r.Control.Mean), r.Experiment.Count, r.Control.Count, ratio,
		figure(r.Shift.Estimate), figure(100*c.Confidence), figure(r.Shift.Lower), figure(r.Shift.Upper))
}

// figure writes a number with three digits.
func figure(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
