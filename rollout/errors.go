package rollout

import (
	"errors"
	"fmt"
)

// What callers branch on.
var (
	// ErrInvalidPlan: the plan has problems; nothing was touched. See PlanError.
	ErrInvalidPlan = errors.New("rollout: invalid plan")
	// ErrPlanChanged: the journal holds a rollout that the plan does not fit.
	ErrPlanChanged = errors.New("rollout: the plan is not the one that was started")
	// ErrHeld: another runner has the rollout or its lock. See HeldError.
	ErrHeld = errors.New("rollout: held by another runner")
	// ErrFenced: this runner's lease is lost; another acts by now.
	ErrFenced = errors.New("rollout: fenced off by another runner")
	// ErrInterrupted: the runner stopped in good order; Run again to go on.
	ErrInterrupted = errors.New("rollout: interrupted, resumable")
	// ErrRolledBack: the change was taken back and that was verified.
	ErrRolledBack = errors.New("rollout: rolled back")
	// ErrRollbackIncomplete: some steps could not be undone. See Result.InDoubt.
	ErrRollbackIncomplete = errors.New("rollout: rollback incomplete")
	// ErrHalted: frozen by a kill switch, a guard or a human.
	ErrHalted = errors.New("rollout: halted")
	// ErrAborted: stopped by a human and left as it is.
	ErrAborted = errors.New("rollout: aborted")
	// ErrPartial: all waves are through, but some targets failed.
	ErrPartial = errors.New("rollout: partial")
	// ErrContained: the failure domain that failed was taken back and verified; the
	// others keep the new version.
	ErrContained = errors.New("rollout: contained")
	// ErrTooLate: the rollout ended too long ago to be taken back.
	ErrTooLate = errors.New("rollout: too late to take back")
	// ErrStale: the event no longer matters; nothing was changed.
	ErrStale = errors.New("rollout: stale event")
	// ErrBadEvent: the event can never be right in this rollout.
	ErrBadEvent = errors.New("rollout: bad event")
	// ErrNewer: a journal was written by a newer version, and is not half understood.
	ErrNewer = errors.New("rollout: journal of a newer version")
	// ErrCorrupt: a journal is damaged.
	ErrCorrupt = errors.New("rollout: corrupt journal")
)

// Error is how Run says that a rollout did not complete: where it stood, why,
// and what an operator can do.
type Error struct {
	Phase Phase
	// Cause is one of this package's sentinels, wrapped or not.
	Cause error
	// Reason is the sentence that was recorded with the decision.
	Reason string
	// Hint is what an operator can do now; may be empty.
	Hint string
}

// Error returns the cause, the reason and the hint.
func (e *Error) Error() string {
	s := e.Cause.Error()
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Hint != "" {
		s += " [" + e.Hint + "]"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// FieldError is one problem of a plan.
type FieldError struct {
	// Path is the field, such as "Gate.Checks[1].Name".
	Path string
	Msg  string
}

// Error returns path and message.
func (e *FieldError) Error() string { return fmt.Sprintf("%s: %s", e.Path, e.Msg) }

// PlanError is every problem of a plan. It is an ErrInvalidPlan.
type PlanError struct{ Problems []*FieldError }

// Error returns all problems, one a line.
func (e *PlanError) Error() string {
	s := ErrInvalidPlan.Error()
	if n := len(e.Problems); n > 1 {
		s += fmt.Sprintf(" (%d problems)", n)
	}
	for _, p := range e.Problems {
		s += "\n  " + p.Error()
	}
	return s
}

// Is reports whether target is ErrInvalidPlan.
func (e *PlanError) Is(target error) bool { return target == ErrInvalidPlan }
