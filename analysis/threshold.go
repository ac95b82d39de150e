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
// No data, NaN and errors never pass, and never fail. What hits all of the
// fleet, not only the canary, fails a release too; and the more often a
// threshold looks, the more often chance takes it over the limit. Where there
// is a baseline, NotWorse has neither flaw.
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
	if j.Failures < 0 {
		report("Failures", fmt.Sprintf("is negative (%d)", j.Failures))
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
	Threshold        // with the defaults filled in
	canary, baseline Summary
	pool             Summary // counts that are not judged yet
	outside          int     // judgements outside the limits
	latest           Verdict // of the last judgement; latched if a Fail
}

// Judge takes the next observation.
func (t *thresholdTrial) Judge(o Observation) Verdict {
	if t.latest.Outcome == Fail {
		return t.latest
	}
	if o.Err != "" {
		return t.verdict(Undecided, "could not look: "+o.Err)
	}
	t.canary.add(o.Canary)
	t.baseline.add(o.Baseline)
	figure, ok := o.Canary.Figure()
	if !ok {
		return t.verdict(Undecided, "no canary data")
	}
	said := plain(figure)
	if o.Canary.Kind == CountKind {
		t.pool.add(o.Canary)
		figure = t.pool.Rate
		said = fmt.Sprintf("%s (%d of %d)", percent(figure, t.limits()...), t.pool.Events, t.pool.Total)
	}
	inside := (t.Min == nil || figure >= *t.Min) && (t.Max == nil || figure <= *t.Max)
	said += t.position(figure, o.Canary.Kind)

	if o.Canary.Kind == CountKind {
		if t.pool.Total < t.MinSamples {
			return t.pooling(inside, said)
		}
		t.pool = Summary{}
	}
	t.latest = t.judgement(inside, said)
	return t.latest
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
