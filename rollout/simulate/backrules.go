package simulate

import (
	"fmt"

	"github.com/tidegate-go/tidegate/rollout"
)

func (v *Invariants) beforeUndo(ev *rollout.Event, b *stepBook) error {
	rehearsal := !v.rehearsed && b == &v.steps[0] && b.kind == rollout.Done && b.does-v.anew == 1
	switch {
	case v.halted:
		return fmt.Errorf("I8: %s is undone after a halt", ev.Step)
	case b.does == 0:
		return fmt.Errorf("B1: %s is undone, and was never started", ev.Step)
	case b.flying == v.epoch && v.epoch > 0:
		return fmt.Errorf("B1: %s is undone while it is in flight", ev.Step)
	case v.stopped == "" && !v.excuse && !rehearsal:
		return fmt.Errorf("B1: %s is undone, and nothing has gone wrong", ev.Step)
	case v.irreversible(ev.Step):
		return fmt.Errorf("B3: %s is undone, and is irreversible", ev.Step)
	case v.final && !v.human && !rehearsal:
		return fmt.Errorf("B3: %s is undone after an irreversible step", ev.Step)
	}
	return nil
}

func (v *Invariants) irreversible(id string) bool {
	i := int(v.index[id])
	w := v.steps[i].wave
	for _, wave := range v.spec.Waves[:w] {
		i -= len(wave.Steps)
	}
	return v.spec.Waves[w].Steps[i].Irreversible
}

// beforeMitigation checks that mitigations come in their order: the fast ones before
// the first undo, the fallback after the last; a crash may repeat one.
func (v *Invariants) beforeMitigation(ev *rollout.Event) error {
	fast, all := len(v.spec.Undo.Fast), len(v.spec.Undo.Fast)+len(v.spec.Undo.Fallback)
	switch {
	case v.halted:
		return fmt.Errorf("I8: %s is carried out after a halt", ev.Step)
	case v.stopped == "" && !v.excuse:
		return fmt.Errorf("B5: %s is carried out, and nothing has gone wrong", ev.Step)
	case ev.Step == rollout.PageName:
		return nil
	}
	for n := v.mitigate; n < all; n++ {
		name := ""
		if n < fast {
			name = v.spec.Undo.Fast[n]
		} else {
			name = v.spec.Undo.Fallback[n-fast]
		}
		if name == ev.Step {
			if n < fast && v.undone > 0 {
				return fmt.Errorf("B5: %s is carried out after an undo has begun", ev.Step)
			}
			return nil
		}
		if n < fast {
			break // none of them is left out
		}
	}
	return fmt.Errorf("B5: %s is carried out out of order, as number %d", ev.Step, v.mitigate+1)
}
