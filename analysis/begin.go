package analysis

import (
	"fmt"
	"math"
)

// How judges and trials, which may be anybody's, are called.

// share gives a judge its error rates, if it can be given any.
func share(judge Judge, alpha, beta float64) Judge {
	if s, ok := judge.(Sharer); ok && weighsEvidence(judge) {
		return s.Share(alpha, beta)
	}
	return judge
}

// begin begins a trial with these error rates.
func begin(judge Judge, alpha, beta float64) Trial { return beginUnshared(share(judge, alpha, beta)) }

// beginUnshared begins a trial; nil when the judge is nil or panics, which passes
// nothing.
func beginUnshared(judge Judge) (trial Trial) {
	defer func() {
		if recover() != nil {
			trial = nil
		}
	}()
	return judge.Begin()
}

// judge asks a trial for its verdict. A trial that panics, or that answers with
// figures that are none, has not passed anything.
func judge(trial Trial, o Observation) (v Verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = Verdict{Outcome: Error, Reason: fmt.Sprintf("the judge panicked: %v", p)}
		}
	}()
	if trial == nil {
		return Verdict{Outcome: Error, Reason: "the judge could not begin"}
	}
	v = trial.Judge(o)
	for _, figure := range []*float64{
		&v.Canary.Rate, &v.Baseline.Rate, &v.Evidence.Harm, &v.Evidence.Safe, &v.Evidence.HarmNeeded, &v.Evidence.SafeNeeded,
		&v.Ratio.Value, &v.Ratio.Low, &v.Ratio.High, &v.Ratio.Confidence, &v.Visible,
	} {
		if math.IsNaN(*figure) || math.IsInf(*figure, 0) {
			return Verdict{Outcome: Error, Reason: "the judge's figures are not numbers: " + v.Reason}
		}
	}
	return v
}
