package analysis

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// The sentences of NotWorse.

// figures compares the arms. The odds ratio is estimated within each
// observation: that of the totals would mislead when error rate and traffic
// split change together.
func (t *notWorseTrial) figures() string {
	s := arm("canary", t.canary) + " against " + arm("baseline", t.baseline)
	switch ratio := t.odds.Ratio(); {
	case math.IsNaN(ratio):
		return s
	case math.IsInf(ratio, 1):
		return s + ": events in the canary alone"
	default:
		return s + ": " + times(ratio) + " times the odds"
	}
}

func (t *notWorseTrial) negligible() string {
	return "below the negligible rate " + plain(100*t.Negligible) + "%"
}

// safety is what has been shown.
func (t *notWorseTrial) safety() string {
	if t.byRate {
		return "to be " + t.negligible()
	}
	return "not to be " + plain(t.Detect) + "x worse"
}

func (t *notWorseTrial) failReason() string {
	atLeast, although := "", ""
	if psi, ok := t.harm.AtLeast(t.Alpha); ok {
		atLeast = fmt.Sprintf(", at least %s with %.4g%% confidence", times(psi), 100*(1-t.Alpha))
	}
	if t.hasNegligible() && t.rare.Log() >= t.neededAlone() {
		although = ", although " + t.negligible()
	}
	return fmt.Sprintf("%s%s%s; evidence of harm %s (needed %s)", t.figures(), atLeast, although, short(evidence.Value(t.logHarm)), short(1/t.Alpha))
}

func (t *notWorseTrial) suspicionReason() string {
	return fmt.Sprintf("was shown %s, but is under suspicion: %s; evidence of harm %s (fails at %s)%s",
		t.safety(), t.figures(), short(evidence.Value(t.logHarm)), short(1/t.Alpha), t.aloneNote())
}

func (t *notWorseTrial) passReason() string {
	when, note := "shown", ""
	if t.logSafe < -math.Log(t.Beta) {
		when = "shown before"
	}
	if !t.byRate {
		note = t.aloneNote()
	}
	return fmt.Sprintf("%s %s: %s; evidence %s (needed %s)%s",
		when, t.safety(), t.figures(), short(evidence.Value(t.logSafe)), short(1/t.Beta), note)
}

func (t *notWorseTrial) waitReason() string {
	so, harm := "no worse so far: "+t.figures(), " "
	ratio := t.odds.Ratio()
	switch {
	case t.baseline.Total == 0:
		so = arm("canary", t.canary) + ", and nothing to compare it with"
	case math.IsNaN(ratio):
		so = "nothing to compare yet: " + t.figures()
	case ratio > t.Tolerate:
		so = "worse so far: " + t.figures()
		harm = fmt.Sprintf(" of harm %s (fails at %s), and ", short(evidence.Value(t.logHarm)), short(1/t.Alpha))
	}
	missing := t.missing()
	if missing == "" {
		return so
	}
	return fmt.Sprintf("%s; evidence%s%s of %s that it is %s", so, harm, short(evidence.Value(t.logSafe)), short(1/t.Beta), missing)
}

// missing says which of the ways to be safe is the nearer one, and how many
// requests it is away. It is empty if there is none in sight.
func (t *notWorseTrial) missing() string {
	notWorse, rare := math.Inf(1), math.Inf(1)
	share := float64(t.canary.Total) / float64(t.canary.Total+t.baseline.Total)
	if growth := t.safe.Growth(t.baseline.Rate, share); growth > 0 && t.alone == 0 {
		notWorse = (t.neededAlone() - t.safe.Log()) / growth
	}
	if t.hasNegligible() {
		rare = t.rare.More(t.neededAlone(), t.canary.Rate)
	}
	compared := fmt.Sprintf("not %sx worse", plain(t.Detect))
	switch {
	case rare < notWorse:
		return fmt.Sprintf("%s: about %s more canary requests at this rate would show it", t.negligible(), roundUp(rare))
	case !math.IsInf(notWorse, 1):
		return fmt.Sprintf("%s: about %s more canary requests if it is not worse", compared, roundUp(notWorse))
	case !math.IsNaN(t.odds.Ratio()):
		return compared + t.aloneNote()
	}
	return ""
}

// aloneNote says that the comparison is an old one: there is nothing left to
// compare with, as in a last wave.
func (t *notWorseTrial) aloneNote() string {
	switch {
	case t.alone == 0 || t.baseline.Total == 0:
		return ""
	case t.alone == 1:
		return "; no baseline in the last observation, so this rests on those before"
	default:
		return fmt.Sprintf("; no baseline in the last %d observations, so this rests on those before", t.alone)
	}
}
