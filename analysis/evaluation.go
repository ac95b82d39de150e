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
// The driver calls Calibrate and Burns for what was learnt before the rollout. Then
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

// Decision is what a gate says of a wave. Only Pass lets the next wave start.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	// Reason is one plain sentence: the verdict's, or what is waited for.
	Reason string `json:"reason"`
	// Blameless says that what is waited for is nothing that the release did, so that
	// there is no reason to take it back.
	Blameless bool `json:"blameless,omitempty"`
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
		return Decision{Outcome: Fail, Reason: e.failed}
	}
	if e.deployed.IsZero() {
		return Decision{Outcome: Undecided, Reason: "the wave is still being deployed"}
	}
	w := e.waiting(now)
	if w.reason() == "" {
		return Decision{Outcome: Pass, Reason: e.passReason(now)}
	}
	reason := fmt.Sprintf("no verdict within %v: %s", e.gate.Deadline(), w.reason())
	if now.Before(e.deployed.Add(e.gate.Deadline())) {
		if w.final == "" {
			return Decision{Outcome: Undecided, Reason: w.reason(), Blameless: w.blameless}
		}
		reason = w.final
	}
	d := Decision{Outcome: Inconclusive, Reason: reason, Blameless: w.blameless}
	if w.blind {
		d.Outcome = Error
	}
	return d
}

// jointFail is the weighted mean of the e-values of all checks that weigh evidence:
// an e-value itself under any dependence between the checks, so that it bounds the
// false fails of all of them together (Vovk & Wang 2021). The weight of a check is
// the part of alpha that its e-value stands for, 1/HarmNeeded; what it spends
// otherwise (an exact lane) is not in there. So the mean is large enough when the
// parts of what is needed, that each check has, add up to one. A check that has seen
// nothing counts as 0. That a check fails alone, at its share of alpha, is implied.
//
// It is only taken when every one of them has looked since the last time. Checks
// of the same requests depend on each other: what one has seen tells what the
// others are about to see, and the bound does not hold for a fail in between.
func (e *Evaluation) jointFail() string {
	if e.gate.PassScore > 0 {
		return ""
	}
	sum, n, worst, most := 0.0, 0, -1, 0.0
	for i := range e.checks {
		c := &e.checks[i]
		if !e.weighs(i) || c.burns {
			continue
		}
		if !c.looked {
			return ""
		}
		n++
		if need := c.verdict.Evidence.HarmNeeded; need > 0 {
			part := c.verdict.Evidence.Harm / need
			if sum += part; worst < 0 || part > most {
				worst, most = i, part
			}
		}
	}
	for i := range e.checks {
		e.checks[i].looked = false
	}
	if n < 2 || sum < 1 {
		return ""
	}
	return fmt.Sprintf("the %d checks together show harm (%s times what is needed), most of all %s: %s",
		n, times(sum), e.gate.Checks[worst].Name, e.checks[worst].verdict.Reason)
}

// weighs tells whether a check weighs evidence and acts on it.
func (e *Evaluation) weighs(check int) bool {
	c := &e.gate.Checks[check]
	return c.Judge != nil && weighsEvidence(c.Judge) && !c.Shadow
}

// waits are what a pass still waits for.
type waits struct {
	reasons   []string
	blind     bool   // a check cannot see
	blameless bool   // all of it is nothing that the release did
	final     string // what there is no use in waiting for
}

func (w *waits) reason() string { return strings.Join(w.reasons, "; ") }

func (w *waits) add(format string, args ...any) {
	w.reasons = append(w.reasons, fmt.Sprintf(format, args...))
	w.blameless = false
}

