package analysis

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Evaluation folds the observations of all checks of a gate into one decision.
// It is pure: no clock, no I/O, no goroutine. It is not safe for concurrent
// use.
//
// The driver calls Enter when a wave begins, Deployed when its last step is
// done, Observe for every observation, and Decide whenever it wants to know.
type Evaluation struct {
	gate     Gate
	checks   []checkState
	wave     int
	entered  time.Time
	deployed time.Time // zero until the wave's last step is done
	failed   string    // the reason of a fail, latched
}

// staleAfter is how many intervals, beside its timeout, the last good observation
// of a check may be old when the gate passes. A source that has gone silent is
// not a good sign, whatever it said last.
const staleAfter = 3

type checkState struct {
	trial   Trial
	verdict Verdict
	good    time.Time // end of the last good observation in this wave
	bad     string    // why the last observation was none; empty if it was good
	counted bool      // the check counts, rather than measures
	samples uint64    // canary events seen in this wave
	looked  bool      // since the evidence of all checks was last taken together
}

// Decision is what a gate says of a wave. Only Pass lets the next wave start.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	// Reason is one plain sentence: the verdict's, or what is waited for.
	Reason string `json:"reason"`
}

// Begin starts an evaluation of the gate for one rollout. The error rates of
// the gate are shared equally among its acting checks that control theirs.
func (g Gate) Begin() *Evaluation {
	e := &Evaluation{gate: g, checks: make([]checkState, len(g.Checks))}
	sharers := 0
	for i := range g.Checks {
		if e.weighs(i) {
			sharers++
		}
	}
	for i, c := range g.Checks {
		// A harmful release that shows in one check must not be passed by that
		// check: all must pass, so beta needs no sharing.
		alpha := g.alpha()
		if !c.Shadow {
			alpha /= float64(sharers)
		}
		e.checks[i].trial = begin(c.Judge, alpha, g.beta())
	}
	return e
}

// begin begins a trial; nil when the judge is nil or panics, which passes
// nothing.
func begin(judge Judge, alpha, beta float64) (trial Trial) {
	defer func() {
		if recover() != nil {
			trial = nil
		}
	}()
	if s, ok := judge.(Sharer); ok {
		judge = s.Share(alpha, beta)
	}
	return judge.Begin()
}

// Enter begins a wave (counted from 1) at a time. Observations from before are
// stale. What was learnt in earlier waves is kept.
func (e *Evaluation) Enter(wave int, at time.Time) {
	e.wave, e.entered, e.deployed = wave, at, time.Time{}
	for i := range e.checks {
		c := &e.checks[i]
		c.good, c.bad, c.samples = time.Time{}, "", 0
	}
}

// Deployed says that all steps of the wave are done: the bake begins.
func (e *Evaluation) Deployed(at time.Time) { e.deployed = at }

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
	c := &e.checks[check]
	if o.At.Before(e.entered) {
		c.bad = fmt.Sprintf("stale data from %v, before the wave began", o.At.Format(time.TimeOnly))
		return Verdict{Reason: c.bad}
	}
	c.verdict = judge(c.trial, o)
	if _, ok := o.Canary.Figure(); ok && o.Err == "" {
		c.good, c.bad = o.At, ""
		c.samples += o.Canary.Total
		c.counted = c.counted || o.Canary.Kind == CountKind
	} else if c.bad = o.Err; c.bad == "" {
		c.bad = "no canary data"
	}
	if c.verdict.Outcome == Fail && !e.gate.Checks[check].Shadow && e.failed == "" {
		e.failed = e.gate.Checks[check].Name + ": " + c.verdict.Reason
	}
	return c.verdict
}

// Verdict returns the latest verdict of a check.
func (e *Evaluation) Verdict(check int) Verdict { return e.checks[check].verdict }

// Decide says where the gate stands at a time. Before the bake's deadline it is
// Undecided, Pass or Fail; from the deadline on it is Pass, Fail, Inconclusive,
// or Error when the reason is that a check could not look. It changes nothing.
//
// It passes on fresh data only: the last good observation of every acting check
// must be newer than the wave's last step, and not older than three of the gate's
// intervals and the check's timeout.
func (e *Evaluation) Decide(now time.Time) Decision {
	if e.failed != "" {
		return Decision{Fail, e.failed}
	}
	if e.deployed.IsZero() {
		return Decision{Undecided, "the wave is still being deployed"}
	}
	waiting, blind := e.waiting(now)
	if waiting == "" {
		return Decision{Pass, e.passReason()}
	}
	if now.Before(e.deployed.Add(e.gate.Deadline())) {
		return Decision{Undecided, waiting}
	}
	reason := fmt.Sprintf("no verdict within %v: %s", e.gate.Deadline(), waiting)
	if blind {
		return Decision{Error, reason}
	}
	return Decision{Inconclusive, reason}
}

