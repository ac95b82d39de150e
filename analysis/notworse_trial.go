package analysis

import (
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// Where the exact lane is on, it has this part of α, and the e-process the rest.
const exactShare = 0.7

// form is how one kind of samples is weighed.
type form interface {
	// weigh adds an observation, or says why it cannot.
	weigh(o *Observation) (problem string)
	// harm and safe are the logarithms of the evidence so far.
	harm() float64
	safe() float64
	// exact is the exact lane; nil where there is none.
	exact() *evidence.Spending
	// blind says why the data can never show that a release is safe, empty if it can.
	blind() string
	// recall is what the last observation says given what the baseline was, and
	// recalled the same in words.
	recall() recall
	recalled(lately string) string
	// known says what is known of how comparable the arms are.
	known() string
	// fill adds the figures to a verdict.
	fill(v *Verdict)

	// The sentences: what was seen, what has been shown, and what is missing.
	figures() string
	safety() string
	waiting(alone string, logHarm, logSafe, failAt float64) string
	failNote() string
}

// notWorseTrial is a trial of NotWorse: which form it has is settled by the first
// observation with data.
type notWorseTrial struct {
	NotWorse // with defaults filled in
	form     form
	kind     SampleKind

	last             Observation
	logHarm, logSafe float64 // of the evidence so far
	alone            int     // observations in a row without a baseline
	hasBaseline      bool    // there ever was one
	shown            bool    // that it is safe
	stand            stand
	why              string  // for some stands
	failed           Verdict // latched
}

// stand is what there is to say after an observation.
type stand uint8

const (
	nothingSeen stand = iota
	couldNotLook
	cannotWeigh
	failing
	noCanaryData
	unfit
	suspected
	worseThanBefore // doubtful, given what the baseline was
	unsettled       // too little was seen without a baseline
	passing
	waiting
)

// Judge takes the next observation.
func (t *notWorseTrial) Judge(o Observation) Verdict {
	t.Weigh(o)
	return t.Verdict()
}

// Weigh takes the next observation, and leaves the words to Verdict.
func (t *notWorseTrial) Weigh(o Observation) Outcome {
	t.last = o // in a place that is there already
	if t.stand = t.take(&t.last); t.stand == failing && t.failed.Outcome != Fail {
		t.failed = t.verdict(Fail, t.failReason())
	}
	return t.outcome()
}

func (t *notWorseTrial) take(o *Observation) stand {
	if t.failed.Outcome == Fail {
		return failing
	}
	if t.why = o.Err; t.why != "" {
		return couldNotLook
	}
	if t.why = t.settle(o); t.why != "" {
		return cannotWeigh
	}
	if t.form == nil {
		return noCanaryData
	}
	if o.Baseline.Has() {
		t.alone, t.hasBaseline = 0, true
	} else {
		t.alone++
	}
	if t.why = t.form.weigh(o); t.why != "" {
		return cannotWeigh
	}
	t.logHarm, t.logSafe = t.form.harm(), t.form.safe()
	t.shown = t.shown || t.logSafe >= -math.Log(t.Beta)
	exact := t.form.exact()
	switch {
	case t.logHarm >= t.failAt(), exact != nil && exact.Crossed(), t.form.recall() == beyondMemory:
		return failing
	case !o.Canary.Has():
		return noCanaryData
	case t.form.blind() != "":
		return unfit
	case t.shown && t.logHarm >= t.failAt()/2:
		return suspected
	case t.form.recall() >= doubtful:
		return worseThanBefore
	case t.shown && t.form.recall() == tooLittle:
		return unsettled
	case t.shown:
		return passing
	}
	return waiting
}

// settle chooses the form by the first sample there is, and says why an observation
// does not go with it, empty if it does.
func (t *notWorseTrial) settle(o *Observation) (problem string) {
	for _, s := range [...]*Sample{&o.Canary, &o.Baseline} {
		if s.Kind == NoData {
			continue
		}
		if t.kind == NoData {
			t.kind = s.Kind
			var err error
			if t.form, err = t.newForm(s); err != nil {
				t.form = unfitForm(err.Error())
			}
		}
		if s.Kind != t.kind {
			return "the samples are " + s.Kind.String() + " now, after " + t.kind.String() + ": they cannot be compared"
		}
	}
	return ""
}

func (t *notWorseTrial) newForm(s *Sample) (form, error) {
	switch s.Kind {
	case CountKind:
		return newCountsForm(&t.NotWorse)
	case BucketKind:
		return newBucketsForm(&t.NotWorse, s.Bounds)
	default:
		return newValuesForm(&t.NotWorse)
	}
}

// failAt is what the logarithm of the evidence of harm fails at.
func (t *notWorseTrial) failAt() float64 {
	if t.form != nil && t.form.exact() != nil {
		return -math.Log((1 - exactShare) * t.Alpha)
	}
	return -math.Log(t.Alpha)
}

func (t *notWorseTrial) outcome() Outcome {
	switch t.stand {
	case failing:
		return Fail
	case passing:
		return Pass
	case cannotWeigh:
		return Error
	case unfit:
		return Inconclusive
	default:
		return Undecided
	}
}

// Verdict says in words what was weighed so far.
func (t *notWorseTrial) Verdict() Verdict {
	if t.stand == failing {
		return t.failed
	}
	return t.verdict(t.outcome(), t.reason())
}

func (t *notWorseTrial) verdict(outcome Outcome, reason string) Verdict {
	v := Verdict{
		Outcome: outcome, Reason: reason,
		Evidence: Evidence{
			Harm: evidence.Value(t.logHarm), HarmNeeded: math.Exp(t.failAt()),
			Safe: evidence.Value(t.logSafe), SafeNeeded: 1 / t.Beta,
		},
	}
	if t.form != nil {
		t.form.fill(&v)
		if exact := t.form.exact(); exact != nil {
			v.Evidence.Sum, v.Evidence.Critical = exact.Sum(), exact.Critical()
		}
	}
	return v
}

// unfitForm is that of samples that cannot be weighed at all.
type unfitForm string

func (f unfitForm) weigh(*Observation) string                        { return string(f) }
func (f unfitForm) harm() float64                                    { return 0 }
func (f unfitForm) safe() float64                                    { return 0 }
func (f unfitForm) exact() *evidence.Spending                        { return nil }
func (f unfitForm) blind() string                                    { return string(f) }
func (f unfitForm) recall() recall                                   { return nothingToRecall }
func (f unfitForm) recalled(string) string                           { return "" }
func (f unfitForm) known() string                                    { return "" }
func (f unfitForm) fill(*Verdict)                                    {}
func (f unfitForm) figures() string                                  { return "" }
func (f unfitForm) safety() string                                   { return "" }
func (f unfitForm) waiting(string, float64, float64, float64) string { return string(f) }
func (f unfitForm) failNote() string                                 { return "" }
