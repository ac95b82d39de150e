package rollout

import (
	"fmt"
	"time"
)

// Result is how a rollout stands when Run returns.
type Result struct {
	// Phase is the final phase, or where the rollout was interrupted.
	Phase Phase
	// Reason is why, in one sentence.
	Reason string
	// Resumed says that this Run went on with what another began.
	Resumed bool
	// Wave is the last wave that was entered, counted from 1; Waves is how many
	// there are.
	Wave, Waves int
	// Targets is the size of the fleet. Updated are on the new version, Untouched
	// were never changed, Undone are back on the old one.
	Targets, Updated, Untouched, Undone int
	// InDoubt may be on either version: failed, cut short, or not undone.
	InDoubt []string
	// Astray are the targets that run something else than was restored, as a rollback
	// found when it asked them.
	Astray []Astray
	// PeakExposed is the most targets that may have run the new version at once,
	// PeakPercent their share of the fleet by weight.
	PeakExposed int
	PeakPercent float64
	// TimeToDetect is from the first step to the decision to stop or take back;
	// TimeToRollBack from there to the end. Zero where that did not happen.
	TimeToDetect, TimeToRollBack time.Duration
	Times                        Times
}

// String returns a short account for people.
func (r Result) String() string {
	s := fmt.Sprintf("%v: wave %d of %d, %d of %d targets updated, at most %d exposed (%.3g%%)",
		r.Phase, r.Wave, r.Waves, r.Updated, r.Targets, r.PeakExposed, r.PeakPercent)
	if r.Reason != "" {
		s += "; " + r.Reason
	}
	return s
}

// Result returns how the rollout stands. It looks at every step.
func (s *State) Result() Result {
	r := Result{Phase: s.phase, Reason: s.reason, Wave: s.Wave(), Times: s.Times(), Targets: len(s.steps)}
	if s.spec != nil {
		r.Waves = len(s.spec.Waves)
	}
	for id, status := range s.Steps() {
		switch status {
		case StepPending:
			r.Untouched++
		case StepDone:
			r.Updated++
		case StepUndone:
			r.Undone++
		default:
			r.InDoubt = append(r.InDoubt, id)
		}
	}
	r.Astray = s.back.astray
	r.PeakExposed = s.peak.Exposed
	if s.peak.Weight > 0 {
		r.PeakPercent = 100 * float64(s.peak.ExposedWeight) / float64(s.peak.Weight)
	}
	if !s.failedAt.IsZero() && !s.exposedAt.IsZero() {
		r.TimeToDetect = s.failedAt.Sub(s.exposedAt)
	}
	if !s.failedAt.IsZero() && !s.endedAt.IsZero() {
		r.TimeToRollBack = s.endedAt.Sub(s.failedAt)
	}
	return r
}

// err returns what Run returns for the phase.
func (s *State) err() error {
	e := &Error{Phase: s.phase, Reason: s.reason}
	switch s.phase {
	case Completed:
		return nil
	case Partial:
		e.Cause, e.Hint = ErrPartial, "the failed targets may run either version: see Result.InDoubt"
	case RolledBack:
		e.Cause = ErrRolledBack
	case RollbackIncomplete:
		e.Cause, e.Hint = ErrRollbackIncomplete, "some targets may run either version: see Result.InDoubt; mend them by hand, or give the rollback verb to try again"
	case Halted:
		e.Cause, e.Hint = ErrHalted, "nothing is started until a human gives reset, then resume, rollback or abort"
	case Aborted:
		e.Cause = ErrAborted
	case Contained:
		e.Cause, e.Hint = ErrContained, "the other failure domains keep the new version: give the rollback verb to take back all of it"
	default:
		e.Cause = ErrInterrupted
		e.Reason = fmt.Sprintf("in phase %v, wave %d", s.phase, s.Wave())
		e.Hint = "run it again with the same journal to go on where it stopped"
	}
	return e
}
