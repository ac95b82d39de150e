package analysis

import "time"

// Whether what a check says has an effect on the gate.

// silent tells whether a check has had nothing to look at for long enough for its
// policy to apply.
func (e *Evaluation) silent(check int) bool {
	set := &e.gate.Checks[check]
	return e.checks[check].badRow >= orDefault(set.NoDataAfter, DefaultNoDataAfter)
}

// abstains tells whether a check is left out for now.
func (e *Evaluation) abstains(check int) bool {
	return e.gate.Checks[check].NoData == AbstainOnNoData && e.silent(check)
}

// excused tells whether a fail of a check that burned before is not held against the
// release.
func (e *Evaluation) excused(at time.Time) bool {
	return e.gate.IfBurning.policy == fixForward || e.disarmed(at)
}

// disarmed tells whether the checks that burned before have no effect.
func (e *Evaluation) disarmed(at time.Time) bool {
	return e.gate.IfBurning.policy == disarm && at.Before(e.gate.IfBurning.until)
}

// acts tells whether a check has an effect on the gate now.
func (e *Evaluation) acts(check int, now time.Time) bool {
	return !e.gate.Checks[check].Shadow && !(e.checks[check].burns && e.disarmed(now))
}

// fails tells whether a check that fails is enough to fail the gate.
func (e *Evaluation) fails(check int) bool {
	if e.gate.PassScore == 0 || e.gate.Checks[check].Critical {
		return true
	}
	lost, whole := 0.0, 0.0
	for i := range e.checks {
		c := &e.gate.Checks[i]
		if c.Shadow {
			continue
		}
		whole += c.weight()
		if e.checks[i].verdict.Outcome == Fail {
			lost += c.weight()
		}
	}
	return 100*(whole-lost) < e.gate.PassScore*whole
}
