package analysis

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// The sentences of NotWorse, as far as they are the same for all forms.

func (t *notWorseTrial) reason() string {
	switch t.stand {
	case nothingSeen, noCanaryData:
		return "no canary data"
	case couldNotLook:
		return "could not look: " + t.why
	case cannotWeigh:
		return t.why
	case unfit:
		return t.form.blind() + "; " + t.form.figures()
	case suspected:
		what, _ := t.form.safety()
		return fmt.Sprintf("was shown %s, but is under suspicion: %s; evidence of harm %s (fails at %s)%s",
			what, t.form.figures(), short(evidence.Value(t.logHarm)), short(math.Exp(t.failAt())), t.aloneNote())
	case passing:
		return t.passReason()
	default:
		return t.form.waiting(t.aloneNote(), t.logHarm, t.logSafe, t.failAt())
	}
}

func (t *notWorseTrial) failReason() string {
	by := fmt.Sprintf("evidence of harm %s (needed %s)", short(evidence.Value(t.logHarm)), short(math.Exp(t.failAt())))
	if exact := t.form.exact(); exact != nil && exact.Crossed() && t.logHarm < t.failAt() {
		by = fmt.Sprintf("%d events in the canary, where %d are too many for chance", exact.Sum(), exact.Critical())
	}
	return t.form.figures() + t.form.failNote() + "; " + by + "; " + t.form.known()
}

func (t *notWorseTrial) passReason() string {
	when, note := "shown", ""
	if t.logSafe < -math.Log(t.Beta) {
		when = "shown before"
	}
	what, compared := t.form.safety()
	if compared {
		note = t.aloneNote()
	}
	return fmt.Sprintf("%s %s: %s; evidence %s (needed %s)%s",
		when, what, t.form.figures(), short(evidence.Value(t.logSafe)), short(1/t.Beta), note)
}

// aloneNote says that the comparison is an old one: there is nothing left to
// compare with, as in a last wave.
func (t *notWorseTrial) aloneNote() string {
	switch {
	case t.alone == 0 || !t.hasBaseline:
		return ""
	case t.alone == 1:
		return "; no baseline in the last observation, so this rests on those before"
	default:
		return fmt.Sprintf("; no baseline in the last %d observations, so this rests on those before", t.alone)
	}
}
