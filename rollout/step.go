package rollout

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// Step takes one fact into the state. It is the only way in, and costs the same
// whatever the size of the fleet. An event that no longer matters is ErrStale,
// one that can never be right here is ErrBadEvent; neither changes anything.
func (s *State) Step(ev Event) error {
	if s.spec == nil {
		return s.start(&ev)
	}
	if ev.Epoch != 0 && ev.Epoch < s.epoch {
		return fmt.Errorf("%w: %v of epoch %d, but epoch %d acts by now", ErrStale, ev.Kind, ev.Epoch, s.epoch)
	}
	if ev.At.Before(s.at) {
		ev.At = s.at // a clock that was set back does not turn time back
	}
	before := s.at
	s.at = ev.At
	if err := s.step(&ev); err != nil {
		s.at = before
		return err
	}
	s.epoch = max(s.epoch, ev.Epoch)
	return nil
}

func (s *State) start(ev *Event) error {
	if ev.Kind != Started {
		return fmt.Errorf("%w: the first event is %v, not %v", ErrBadEvent, ev.Kind, Started)
	}
	var loaded State
	if err := loaded.load(ev.Spec); err != nil {
		return err
	}
	*s = loaded
	s.at, s.startedAt, s.epoch = ev.At, ev.At, ev.Epoch
	s.phase = Deploying
	if s.spec.Undo.Rehearse {
		s.rehearsal = rehearseDo
	}
	s.enter(0)
	return nil
}

func (s *State) step(ev *Event) error {
	switch ev.Kind {
	case Resumed:
		return s.resumed(ev)
	case Interrupted, Observed:
		return s.note(ev)
	case Ended:
		if !s.phase.Final() {
			return s.bad(ev, "the rollout has not ended")
		}
		return nil
	case Doing, Done, DoFailed, Undoing, Undone, UndoFailed:
		i, ok := s.find(ev.Step)
		if !ok {
			return s.bad(ev, "there is no such step")
		}
		return s.stepped(ev, i)
	case Mitigating, Mitigated, MitigateFailed:
		return s.mitigated(ev)
	case Surveyed:
		return s.surveyed(ev)
	case UndoJudged:
		return s.undoJudged(ev)
	case Judged:
		return s.judged(ev)
	case Breached:
		return s.breached(ev)
	case Cleared:
		if !s.release("guard:" + ev.Step) {
			return s.stale(ev)
		}
		s.advance()
		return nil
	case Elapsed:
		return s.elapsed(ev)
	default:
		if ev.Kind.IsVerb() {
			return s.verb(ev)
		}
		return s.bad(ev, "it cannot follow "+Started.String())
	}
}

func (s *State) stale(ev *Event) error {
	return fmt.Errorf("%w: %s in phase %v", ErrStale, ev.what(), s.phase)
}

func (s *State) bad(ev *Event, why string) error {
	return fmt.Errorf("%w: %s in phase %v: %s", ErrBadEvent, ev.what(), s.phase, why)
}

// note accepts an event that is kept for its readers.
func (s *State) note(ev *Event) error {
	if s.phase.Final() {
		return s.stale(ev)
	}
	return nil
}

// resumed settles what ran in a runner that is gone. A step that is still
// wanted is carried out again; one that is not is in doubt. Time that nobody
// watched counts neither for a bake, nor against a rollback's deadline, nor as
// time held.
func (s *State) resumed(ev *Event) error {
	switch s.phase {
	case Gating:
		s.deployedAt = s.at
	case RollingBack:
		s.undoAt, s.back.measuring = s.at, s.at
		s.settle()
	case Aborting:
		s.settle()
		s.abortWhenIdle()
	case Deploying:
		s.unmeasured()
	default:
		return s.stale(ev)
	}
	for i := range s.holds {
		s.holds[i].Since = s.at
	}
	s.advance()
	return nil
}

// unmeasured notes that nobody was there while what is in flight took its time.
func (s *State) unmeasured() {
	for _, i := range s.running {
		s.steps[i].since = time.Time{}
	}
}

// settle marks what nobody carries out any more as in doubt, unless it is still
// wanted.
func (s *State) settle() {
	for k := len(s.running) - 1; k >= 0; k-- {
		i := s.running[k]
		switch {
		case s.steps[i].status == StepDoing:
			s.set(i, StepFailed)
		case s.phase == Aborting || !s.mayUndo():
			s.set(i, StepStuck)
		}
	}
}

func (s *State) stepped(ev *Event, i int32) error {
	status := s.steps[i].status
	switch ev.Kind {
	case Doing:
		return s.doing(ev, i)
	case Undoing:
		return s.undoingStep(ev, i)
	case Done, DoFailed:
		// A step that a halt cut short stays as it is: begun, outcome unknown.
		if status != StepDoing || (s.phase == Halted && ev.Kind == DoFailed) {
			return s.stale(ev)
		}
		s.outcome(ev, i)
	case Undone, UndoFailed:
		if status != StepUndoing || (s.phase == Halted && ev.Kind == UndoFailed) {
			return s.stale(ev)
		}
		since := s.steps[i].since
		if ev.Kind == Undone {
			s.set(i, StepUndone)
		} else {
			s.set(i, StepStuck)
		}
		if s.phase == RollingBack {
			s.undoEnded(ev.Kind == Undone)
		}
		s.rehearsed(ev, i, since)
	}
	s.abortWhenIdle()
	s.advance()
	return nil
}

