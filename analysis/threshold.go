package analysis

import (
	"fmt"
	"math"
)

// DefaultMinSamples is how many requests a Threshold pools before it judges
// their ratio.
const DefaultMinSamples = 20

// Above returns the judge that passes while the canary's figure is at or above
// a limit: a value, or for counts the ratio of events to total, 0 to 1.
func Above(limit float64) Threshold { return Threshold{Min: &limit} }

// Below returns the judge that passes while the canary's figure is at or below
// a limit: a value, or for counts the ratio of events to total, 0 to 1.
func Below(limit float64) Threshold { return Threshold{Max: &limit} }

// Within returns the judge that passes while the canary's figure is at least lo
// and at most hi.
func Within(lo, hi float64) Threshold { return Threshold{Min: &lo, Max: &hi} }

// Threshold judges the canary's figure by fixed limits, without a baseline and
// without statistics. A figure inside the limits is a Pass, one outside is a
// Fail, or Undecided as long as Failures tolerates it. A Fail is latched.
//
// A value is judged as it comes. Counts are pooled over observations until
// there are MinSamples of them, then their ratio is judged and the next pool
// begins. Meanwhile a pass stands, unless the pool as far as it goes is outside
// the limits.
//
// No data, NaN and errors never pass, and never fail. The more often a threshold
// looks, the more often chance takes it over the limit; where there is a baseline,
// NotWorse has no such flaw.
//
// # Whose fault it is
//
// A release is not blamed for what the rest of the fleet shows just as much. Where
// there is a baseline, and it is outside of the same limit over the same time, a
// figure outside is no failure but Undecided and Blameless, and the gate holds: if
// counts cannot tell the arms apart (the Wilson intervals of their rates, at 99%,
// overlap), or if a value is no more than twice as far outside as the baseline's.
// That also holds for a last wave, without a baseline, if the fault was there when
// the baseline was seen last. A canary that is clearly worse than a baseline in
// trouble is blamed.
//
// The zero Threshold has no limits, which is a problem, and never passes. A
// Threshold may be used by many goroutines at once, its trials by one each.
type Threshold struct {
	// Min and Max are the limits, inclusive; nil for none. At least one is
	// needed.
	Min, Max *float64
	// Failures is how many judgements outside the limits are tolerated: one
	// more is a Fail.
	Failures int
	// Consecutive makes Failures those in a row: a judgement inside the limits
	// forgives the ones before it.
	Consecutive bool
	// MinSamples is how many requests (the total of counts) are judged at once.
	// Zero means DefaultMinSamples. It does not apply to values.
	MinSamples uint64
	// Errors is how many observations in a row may be in error, or without canary
	// data, and Inconclusive how many in a row may have data and still leave it open:
	// too few samples, or a fault that the baseline shows just as much. One more ends
	// the trial with an Error, or Inconclusive, without waiting for the deadline. Zero
	// means no such limit: then it is the deadline that ends it.
	Errors, Inconclusive int
	// CanaryOnly says not to look at the baseline: a figure outside is the release's
	// fault, whatever the rest of the fleet shows.
	CanaryOnly bool
}

// Problems reports what is wrong with the settings.
func (j Threshold) Problems(report func(path, msg string)) {
	limit := func(path string, v *float64) {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			report(path, fmt.Sprintf("is %v: want a finite limit", *v))
		}
	}
	limit("Min", j.Min)
	limit("Max", j.Max)
	switch {
	case j.Min == nil && j.Max == nil:
		report("Min", "and Max are both missing: without a limit there is nothing to judge by")
	case j.Min != nil && j.Max != nil && *j.Min > *j.Max:
		report("Min", fmt.Sprintf("is %v, above Max, %v: nothing could pass", *j.Min, *j.Max))
	}
	for path, n := range map[string]int{"Failures": j.Failures, "Errors": j.Errors, "Inconclusive": j.Inconclusive} {
		if n < 0 {
			report(path, fmt.Sprintf("is negative (%d)", n))
		}
	}
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error.
func (j Threshold) Begin() Trial {
	if problem := firstProblem("Threshold", j); problem != "" {
		return unusable(problem)
	}
	if j.MinSamples == 0 {
		j.MinSamples = DefaultMinSamples
	}
	return &thresholdTrial{Threshold: j}
}

