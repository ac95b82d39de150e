package analysis

import (
	"fmt"
	"strings"
)

// AllOf joins judges that look at the same observations into one, where they come
// from a source that can serve one check only, or belong together: errors and the
// share of the traffic, say. All have to pass, and the worst verdict is that of all,
// in the order Fail, Error, Inconclusive, Degraded, Undecided. The figures are those
// of that verdict, but the evidence of harm is that of all judges together.
//
// The judges that control their error rates share those that AllOf is given.
type AllOf []Judge

// Share returns the judges for these error rates.
func (j AllOf) Share(alpha, beta float64) Judge {
	sharers := 0
	for _, one := range j {
		if weighsEvidence(one) {
			sharers++
		}
	}
	shared := make(AllOf, len(j))
	for i, one := range j {
		shared[i] = one
		if s, ok := one.(Sharer); ok && weighsEvidence(one) {
			shared[i] = s.Share(alpha/float64(sharers), beta)
		}
	}
	return shared
}

// Calibrate returns the judges for arms that differ by as much.
func (j AllOf) Calibrate(arms Calibration) Judge {
	all := make(AllOf, len(j))
	for i, one := range j {
		all[i] = one
		if c, ok := one.(Calibrator); ok {
			all[i] = c.Calibrate(arms)
		}
	}
	return all
}

// Problems reports what is wrong with the judges.
func (j AllOf) Problems(report func(path, msg string)) {
	if len(j) == 0 {
		report("AllOf", "has no judges, and nothing passes on that")
	}
	for i, one := range j {
		path := fmt.Sprintf("[%d]", i)
		if one == nil {
			report(path, "is nil: there is nothing to decide with")
		} else if p, ok := one.(Problemer); ok {
			p.Problems(func(sub, msg string) { report(path+"."+sub, msg) })
		}
	}
}

// Begin starts a trial. With judges that have Problems, all its verdicts are Error.
func (j AllOf) Begin() Trial {
	if problem := firstProblem("AllOf", j); problem != "" {
		return unusable(problem)
	}
	t := &allOfTrial{}
	for _, one := range j {
		t.trials = append(t.trials, beginUnshared(one))
		t.weighs = append(t.weighs, weighsEvidence(one))
	}
	return t
}

type allOfTrial struct {
	trials []Trial
	weighs []bool // the evidence of which of them bounds their errors
	failed Verdict
}

// severity orders outcomes by how much they stand in the way.
var severity = [...]int{Pass: 0, Undecided: 1, Degraded: 2, Inconclusive: 3, Error: 4, Fail: 5}

// Judge takes the next observation.
func (t *allOfTrial) Judge(o Observation) Verdict {
	if t.failed.Outcome == Fail {
		return t.failed
	}
	var all Verdict
	var passes []string
	harm := 0.0 // as a part of what fails
	needed := 0.0
	for i, trial := range t.trials {
		v := judge(trial, o)
		if t.weighs[i] && v.Evidence.HarmNeeded > 0 {
			harm += v.Evidence.Harm / v.Evidence.HarmNeeded
			needed += 1 / v.Evidence.HarmNeeded
		}
		if v.Outcome == Pass {
			passes = append(passes, v.Reason)
		}
		if i == 0 || severity[v.Outcome] > severity[all.Outcome] {
			all = v
		}
	}
	if all.Outcome == Pass {
		all.Reason = strings.Join(passes, "; ")
	}
	all.Evidence.Harm, all.Evidence.HarmNeeded = 0, 0
	if needed > 0 {
		all.Evidence.HarmNeeded = 1 / needed
		all.Evidence.Harm = min(1e300, harm/needed)
	}
	if all.Outcome == Fail {
		t.failed = all
	}
	return all
}