func (s *State) doing(ev *Event, i int32) error {
	again := (s.rehearsal == rehearseAgain || s.rehearsal == rehearseDo) && i == 0
	switch {
	case (s.steps[i].status != StepPending && !(again && s.steps[i].status == StepUndone)) || int(s.steps[i].wave) != s.wave:
		return s.stale(ev)
	case s.room() <= 0 || (s.rehearsal != noRehearsal && i != 0):
		return s.bad(ev, "no forward step may start now")
	}
	if s.irreversible == "" && s.spec.Waves[s.wave].Steps[int(i)-s.bounds[s.wave]].Irreversible {
		s.irreversible = ev.Step
	}
	if s.last < 0 {
		s.exposedAt = s.at
	}
	s.last = max(s.last, int(i))
	s.steps[i].dos++
	s.set(i, StepDoing)
	for s.next < s.bounds[s.wave+1] && s.steps[s.next].status != StepPending {
		s.next++
	}
	return nil
}

func (s *State) undoingStep(ev *Event, i int32) error {
	st := s.steps[i].status
	if s.rehearsal == rehearseUndo && s.phase == Deploying && i == 0 && st == StepDone {
		if s.room() <= 0 {
			return s.bad(ev, "no undo may be rehearsed now")
		}
		s.steps[i].undos++
		s.set(i, StepUndoing)
		return nil
	}
	switch {
	case s.phase != RollingBack || int(s.steps[i].wave) != s.undoWave || (!s.toUndo(int(i)) && st != StepFailed):
		return s.stale(ev)
	case s.undoRoom() <= 0 || (st != StepFailed && !s.mayTakeDown(s.down)):
		return s.bad(ev, "no undo may start now")
	}
	s.steps[i].before = s.runs(int(i))
	s.steps[i].link = int32(s.back.link)
	s.steps[i].undos++
	s.set(i, StepUndoing)
	s.batch++
	s.skipUndone()
	return nil
}

// outcome takes in how a step ended, in any phase: it is a fact.
func (s *State) outcome(ev *Event, i int32) {
	if ev.Kind == Done {
		s.set(i, StepDone)
		s.done++
		s.rehearsed(ev, i, time.Time{})
		return
	}
	s.set(i, StepFailed)
	s.failed++
	s.failures++
	if s.phase != Deploying {
		return
	}
	why := ev.Reason
	if why == "" {
		why = "no reason given"
	}
	failed := s.failure != ""
	if s.rehearsed(ev, i, time.Time{}); s.failure != "" {
		s.condemned = s.condemned || !failed
		return
	}
	switch {
	case s.failed > s.spec.WaveFailures:
		s.fail(fmt.Sprintf("%d of wave %d's steps failed, more than its budget of %d; the last was %s: %s", s.failed, s.wave+1, s.spec.WaveFailures, ev.Step, why), true)
	case s.failures > s.spec.Failures:
		s.fail(fmt.Sprintf("%d steps failed, more than the rollout's budget of %d; the last was %s: %s", s.failures, s.spec.Failures, ev.Step, why), true)
	case s.failed == s.bounds[s.wave+1]-s.bounds[s.wave]:
		s.fail(fmt.Sprintf("every step of wave %d failed, so there is nothing to judge; the last was %s: %s", s.wave+1, ev.Step, why), true)
	case s.spec.MaxDown > 0 && s.failures >= s.spec.MaxDown && s.next < len(s.steps):
		s.fail(fmt.Sprintf("%d targets are down for failed steps, and the capacity floor lets no more than %d be; the last was %s: %s", s.failures, s.spec.MaxDown, ev.Step, why), true)
	}
	s.condemned = s.failure != ""
}

// advance moves on to where the counts allow by now.
func (s *State) advance() {
	switch s.phase {
	case Deploying:
		if s.failure == "" && s.rehearsal == noRehearsal && s.done+s.failed == s.bounds[s.wave+1]-s.bounds[s.wave] {
			s.phase, s.deployedAt = Gating, s.at
			if s.spec.Waves[s.wave].Ungated != "" {
				s.pass("wave " + fmt.Sprint(s.wave+1) + " has no gate: " + s.spec.Waves[s.wave].Ungated)
			}
		}
	case Gating:
		s.finish()
	case RollingBack:
		s.advanceBack()
	}
}