// waiting says what a pass still waits for.
func (e *Evaluation) waiting(now time.Time) *waits {
	w := &waits{blameless: true}
	if rest := e.deployed.Add(e.gate.Bake.AtLeast).Sub(now); rest > 0 {
		w.add("bake, %v to go", rest.Round(100*time.Millisecond))
	}
	acting, held := 0, 0 // checks that act, and those among them that are not Slow
	passed, whole := 0.0, 0.0
	var missing waits // for the checks that do not pass
	missing.blameless = true
	for i := range e.gate.Checks {
		check := &e.gate.Checks[i]
		if !e.acts(i, now) || e.abstains(i) {
			continue
		}
		acting++
		if check.Slow > 0 && !e.last {
			continue
		}
		held++
		whole += check.weight()
		if reason, blind, blameless := e.missing(i, now); reason == "" {
			passed += check.weight()
		} else {
			missing.reasons = append(missing.reasons, check.Name+": "+reason)
			missing.blind = missing.blind || blind
			missing.blameless = missing.blameless && blameless
			if c := &e.checks[i]; c.verdict.Final && c.verdict.Outcome != Pass && missing.final == "" {
				missing.final = check.Name + ": " + c.verdict.Reason
			}
			if check.Critical {
				passed = math.Inf(-1)
			}
		}
	}
	switch {
	case acting == 0 || held == 0:
		w.add("no check that could pass the gate")
		w.blind = true
	case len(missing.reasons) == 0:
	case e.gate.PassScore > 0 && 100*passed >= e.gate.PassScore*whole:
	default:
		w.blameless = w.blameless && missing.blameless
		w.reasons = append(w.reasons, missing.reasons...)
		w.blind, w.final = missing.blind, missing.final
		if e.gate.PassScore > 0 {
			w.reasons = append([]string{fmt.Sprintf("a score of %s, and %s needed", short(max(0, 100*passed/whole)), plain(e.gate.PassScore))}, w.reasons...)
			w.final = "" // by the others, it can still pass
		}
	}
	return w
}

// missing says why a check does not pass, empty if it does; whether because it
// cannot see, and whether it is nothing that the release did.
func (e *Evaluation) missing(i int, now time.Time) (reason string, blind, blameless bool) {
	check, c := &e.gate.Checks[i], &e.checks[i]
	switch {
	case c.bad != "":
		return c.bad, true, false
	case !c.good.After(e.deployed):
		return "no data yet from after the last step", false, false
	case c.verdict.Outcome == Error:
		return c.verdict.Reason, true, false
	case e.age(i, now) != "":
		return e.age(i, now), true, false
	case c.verdict.Outcome != Pass:
		return c.verdict.Reason, false, c.verdict.Blameless
	case c.counted && c.samples < e.gate.Bake.Samples:
		return fmt.Sprintf("%d of %d samples in this wave", c.samples, e.gate.Bake.Samples), false, false
	case check.Slow > 0 && now.Sub(e.begun) < check.Slow:
		return fmt.Sprintf("has to watch for %v, %v to go: %s", check.Slow, (check.Slow - now.Sub(e.begun)).Round(100*time.Millisecond), c.verdict.Reason), false, false
	}
	return "", false, false
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

func (e *Evaluation) passReason(now time.Time) string {
	var reasons []string
	for i, check := range e.gate.Checks {
		switch {
		case check.Shadow:
		case !e.acts(i, now):
			reasons = append(reasons, check.Name+": disarmed, as it burned before the rollout")
		case e.abstains(i):
			reasons = append(reasons, check.Name+": abstains, "+e.checks[i].bad)
		case check.Slow > 0 && !e.last:
		default:
			if reason, _, _ := e.missing(i, now); reason != "" {
				reasons = append(reasons, check.Name+" does not pass, and the score allows it: "+reason)
			} else {
				reasons = append(reasons, check.Name+": "+e.checks[i].verdict.Reason)
			}
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
		&v.Ratio.Value, &v.Ratio.Low, &v.Ratio.High, &v.Ratio.Confidence, &v.Visible,
	} {
		if math.IsNaN(*figure) || math.IsInf(*figure, 0) {
			return Verdict{Outcome: Error, Reason: "the judge's figures are not numbers: " + v.Reason}
		}
	}
	return v
}
