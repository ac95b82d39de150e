package rollout

import (
	"fmt"
	"slices"
	"time"
)

// verb takes in what a human said. Kill comes before abort, abort before
// rollback, rollback before pause, pause before resume: a verb that one of
// higher rank has overtaken is stale.
func (s *State) verb(ev *Event) error {
	if ev.Actor == "" || ev.Reason == "" {
		return s.bad(ev, "a verb needs an actor and a reason")
	}
	said := fmt.Sprintf("%v by %s: %s", ev.Kind, ev.Actor, ev.Reason)
	forward := s.phase == Deploying || s.phase == Gating
	switch ev.Kind {
	case Kill:
		if s.phase.Final() {
			return s.stale(ev)
		}
		s.killed = true
		s.halt(said)
	case Abort:
		return s.abort(ev, said)
	case RollBack:
		return s.rollBackVerb(ev, said)
	case Pause:
		if !forward || s.held("pause") {
			return s.stale(ev)
		}
		s.hold("pause", said)
	case Resume:
		paused, reset := s.release("pause"), s.release("reset")
		if !paused && !reset {
			return s.stale(ev)
		}
		s.advance()
	case Approve:
		if !forward || (ev.Wave != 0 && ev.Wave != s.wave+1) || !s.release("approval") {
			return s.stale(ev)
		}
	case Override:
		if ev.Step == "" || !ev.Until.After(ev.At) {
			return s.bad(ev, "an override needs a guard and an expiry in the future")
		}
		if s.phase.Final() {
			return s.stale(ev)
		}
		if slices.ContainsFunc(s.holds, func(h Hold) bool { return h.Cap && h.Key == "guard:"+ev.Step }) {
			return s.bad(ev, "the guard is a cap, and no override lifts a cap")
		}
		s.overrides = append(s.overrides, override{ev.Step, ev.Until})
		s.release("guard:" + ev.Step)
		s.advance()
	case Reset:
		if s.phase != Halted {
			return s.stale(ev)
		}
		s.phase, s.reason, s.endedAt, s.killed = s.haltedFrom, "", time.Time{}, false
		if s.failure == "" {
			s.failedAt = time.Time{}
		}
		s.unmeasured()
		if s.phase == Deploying || s.phase == Gating {
			s.hold("reset", "waits for resume after "+said)
			if s.failure != "" {
				s.hold("failure", "waits for rollback or abort, for it failed: "+s.failure)
			}
		}
		if s.phase == RollingBack || s.phase == Aborting {
			s.settle()
		}
		s.undoAt, s.back.measuring = s.at, s.at
		s.abortWhenIdle()
		s.advance()
	}
	return nil
}

func (s *State) abort(ev *Event, said string) error {
	switch s.phase {
	case Completed, Partial, RolledBack, Contained, Aborted, Aborting:
		return s.stale(ev)
	}
	if s.failure == "" {
		s.failure, s.failedAt = said, s.at
	}
	settled := s.phase.Final() || s.held("reset") || s.held("failure") // nothing runs after a halt
	s.phase, s.holds = Aborting, nil
	s.aborted = said
	if settled {
		s.settle()
	}
	s.abortWhenIdle()
	return nil
}

// abortWhenIdle ends an abort once nothing runs any more.
func (s *State) abortWhenIdle() {
	if s.phase == Aborting && len(s.running) == 0 {
		s.end(Aborted, s.aborted)
	}
}

func (s *State) rollBackVerb(ev *Event, said string) error {
	switch s.phase {
	case Deploying, Gating, Aborted, RollbackIncomplete:
	case RollingBack:
		return s.widen(ev, said)
	case Completed, Partial, Contained:
		if d := s.spec.Undo.RevertWindow; d > 0 && s.at.After(s.endedAt.Add(d)) {
			return fmt.Errorf("%w: it ended %v ago, and the way back stays open for %v: roll %s out anew", ErrTooLate, s.at.Sub(s.endedAt).Round(time.Second), d, s.spec.From)
		}
	default:
		return s.stale(ev)
	}
	if s.irreversible != "" {
		if s.phase.Final() {
			return s.bad(ev, "step "+s.irreversible+" cannot be undone: mend it forward")
		}
		s.failure, s.failedAt, s.killed = said, s.at, true
		s.halt(said + s.frozen())
		return nil
	}
	s.failure, s.failedAt = said, s.at
	// A human may try again what automation must not: what is stuck is in doubt.
	if s.phase == RollbackIncomplete || s.phase == Aborted {
		s.unstick()
	}
	s.rollBack(nil)
	return nil
}
