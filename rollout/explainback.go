package rollout

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
)

// failing says in a few words what a failure leads to.
func (x *explainer) failing() string {
	switch {
	case x.p.OnFailure == Freeze:
		return "it freezes, as the plan says: nothing is taken back until a human says so"
	case len(x.bounds.Irreversible) > 0:
		return fmt.Sprintf("the change is taken back, but once step %s was started it freezes", x.bounds.Irreversible[0])
	case x.policy.Domain != "":
		return fmt.Sprintf("the %s of that wave is taken back, the others keep %s", x.policy.Domain, x.p.Release.To)
	default:
		return "the change is taken back"
	}
}

// failingWhole is failing for what is no single domain's fault.
func (x *explainer) failingWhole() string {
	if x.p.OnFailure != Freeze && len(x.bounds.Irreversible) == 0 && x.policy.Domain != "" {
		return "the change is taken back, in every " + x.policy.Domain
	}
	return x.failing()
}

// failures says what happens on each kind of failure.
func (x *explainer) failures() {
	x.title("When something fails")
	held := "without a limit in time"
	if d := x.p.HoldAtMost; d > 0 {
		held = fmt.Sprintf("for %s at most, then %s", span(d), x.failingWhole())
	}
	x.item("A gate fails: %s.", x.failing())
	x.item("A gate has no data: it does not pass. It waits, up to its deadline; a check may say otherwise, see above.")
	x.item("%s: %s.", x.tooMany(), x.failing())
	if len(x.p.Guards) > 0 {
		x.item("A guard says hold, or hangs, or is broken: nothing more is started until it is content, %s.", held)
		x.item("A guard says roll back: %s.", x.failingWhole())
		x.item("A guard says halt: it freezes. Nothing is started, not even an undo, until a human says reset.")
	}
	x.item("A pause, or an approval that is missing: nothing more is started, %s.", held)
	x.item("The runner is interrupted (ctrl-C, SIGTERM): it starts nothing more and leaves everything as it is, unless it was told to take the change back (OnInterrupt). A rollback goes on to its end. Run it again to go on.")
	x.item("The runner dies, or its journal cannot be written: everything stays as it is. Run it again with the same journal: it goes on where it was, and what was in flight is carried out again.")
	x.item("A kill: everything in flight is cancelled, and nothing is started, not even an undo.")
}

// tooMany says from how many on failed steps are a failure.
func (x *explainer) tooMany() string {
	f := x.p.Failures
	if f.Total == 0 {
		return "A step fails"
	}
	return fmt.Sprintf("More than %d of a wave's steps fail, or more than %d in all, or all of a wave", f.PerWave, f.Total)
}

// wayBack says how the change is taken back, in order.
func (x *explainer) wayBack() {
	x.title("The way back")
	if s := x.bounds.Irreversible; len(s) > 0 {
		x.say("It is there until step %s is started. After that nothing is taken back: a failure freezes, and it has to be mended forward.", s[0])
	}
	if x.p.OnFailure == Freeze {
		x.say("Nothing is taken back by itself, as the plan says: this is what the rollback verb does.")
	}
	p, n := &x.policy, 0
	step := func(format string, args ...any) {
		n++
		x.entry(strconv.Itoa(n)+".", 6, fmt.Sprintf(format, args...))
	}
	for _, m := range p.Fast {
		step("%s, for fast relief, within %s. If it fails, the rollback goes on.", m.Name, span(m.Limit()))
	}
	verified := ""
	if len(x.p.Targets) > 0 {
		verified = ", and is verified as far as the Deployer can ask"
	}
	step("Everything that was started, finished or in doubt, goes back to %s, newest wave first, %s. Each has %s of %s%s.",
		x.p.Release.From, x.batches(), amount2(p.Attempts, "try", "tries"), span(p.Timeout), verified)
	if len(p.Canary.Checks) > 0 {
		step("After the first batch a gate looks whether that made things worse, within %s: %s. Where it fails, the undoing stops, and the next version is tried. Where it sees nothing, the rollback goes on.",
			span(p.Canary.Deadline()), checkNames(&p.Canary))
	}
	if len(x.p.Targets) > 0 {
		step("Every target is asked what it runs, if the Deployer can. What runs something else is undone once more.")
	}
	if len(p.Verify.Checks) > 0 {
		step("A gate looks whether the metrics have recovered, within %s: %s. Where it does not pass, the rollback is incomplete; where it fails, the next version is tried.", span(p.Verify.Deadline()), checkNames(&p.Verify))
	}
	x.chain(step)
	x.backTime()
	if p.Domain != "" {
		x.say("A failed gate or step takes back only the %s of its wave, and what is in doubt. A guard and a human take back everything.", p.Domain)
	}
	if len(x.p.Guards) > 0 {
		x.say("The guards are asked about every undo, too: one that minds it holds it. A freeze window does not mind.")
	}
	x.say("Nothing of this waits for an approval, a pause, or the gates of the way forward, and it goes on when the runner is interrupted. It is never tried twice without a human.")
}