type thresholdTrial struct {
	Threshold          // with the defaults filled in
	canary, baseline   Summary
	pool, basePool     Summary // counts that are not judged yet
	outside            int     // judgements outside the limits
	inError, inBetween int     // observations in a row
	fleetOutside       bool    // the baseline was, when it was seen last
	// What both arms have shown since a fault of the fleet began, so that a canary that
	// is worse than that is told apart in the end.
	faulty, fleetFaulty Summary
	latest              Verdict // of the last judgement
	over                Verdict // the verdict that ended the trial, a Fail or Final
}

// Judge takes the next observation.
func (t *thresholdTrial) Judge(o Observation) Verdict {
	if t.over.Final || t.over.Outcome == Fail {
		return t.over
	}
	v, judged := t.judge(o)
	_, seen := o.Canary.Figure()
	switch {
	case o.Err != "" || !seen:
		t.inError++
		if t.Errors > 0 && t.inError > t.Errors {
			v.Outcome, v.Final = Error, true
			v.Reason = fmt.Sprintf("%s, for the %s time in a row (%d tolerated)", v.Reason, ordinal(t.inError), t.Errors)
		}
	case v.Outcome == Undecided && !judged:
		t.inError = 0
		t.inBetween++
		if t.Inconclusive > 0 && t.inBetween > t.Inconclusive {
			v.Outcome, v.Final = Inconclusive, true
			v.Reason = fmt.Sprintf("%s, for the %s time in a row (%d tolerated)", v.Reason, ordinal(t.inBetween), t.Inconclusive)
		}
	default:
		t.inError, t.inBetween = 0, 0
	}
	if v.Final || v.Outcome == Fail {
		t.over = v
	}
	return v
}

// judge returns the verdict, and whether it is one on the canary's figure: inside or
// outside, and if outside, by its own fault.
func (t *thresholdTrial) judge(o Observation) (v Verdict, judged bool) {
	if o.Err != "" {
		return t.verdict(Undecided, "could not look: "+o.Err), false
	}
	t.canary.add(o.Canary)
	t.baseline.add(o.Baseline)
	figure, ok := o.Canary.Figure()
	if !ok {
		return t.verdict(Undecided, "no canary data"), false
	}
	said := plain(figure)
	fleet, hasFleet := o.Baseline.Figure()
	hasFleet = hasFleet && o.Baseline.Kind == o.Canary.Kind && !t.CanaryOnly
	if o.Canary.Kind == CountKind {
		t.pool.add(o.Canary)
		if hasFleet {
			t.basePool.add(o.Baseline)
		}
		figure, fleet = t.pool.Rate, t.basePool.Rate
		hasFleet = t.basePool.Total >= t.MinSamples // never, if it is the CanaryOnly
		said = fmt.Sprintf("%s (%d of %d)", percent(figure, t.limits()...), t.pool.Events, t.pool.Total)
	}
	inside := t.inside(figure)
	said += t.position(figure, o.Canary.Kind)

	pool, basePool := t.pool, t.basePool
	if o.Canary.Kind == CountKind {
		if t.pool.Total < t.MinSamples {
			return t.pooling(inside, said), false
		}
		t.pool, t.basePool = Summary{}, Summary{}
	}
	fault := ""
	switch {
	case !hasFleet && !inside && t.fleetOutside && o.Baseline.Kind == NoData:
		fault = "so was the baseline when it was last seen, before the release got there"
	case hasFleet:
		t.fleetOutside = !t.inside(fleet)
		if inside || !t.fleetOutside {
			t.faulty, t.fleetFaulty = Summary{}, Summary{}
		}
		t.faulty.count(pool.Events, pool.Total)
		t.fleetFaulty.count(basePool.Events, basePool.Total)
		asMuch := justAsMuch(t.faulty, t.fleetFaulty)
		if o.Canary.Kind != CountKind {
			asMuch = t.excess(figure) <= 2*t.excess(fleet)
		}
		if !inside && t.fleetOutside && asMuch {
			fault = "so is the baseline, which has not been touched: " + t.write(fleet, o.Canary.Kind)
		}
	}
	if fault != "" {
		t.latest = t.verdict(Undecided, said+"; "+fault+"; this is not the release's doing, and waits until it is over")
		t.latest.Blameless = true
		return t.latest, false
	}
	t.latest = t.judgement(inside, said)
	return t.latest, true
}

