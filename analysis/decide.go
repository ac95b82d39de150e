package analysis

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Decision is what a gate says of a wave. Only Pass lets the next wave start.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	// Reason is one plain sentence: the verdict's, or what is waited for.
	Reason string `json:"reason"`
	// Blameless says that what is waited for is nothing that the release did, so that
	// there is no reason to take it back.
	Blameless bool `json:"blameless,omitempty"`
}

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
