package simulate

import (
	"fmt"

	"github.com/tidegate-go/tidegate/rollout"
)

// Over takes in that an effect is in flight no more.
func (v *Invariants) Over(e rollout.Effect, epoch uint64) {
	if b := v.step(e.Step); b != nil && b.flying == epoch {
		b.flying = 0
	}
}

// Begin takes in that a runner starts to carry out an effect.
func (v *Invariants) Begin(e rollout.Effect, epoch uint64) error {
	b := v.step(e.Step)
	switch {
	case epoch < v.epoch:
		return fmt.Errorf("I6: %s is started by epoch %d, but %d acts by now", e.Key(), epoch, v.epoch)
	case v.halted:
		return fmt.Errorf("I8: %s is started after a halt", e.Key())
	case e.Kind == rollout.DoStep && b.kind != rollout.Doing, e.Kind == rollout.UndoStep && b.kind != rollout.Undoing:
		return fmt.Errorf("I2: %s is started, and that is not on record: its step is %v", e.Key(), b.kind)
	case e.Kind == rollout.DoStep && v.stopped != "":
		return fmt.Errorf("I3: %s is started after %s", e.Key(), v.stopped)
	}
	if b != nil && (e.Kind == rollout.DoStep || e.Kind == rollout.UndoStep) {
		if b.flying == epoch {
			return fmt.Errorf("B1: %s is started while its step is in flight", e.Key())
		}
		b.flying = epoch
	}
	if e.Kind != rollout.UndoStep {
		return nil
	}
	b.undoTo = orDefault(e.Version, v.spec.From)
	if v.stopped == "" && !v.excuse {
		return nil // a rehearsal
	}
	switch {
	case e.Link < v.link:
		return fmt.Errorf("B4: %s goes back up the chain, from its version %d to %d", e.Key(), v.link, e.Link)
	case e.Link <= v.badLink:
		return fmt.Errorf("B4: %s goes on with version %d of the chain, which made things worse", e.Key(), e.Link)
	case e.Link > len(v.spec.Undo.Older), e.Link > 0 && e.Version != v.spec.Undo.Older[e.Link-1], e.Link == 0 && b.undoTo != v.spec.From:
		return fmt.Errorf("B4: %s puts %s on the target, which is not version %d of the chain", e.Key(), b.undoTo, e.Link)
	}
	if e.Link > v.link {
		v.link, v.strays = e.Link, 0
	}
	if v.strays > 1 {
		return fmt.Errorf("B7: %s is started, after %d surveys that found some astray", e.Key(), v.strays)
	}
	return nil
}