func (s *State) judged(ev *Event) error {
	if ev.Decision == nil {
		return s.bad(ev, "it has no decision")
	}
	if (s.phase != Deploying && s.phase != Gating) || ev.Wave != s.wave+1 || s.passed > s.wave || s.failure != "" {
		return s.stale(ev)
	}
	if s.spec.Waves[s.wave].Ungated != "" {
		return s.bad(ev, "the wave has no gate")
	}
	d := *ev.Decision
	switch d.Outcome {
	case analysis.Fail:
		s.condemned = s.condemned || s.failure == ""
		s.fail("gate "+fmt.Sprint(ev.Wave)+" failed: "+d.Reason, true)
	case analysis.Pass:
		if s.phase != Gating {
			return s.bad(ev, "the wave is not deployed yet, so its gate cannot pass")
		}
		s.release("gate")
		s.pass("gate " + fmt.Sprint(ev.Wave) + " passed: " + d.Reason)
	case analysis.Inconclusive, analysis.Error:
		if s.spec.Waves[s.wave].OnDeadline != analysis.WaitAtDeadline && !d.Blameless {
			s.fail("gate "+fmt.Sprint(ev.Wave)+" came to no verdict: "+d.Reason, true)
			return nil
		}
		if s.held("gate") {
			return s.stale(ev)
		}
		s.hold("gate", d.Reason)
	default:
		return s.bad(ev, "it is not final: "+d.Outcome.String())
	}
	return nil
}

// pass lets the current wave go: its targets are proven, the next may begin.
func (s *State) pass(reason string) {
	s.prove()
	if s.wave+1 < len(s.spec.Waves) {
		s.phase = Deploying
		s.enter(s.wave + 1)
		return
	}
	s.phase, s.reason = Gating, reason
	s.finish()
}

// finish ends a rollout whose gates have all passed, once nothing holds it.
func (s *State) finish() {
	switch {
	case s.passed < len(s.spec.Waves) || len(s.holds) > 0 || s.failure != "":
	case s.failures > 0:
		s.end(Partial, fmt.Sprintf("%d of %d targets failed, within the budget", s.failures, len(s.steps)))
	default:
		s.end(Completed, s.reason)
	}
}

func (s *State) enter(wave int) {
	s.wave, s.next = wave, s.bounds[wave]
	s.done, s.failed = 0, 0
	s.enteredAt, s.deployedAt = s.at, time.Time{}
	if s.spec.Waves[wave].Approval {
		s.hold("approval", fmt.Sprintf("wave %d waits for approval", wave+1))
	}
}

// fail latches that the change is not to go on. A failure that is local to the
// current wave takes back no more than its failure domains, where the plan says so.
func (s *State) fail(reason string, local bool) {
	if s.failure != "" {
		return
	}
	s.failure, s.failedAt = reason, s.at
	switch {
	case s.irreversible != "":
		s.halt(reason + s.frozen())
	case s.spec.OnFailure == Freeze:
		s.halt(reason + "; the plan says to freeze")
	case local:
		s.rollBack(s.domain())
	default:
		s.rollBack(nil)
	}
}

// frozen says why nothing is taken back.
func (s *State) frozen() string {
	return fmt.Sprintf("; step %s cannot be undone, so nothing is taken back: mend it forward", s.irreversible)
}

func (s *State) halt(reason string) {
	s.haltedFrom = s.phase
	if s.failedAt.IsZero() {
		s.failedAt = s.at
	}
	s.end(Halted, reason)
}

func (s *State) end(phase Phase, reason string) {
	s.phase, s.reason, s.endedAt = phase, reason, s.at
}

func (s *State) breached(ev *Event) error {
	b := ev.Breach
	if b == nil || b.Guard == "" {
		return s.bad(ev, "it has no breach")
	}
	if s.phase.Final() {
		return s.stale(ev)
	}
	reason := "guard " + b.Guard + ": " + b.Reason
	switch b.Consequence {
	case guardrails.Halt:
		s.halt(reason)
	case guardrails.Rollback:
		switch s.phase {
		case RollingBack:
			return s.widen(ev, reason)
		case Aborting:
			return s.stale(ev)
		}
		s.condemned = s.condemned || s.failure == ""
		s.fail(reason, false)
	case guardrails.Hold:
		if s.held("guard:"+b.Guard) || s.phase == Aborting || (!b.Cap && s.Overridden(b.Guard, ev.At)) {
			return s.stale(ev)
		}
		s.hold("guard:"+b.Guard, b.Reason)
		s.holds[len(s.holds)-1].Cap = b.Cap
	default:
		return s.bad(ev, "its consequence is unknown")
	}
	return nil
}

func (s *State) elapsed(ev *Event) error {
	switch ev.Step {
	case holdTimer:
		due, ok := s.holdDue()
		if !ok || ev.At.Before(due) || (s.phase != Deploying && s.phase != Gating) {
			return s.stale(ev)
		}
		s.fail(fmt.Sprintf("held for %v, longer than the plan waits: %s", s.spec.HoldAtMost, s.holds[0].Reason), false)
	case rollbackTimer:
		due, ok := s.rollbackDue()
		if !ok || ev.At.Before(due) {
			return s.stale(ev)
		}
		s.outOfTime()
		s.advance()
	case rtoTimer:
		d := s.spec.Undo.RTO
		if s.phase != RollingBack || d == 0 || s.back.overdue || ev.At.Before(s.backAt.Add(d)) {
			return s.stale(ev)
		}
		s.back.overdue = true
	default:
		return s.bad(ev, "there is no such timer")
	}
	return nil
}
