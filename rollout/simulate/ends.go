package simulate

import (
	"fmt"
	"slices"

	"github.com/tidegate-go/tidegate/rollout"
)

// ended checks what the end promises.
func (v *Invariants) ended() error {
	switch v.outcome {
	case rollout.RolledBack:
		return v.endedBack("I4: rolled back")
	case rollout.Contained:
		return v.contained()
	case rollout.Completed:
		return v.completed()
	case rollout.Partial:
		if v.passed != len(v.left) || v.stopped != "" {
			return fmt.Errorf("I5: partial with %d of %d gates passed, stopped by %q", v.passed, len(v.left), v.stopped)
		}
	}
	return nil
}

func (v *Invariants) endedBack(what string) error {
	touched := false
	for i := range v.steps {
		b := &v.steps[i]
		touched = touched || b.does > 0
		switch {
		case b.does == 0:
		case b.kind != rollout.Undone:
			return fmt.Errorf("%s, but %s is %v", what, v.id(int32(i)), b.kind)
		case b.runs != b.undoTo && !b.drifted:
			return fmt.Errorf("%s, but %s runs %s, not %s", what, v.id(int32(i)), b.runs, b.undoTo)
		}
	}
	if touched {
		return v.proven()
	}
	return nil
}

// proven checks that the survey and the gate that the plan wants came before the end.
func (v *Invariants) proven() error {
	switch {
	case v.spec.Undo.Survey && !v.surveyed:
		return fmt.Errorf("B6: %v, but nobody asked the targets what they run", v.outcome)
	case v.spec.Undo.Verify && !v.verified:
		return fmt.Errorf("B6: %v, but the gate on the recovery has not passed", v.outcome)
	}
	return nil
}

func (v *Invariants) contained() error {
	for i := range v.steps {
		b := &v.steps[i]
		switch {
		case b.does > 0 && b.kind != rollout.Undone && slices.Contains(v.scope, b.domain):
			return fmt.Errorf("B6: contained, but %s of %s %q is %v", v.id(int32(i)), v.spec.Undo.Domain, b.domain, b.kind)
		case b.does == 0, b.drifted:
		case b.kind == rollout.Undone && b.runs == b.undoTo:
		case b.kind == rollout.Done && b.runs == v.spec.To && int(b.wave) < v.passed:
		default:
			return fmt.Errorf("B6: contained, but %s of wave %d is %v and runs %s", v.id(int32(i)), b.wave+1, b.kind, b.runs)
		}
	}
	return v.proven()
}

func (v *Invariants) completed() error {
	for i := range v.steps {
		b := &v.steps[i]
		if b.kind != rollout.Done || (b.runs != v.spec.To && !b.drifted) {
			return fmt.Errorf("I5: completed, but %s of wave %d is %v and runs %s", v.id(int32(i)), b.wave+1, b.kind, b.runs)
		}
	}
	if v.passed != len(v.left) || len(v.holds) > 0 || v.stopped != "" {
		return fmt.Errorf("I5: completed with %d of %d gates passed, %d holds, stopped by %q", v.passed, len(v.left), len(v.holds), v.stopped)
	}
	return nil
}
