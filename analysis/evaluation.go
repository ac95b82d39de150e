package analysis

import (
	"fmt"
	"time"
)

// Evaluation folds the observations of all checks of a gate into one decision.
// It is pure: no clock, no I/O, no goroutine. It is not safe for concurrent
// use.
//
// The driver calls Start for what Preflight has learnt before the rollout. Then
// it calls Enter when a wave begins, LastWave if there is none after it, Deployed when
// its last step is done, Observe for every observation, and Decide whenever it wants
// to know.
type Evaluation struct {
	gate     Gate
	checks   []checkState
	wave     int
	last     bool
	entered  time.Time
	deployed time.Time // zero until the wave's last step is done
	begun    time.Time // when the first wave was deployed
	failed   string    // the reason of a fail, latched
}

// staleAfter is how many intervals, beside its timeout, the last good observation
// of a check may be old when the gate passes. A source that has gone silent is
// not a good sign, whatever it said last.
const staleAfter = 3

type checkState struct {
	judge   Judge // with its share of the error rates
	trial   Trial
	verdict Verdict
	good    time.Time // end of the last good observation in this wave
	bad     string    // why the last observation was none; empty if it was good
	badRow  int       // observations in a row that were none
	counted bool      // the check counts, rather than measures
	samples uint64    // canary events seen in this wave
	looked  bool      // since the evidence of all checks was last taken together
	burns   bool      // since before the rollout
}

// Begin starts an evaluation of the gate for one rollout. The error rates of
// the gate are shared among its acting checks that control theirs, by their weights.
func (g Gate) Begin() *Evaluation {
	e := &Evaluation{gate: g, checks: make([]checkState, len(g.Checks))}
	whole := 0.0
	for i, c := range g.Checks {
		if e.weighs(i) {
			whole += c.weight()
		}
	}
	for i, c := range g.Checks {
		// A harmful release that shows in one check must not be passed by that
		// check: all must pass, so beta needs no sharing.
		alpha := g.alpha()
		if e.weighs(i) {
			alpha *= c.weight() / whole
		}
		e.checks[i].judge = share(c.Judge, alpha, g.beta())
		e.checks[i].trial = beginUnshared(e.checks[i].judge)
	}
	return e
}

func (c *Check) weight() float64 { return orDefault(c.Weight, 1) }

// Calibrate tells a check how much its arms differ while both run the old version. It
// comes before the check's first observation, and what it changes nothing for is not
// a Calibrator.
func (e *Evaluation) Calibrate(check int, arms Calibration) {
	c := &e.checks[check]
	if calibrator, ok := c.judge.(Calibrator); ok {
		c.judge = calibrator.Calibrate(arms)
		c.trial = beginUnshared(c.judge)
	}
}

// Burns says that a check failed before anything was deployed, so that the gate's
// IfBurning applies to it.
func (e *Evaluation) Burns(check int) { e.checks[check].burns = true }

// Enter begins a wave (counted from 1) at a time. Observations from before are
// stale. What was learnt in earlier waves is kept.
func (e *Evaluation) Enter(wave int, at time.Time) {
	e.wave, e.entered, e.deployed, e.last = wave, at, time.Time{}, false
	for i := range e.checks {
		c := &e.checks[i]
		c.good, c.bad, c.badRow, c.samples = time.Time{}, "", 0, 0
	}
}

// LastWave says that the wave that was entered is the last one with this gate: what
// is Slow holds it up.
func (e *Evaluation) LastWave() { e.last = true }

// Deployed says that all steps of the wave are done: the bake begins. A zero time
// takes that back.
func (e *Evaluation) Deployed(at time.Time) {
	if e.deployed = at; e.begun.IsZero() {
		e.begun = at
	}
}

// Observe gives the next observation to a check and returns the verdict that
// follows. An observation with an error, without canary data, or from before
// the wave never moves a check towards Pass.
func (e *Evaluation) Observe(check int, o Observation) Verdict {
	v := e.observe(check, o)
	e.checks[check].looked = true
	if e.failed == "" {
		e.failed = e.jointFail()
	}
	return v
}

func (e *Evaluation) observe(check int, o Observation) Verdict {
	c, set := &e.checks[check], &e.gate.Checks[check]
	o = o.sound()
	if o.At.Before(e.entered) {
		c.bad = fmt.Sprintf("stale data from %v, before the wave began", o.At.Format(time.TimeOnly))
		return Verdict{Reason: c.bad}
	}
	c.verdict = judge(c.trial, o)
	if o.Canary.Has() && o.Err == "" {
		c.good, c.bad, c.badRow = o.At, "", 0
		c.samples += o.Canary.Total
		c.counted = c.counted || o.Canary.Kind != ValueKind
	} else if c.badRow++; o.Err != "" {
		c.bad = o.Err
	} else {
		c.bad = "no canary data"
	}
	if set.Shadow {
		return c.verdict
	}
	if c.burns && c.verdict.Outcome == Fail && e.excused(o.At) {
		// It may be judged anew, and pass, once the fix shows.
		c.trial = beginUnshared(c.judge)
		c.verdict.Outcome, c.verdict.Final, c.verdict.Blameless = Undecided, false, true
		c.verdict.Reason = "burned before the rollout already (" + e.gate.IfBurning.String() + "): " + c.verdict.Reason
	}
	switch {
	case e.failed != "" || c.burns && e.disarmed(o.At):
	case c.verdict.Outcome == Fail && e.fails(check):
		e.failed = set.Name + ": " + c.verdict.Reason
	case set.NoData == FailOnNoData && e.silent(check):
		e.failed = fmt.Sprintf("%s: nothing to look at in %d observations in a row, which the check takes for a fail: %s", set.Name, c.badRow, c.bad)
	}
	return c.verdict
}

// Verdict returns the latest verdict of a check.
func (e *Evaluation) Verdict(check int) Verdict { return e.checks[check].verdict }