// batches says how many are undone at a time.
func (x *explainer) batches() string {
	size, parallel := x.c.spec.Undo.Batch, x.c.spec.undosAtOnce()
	if size == 1 {
		return "one at a time"
	}
	return fmt.Sprintf("in batches: one, then %d times as many each time, up to %d, with %d at once", rollback.Growth, size, min(size, parallel))
}

// chain says what comes when the previous version does not help.
func (x *explainer) chain(step func(format string, args ...any)) {
	p := &x.policy
	if len(p.Older) > 0 {
		step("If that does not help, or takes longer than %s: the older versions, in this order: %s. Each has %s.", span(p.Deadline), strings.Join(p.Older, ", "), span(p.Deadline))
	}
	if p.Registry != nil {
		step("Then the versions that the registry knows to be good, the newest first, %d at the most.", orDefault(p.Registry.Depth, rollback.DefaultDepth))
	}
	if len(p.Fallback) > 0 {
		names := make([]string, len(p.Fallback))
		for i, m := range p.Fallback {
			names[i] = fmt.Sprintf("%s (within %s)", m.Name, span(m.Limit()))
		}
		step("If no version helps: %s, up to the first that succeeds.", strings.Join(names, ", "))
	}
	if p.Page != nil {
		late := ""
		if p.RTO > 0 {
			late = fmt.Sprintf(" So is one when the rollback takes longer than %s.", span(p.RTO))
		}
		step("A human is called, and the rollback is incomplete: mend it by hand, or say rollback to try again.%s", late)
	} else {
		step("The rollback is incomplete, and waits: mend it by hand, or say rollback to try again. NOBODY IS CALLED, since Rollback.Page is not set.")
	}
}

// backTime says how long a rollback of everything takes, with the arithmetic.
func (x *explainer) backTime() {
	p, spec := &x.policy, x.c.spec
	n, rounds, batches, expected := 0, 0, 0, time.Duration(0)
	for _, w := range x.bounds.Waves { // those from an irreversible step on are never taken back
		if w.RollBack > 0 {
			n, rounds, batches, expected = w.Exposed, w.Rounds, w.Batches, w.Expected
		}
	}
	text := fmt.Sprintf("%s are %s, of one wave each and at most %d, %d at once, which makes %d undos after one another.",
		amount(n, x.noun()), amount2(batches, "batch", "batches"), spec.Undo.Batch, min(spec.Undo.Batch, spec.undosAtOnce()), rounds)
	if p.Takes > 0 {
		text += fmt.Sprintf(" With %s each, and batches up to %s apart: %d · %s + %d · %s = %s.",
			span(p.Takes), span(spec.Undo.Jitter), rounds, span(p.Takes), max(batches-1, 0), span(spec.Undo.Jitter), span(expected))
	} else {
		text += " Nobody has said how long one takes (Rollback.Takes)."
	}
	text += fmt.Sprintf(" The limit for one version is %s.", span(p.Deadline))
	if p.RTO > 0 {
		text += fmt.Sprintf(" The plan allows %s (RTO).", span(p.RTO))
	}
	x.say("%s", text)
}

func checkNames(g *analysis.Gate) string {
	names := make([]string, len(g.Checks))
	for i := range g.Checks {
		names[i] = g.Checks[i].Name
	}
	return list(names)
}

// amount2 is amount for a noun whose plural is not made with an s.
func amount2(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