// jointFail is the mean of the e-values over all checks that weigh evidence: an
// e-value itself under any dependence between the checks, so that it bounds
// the false fails of all of them together (Vovk & Wang 2021). A check that has
// seen nothing counts as 0. That a check fails alone, at its share of alpha, is
// implied: then the mean is large enough, too.
//
// It is only taken when every one of them has looked since the last time. Checks
// of the same requests depend on each other: what one has seen tells what the
// others are about to see, and the bound does not hold for a fail in between.
func (e *Evaluation) jointFail() string {
	sum, n, worst := 0.0, 0, -1
	for i := range e.checks {
		if !e.weighs(i) {
			continue
		}
		if !e.checks[i].looked {
			return ""
		}
		harm := e.checks[i].verdict.Evidence.Harm
		sum += min(harm, 1e300/float64(len(e.checks)))
		n++
		if worst < 0 || harm > e.checks[worst].verdict.Evidence.Harm {
			worst = i
		}
	}
	for i := range e.checks {
		e.checks[i].looked = false
	}
	if n < 2 || sum/float64(n) < 1/e.gate.alpha() {
		return ""
	}
	return fmt.Sprintf("the %d checks together show harm (mean evidence %.3g, needed %.3g), most of all %s: %s",
		n, sum/float64(n), 1/e.gate.alpha(), e.gate.Checks[worst].Name, e.checks[worst].verdict.Reason)
}

// weighs tells whether a check weighs evidence and acts on it.
func (e *Evaluation) weighs(check int) bool {
	_, ok := e.gate.Checks[check].Judge.(Sharer)
	return ok && !e.gate.Checks[check].Shadow
}

// waiting says what a pass still waits for, empty for nothing, and whether it
// is because a check cannot see.
func (e *Evaluation) waiting(now time.Time) (reason string, blind bool) {
	var waits []string
	if rest := e.deployed.Add(e.gate.Bake.AtLeast).Sub(now); rest > 0 {
		waits = append(waits, fmt.Sprintf("bake, %v to go", rest.Round(100*time.Millisecond)))
	}
	acting := false
	for i, check := range e.gate.Checks {
		if check.Shadow {
			continue
		}
		acting = true
		c := &e.checks[i]
		switch {
		case c.bad != "":
			blind = true
			waits = append(waits, check.Name+": "+c.bad)
		case !c.good.After(e.deployed):
			waits = append(waits, check.Name+": no data yet from after the last step")
		case c.verdict.Outcome == Error:
			blind = true
			waits = append(waits, check.Name+": "+c.verdict.Reason)
		case e.age(i, now) != "":
			blind = true
			waits = append(waits, check.Name+": "+e.age(i, now))
		case c.verdict.Outcome != Pass:
			waits = append(waits, check.Name+": "+c.verdict.Reason)
		case c.counted && c.samples < e.gate.Bake.Samples:
			waits = append(waits, fmt.Sprintf("%s: %d of %d samples in this wave", check.Name, c.samples, e.gate.Bake.Samples))
		}
	}
	if !acting {
		return "no check that could pass the gate", true
	}
	return strings.Join(waits, "; "), blind
}

// age says what is wrong with the age of a check's last good observation, empty
// for nothing.
func (e *Evaluation) age(check int, now time.Time) string {
	limit := e.freshFor(check)
	switch age := now.Sub(e.checks[check].good); {
	case age > limit:
		return fmt.Sprintf("the last data is %v old, more than %v", age.Round(100*time.Millisecond), limit)
	case -age > limit:
		return fmt.Sprintf("the last data is from %v in the future: the clocks differ", -age.Round(100*time.Millisecond))
	}
	return ""
}

// freshFor is how old the last good observation of a check may be.
func (e *Evaluation) freshFor(check int) time.Duration {
	timeout := e.gate.Checks[check].Timeout
	if timeout <= 0 {
		timeout = e.gate.Every()
	}
	return staleAfter*e.gate.Every() + timeout
}

func (e *Evaluation) passReason() string {
	var reasons []string
	for i, check := range e.gate.Checks {
		if !check.Shadow {
			reasons = append(reasons, check.Name+": "+e.checks[i].verdict.Reason)
		}
	}
	return strings.Join(reasons, "; ")
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
	} {
		if math.IsNaN(*figure) || math.IsInf(*figure, 0) {
			return Verdict{Outcome: Error, Reason: "the judge's figures are not numbers: " + v.Reason}
		}
	}
	return v
}
