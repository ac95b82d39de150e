package analysis

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// Defaults of Baseline.
const (
	// DefaultBaselineAlpha is how often a gauge that goes on as it did is called
	// Degraded, in theory. Real gauges have reasons of their own, hence so little.
	DefaultBaselineAlpha = 0.0001
	// DefaultDeviations is how many standard deviations of its past a gauge may move.
	DefaultDeviations = 1.0
	// DefaultPoints is how many values are the least to pass on.
	DefaultPoints = 6
)

// Direction says which way is worse.
type Direction uint8

const (
	// Either way is worse. It is the zero value.
	Either Direction = iota
	// Higher is worse, as for a queue.
	Higher
	// Lower is worse, as for orders per minute.
	Lower
)

// Baseline judges whether the canary's gauge still behaves as its own targets did
// before the rollout, for gauges that have no control group: a region's orders, the
// memory of the one primary. Where there is a control group, NotWorse compares with
// that, which does not take the time of day for a regression.
//
// It never fails a release: a gauge that leaves its past behind is Degraded, which
// holds the gate for a human to look. Real gauges change their level for reasons of
// their own; with an α of 0.01%, some 1 to 2% of clean three-hour watches of such
// gauges are called Degraded, and some 60% of the incidents in them are found.
//
// It is a sequential t-test (evidence.Gauge) on what each value adds to the one
// before, against the mean, the correlation and the deviation that the values had in
// a window before the rollout, of MinComparison observations at least: the A/A window
// of a gate (Gate.Compare), which takes a source that knows the past or the patience
// to watch it first. Without one, the verdict is an Error. It passes while nothing is
// shown, from Points values on.
//
// The zero value is ready to use. A Baseline may be used by many goroutines at once,
// its trials by one each.
type Baseline struct {
	// Direction says which way is worse. The zero value is either.
	Direction Direction
	// Deviations is by how much the gauge may move and nobody minds, in standard
	// deviations of its past. Zero means DefaultDeviations; negative, not at all.
	Deviations float64
	// Points is how many values there must be for a pass. Zero means DefaultPoints.
	Points int
	// Alpha is the probability of calling a gauge Degraded that goes on as it did.
	// Zero means DefaultBaselineAlpha.
	Alpha float64
	// Past is what the values were like before the rollout. A gate fills it in.
	Past Calibration
}

// Calibrate returns the judge for values that were like this.
func (j Baseline) Calibrate(past Calibration) Judge {
	j.Past = past
	return j
}

// Problems reports what is wrong with the settings.
func (j Baseline) Problems(report func(path, msg string)) {
	if j.Direction > Lower {
		report("Direction", fmt.Sprintf("is %d: want Either, Higher or Lower", j.Direction))
	}
	if math.IsNaN(j.Deviations) || math.IsInf(j.Deviations, 0) {
		report("Deviations", fmt.Sprintf("is %v: want a number of standard deviations", j.Deviations))
	}
	if j.Points < 0 {
		report("Points", fmt.Sprintf("is negative (%d)", j.Points))
	}
	if !rateOK(j.Alpha) {
		report("Alpha", fmt.Sprintf("is %v: want a probability between 0 and 0.5", j.Alpha))
	}
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error.
func (j Baseline) Begin() Trial {
	if problem := firstProblem("Baseline", j); problem != "" {
		return unusable(problem)
	}
	j.Deviations, j.Points = orDefault(j.Deviations, DefaultDeviations), orDefault(j.Points, DefaultPoints)
	j.Alpha = orDefault(j.Alpha, DefaultBaselineAlpha)
	own := j.Past.Own
	if own == nil {
		return unusable(fmt.Sprintf("a gauge can only be held against its past where that is known: an A/A window before the rollout has to show %d values that move (Gate.Compare)", MinComparison))
	}
	t := &baselineTrial{Baseline: j, noise: *own}
	spread := own.Deviation / math.Sqrt(1-own.Correlation*own.Correlation)
	t.tolerance = max(0, j.Deviations) * spread
	var err error
	if t.above, err = evidence.NewGauge(*own, t.tolerance); err != nil {
		return unusable(err.Error())
	}
	t.below = t.above
	return t
}

type baselineTrial struct {
	Baseline     // with defaults filled in
	noise        evidence.Noise
	tolerance    float64
	above, below evidence.Gauge
	points       int
	canary       Summary
}

// Judge takes the next observation.
func (t *baselineTrial) Judge(o Observation) Verdict {
	if o.Err != "" {
		t.skip()
		return t.verdict(Undecided, "could not look: "+o.Err)
	}
	value, ok := o.Canary.Figure()
	switch {
	case o.Canary.Kind != NoData && o.Canary.Kind != ValueKind:
		return t.verdict(Error, "the canary sample is "+o.Canary.Kind.String()+": want a value")
	case !ok:
		t.skip()
		return t.verdict(Undecided, "no canary data")
	}
	t.canary.Rate = value
	t.points++
	t.above.Observe(value - t.noise.Mean)
	t.below.Observe(t.noise.Mean - value)
	harm, way := math.Inf(-1), ""
	if t.Direction != Lower {
		harm, way = t.above.Log(), "above"
	}
	if t.Direction != Higher {
		if log := t.below.Log(); log > harm {
			harm, way = log, "below"
		}
	}
	need := -math.Log(t.Alpha)
	if t.Direction == Either {
		need += math.Ln2
	}
	past := fmt.Sprintf("%s; before the rollout it was %s on average", short(value), short(t.noise.Mean))
	if t.tolerance > 0 {
		past += ", and " + short(t.tolerance) + " off is put up with"
	}
	var v Verdict
	switch {
	case harm >= need:
		v = t.verdict(Degraded, fmt.Sprintf("has moved %s its past: %s; evidence %s (needed %s)", way, past, short(evidence.Value(harm)), short(math.Exp(need))))
	case t.points < t.Points:
		v = t.verdict(Undecided, fmt.Sprintf("%s; %d of %d values", past, t.points, t.Points))
	default:
		v = t.verdict(Pass, "goes on as before: "+past)
	}
	v.Evidence = Evidence{Harm: evidence.Value(harm), HarmNeeded: 0}
	return v
}

// skip says that time went by.
func (t *baselineTrial) skip() {
	t.above.Observe(math.NaN())
	t.below.Observe(math.NaN())
}

func (t *baselineTrial) verdict(outcome Outcome, reason string) Verdict {
	return Verdict{
		Outcome: outcome, Reason: reason, Canary: t.canary,
		Calibration: fmt.Sprintf("its past of %v: mean %s, deviation %s, correlation %.2f", t.Past.Length, short(t.noise.Mean), short(t.noise.Deviation), t.noise.Correlation),
	}
}
