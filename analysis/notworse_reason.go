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
		what := t.form.safety()
		return fmt.Sprintf("was shown %s, but is under suspicion: %s; evidence of harm %s (fails at %s)%s",
			what, t.form.figures(), short(evidence.Value(t.logHarm)), short(math.Exp(t.failAt())), t.aloneNote())
	case worseThanBefore:
		return "worse than the baseline was: " + t.form.recalled(t.lately()) + "; before: " + t.form.figures()
	case unsettled:
		return fmt.Sprintf("was shown %s, but not yet without a baseline: %s; before: %s", t.form.safety(), t.form.recalled(t.lately()), t.form.figures())
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
	if t.form.recall() == beyondMemory && t.logHarm < t.failAt() && !(t.form.exact() != nil && t.form.exact().Crossed()) {
		return t.form.recalled(t.lately()) + "; before: " + t.form.figures() + "; " + t.form.known()
	}
	return t.form.figures() + t.form.failNote() + "; " + by + "; " + t.form.known()
}

func (t *notWorseTrial) passReason() string {
	when := "shown"
	if t.logSafe < -math.Log(t.Beta) {
		when = "shown before"
	}
	what := t.form.safety()
	return fmt.Sprintf("%s %s: %s; evidence %s (needed %s)%s",
		when, what, t.form.figures(), short(evidence.Value(t.logSafe)), short(1/t.Beta), t.aloneNote())
}

// aloneNote says what there is to say of the canary since there is nothing to compare
// it with, as in a last wave.
func (t *notWorseTrial) aloneNote() string {
	if t.alone == 0 || !t.hasBaseline {
		return ""
	}
	if words := t.form.recalled(t.lately()); words != "" {
		return "; " + words
	}
	return "; no baseline in " + t.lately()
}

// lately names the observations without a baseline.
func (t *notWorseTrial) lately() string {
	if t.alone == 1 {
		return "the last observation"
	}
	return fmt.Sprintf("the last %d observations", t.alone)
}
