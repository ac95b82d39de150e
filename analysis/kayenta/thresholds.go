package kayenta

import "math"

// Thresholds are the scores that a canary needs.
type Thresholds struct {
	// Pass is the score to pass with, Marginal the one above which it is worth going
	// on. Nil for none.
	Pass, Marginal *float64
}

// Grade is what a single score amounts to.
type Grade uint8

const (
	// GradeFail is the zero value.
	GradeFail Grade = iota
	// GradeMarginal is between the thresholds.
	GradeMarginal
	// GradePass is at or above the threshold to pass.
	GradePass
)

// String returns Kayenta's word for the grade, such as "Marginal".
func (g Grade) String() string {
	switch g {
	case GradePass:
		return "Pass"
	case GradeMarginal:
		return "Marginal"
	default:
		return "Fail"
	}
}

// Grade grades one score. Without a threshold nothing reaches it.
func (t Thresholds) Grade(score float64) Grade {
	switch {
	case t.Pass != nil && score >= *t.Pass:
		return GradePass
	case t.Marginal != nil && score >= *t.Marginal:
		return GradeMarginal
	}
	return GradeFail
}

// GoOn tells whether a canary that is judged several times goes on after a score.
// It ends, and has failed, at Marginal or below: a score of exactly Marginal ends
// it, although its Grade is not Fail.
func (t Thresholds) GoOn(score float64) bool {
	return !math.IsNaN(score) && (t.Marginal == nil || score > *t.Marginal)
}

// Final tells whether a canary has passed with the scores of all its judgements,
// in their order. Only the last one counts. Without any it has not, and as in
// Kayenta any score will do where there are no thresholds.
func (t Thresholds) Final(scores ...float64) bool {
	if len(scores) == 0 {
		return false
	}
	last := scores[len(scores)-1]
	return t.GoOn(last) && (t.Pass == nil || last >= *t.Pass)
}