func (t *thresholdTrial) inside(figure float64) bool {
	return (t.Min == nil || figure >= *t.Min) && (t.Max == nil || figure <= *t.Max)
}

// excess is how far outside of the limits a figure is.
func (t *thresholdTrial) excess(figure float64) float64 {
	switch {
	case t.Min != nil && figure < *t.Min:
		return *t.Min - figure
	case t.Max != nil && figure > *t.Max:
		return figure - *t.Max
	}
	return 0
}

func (t *thresholdTrial) write(figure float64, kind SampleKind) string {
	if kind == CountKind {
		return percent(figure, t.limits()...)
	}
	return plain(figure)
}

// judgement is the verdict on a value, or on a full pool.
func (t *thresholdTrial) judgement(inside bool, said string) Verdict {
	if inside {
		if t.Consecutive {
			t.outside = 0
		}
		return t.verdict(Pass, said)
	}
	t.outside++
	row := ""
	if t.Consecutive {
		row = " in a row"
	}
	switch {
	case t.Failures == 0:
		return t.verdict(Fail, said)
	case t.outside > t.Failures:
		return t.verdict(Fail, fmt.Sprintf("%s, for the %s time%s (%d tolerated)", said, ordinal(t.outside), row, t.Failures))
	}
	return t.verdict(Undecided, fmt.Sprintf("%s, %d of %d tolerated%s", said, t.outside, t.Failures, row))
}

// pooling is the verdict between two judgements.
func (t *thresholdTrial) pooling(inside bool, said string) Verdict {
	if t.latest.Outcome == Pass && inside {
		return t.verdict(Pass, t.latest.Reason+"; since then "+said)
	}
	return t.verdict(Undecided, fmt.Sprintf("%s, after %d of %d samples", said, t.pool.Total, t.MinSamples))
}

func (t *thresholdTrial) verdict(outcome Outcome, reason string) Verdict {
	return Verdict{Outcome: outcome, Reason: reason, Canary: t.canary, Baseline: t.baseline}
}

func (t *thresholdTrial) limits() (set []float64) {
	for _, v := range [...]*float64{t.Min, t.Max} {
		if v != nil {
			set = append(set, *v)
		}
	}
	return set
}

// position says where a figure is, such as " is below 95%".
func (t *thresholdTrial) position(figure float64, kind SampleKind) string {
	write := plain
	if kind == CountKind {
		write = func(v float64) string { return plain(100*v) + "%" }
	}
	switch {
	case t.Min != nil && figure < *t.Min:
		return " is below " + write(*t.Min)
	case t.Max != nil && figure > *t.Max:
		return " is above " + write(*t.Max)
	case t.Min == nil:
		return " is at most " + write(*t.Max)
	case t.Max == nil:
		return " is at least " + write(*t.Min)
	}
	return " is between " + write(*t.Min) + " and " + write(*t.Max)
}

// ordinal writes a count as "1st", "2nd" and so on.
func ordinal(n int) string {
	suffix := "th"
	switch tens := n / 10 % 10; {
	case tens == 1:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
