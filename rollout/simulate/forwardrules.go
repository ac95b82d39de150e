package simulate

import (
	"fmt"

	"github.com/tidegate-go/tidegate/rollout"
)

func (v *Invariants) beforeDo(ev *rollout.Event, b *stepBook) error {
	w := int(b.wave)
	first := b == &v.steps[0]
	switch {
	case v.halted:
		return fmt.Errorf("I8: %s is started after a halt", ev.Step)
	case v.stopped != "":
		return fmt.Errorf("I3: %s is started after %s", ev.Step, v.stopped)
	case w > v.passed:
		return fmt.Errorf("I2: %s of wave %d is started, but only %d gates have passed", ev.Step, w+1, v.passed)
	case !v.approved[w]:
		return fmt.Errorf("I2: %s of wave %d is started, which nobody has approved", ev.Step, w+1)
	case v.paused || v.reset || len(v.holds) > 0:
		return fmt.Errorf("I3: %s is started while held", ev.Step)
	case v.inFlight >= v.spec.Concurrency:
		return fmt.Errorf("I1: %s is started while %d are in flight already", ev.Step, v.inFlight)
	case !v.rehearsed && (!first || v.inFlight > 0):
		return fmt.Errorf("B2: %s is started during the rehearsal", ev.Step)
	case b.kind == rollout.Undone && first && !v.rehearsed && b.does-v.anew <= 1:
	case b.kind != rollout.Unknown:
		return fmt.Errorf("B2: %s is started again, after %v", ev.Step, b.kind)
	}
	return nil
}

// beforePass checks I9 for the checks that the gate of the wave needs.
func (v *Invariants) beforePass(ev *rollout.Event) error {
	w := ev.Wave - 1
	if v.left[w] > 0 {
		return fmt.Errorf("I9: gate %d passes while %d steps have no outcome", ev.Wave, v.left[w])
	}
	if w >= len(v.needs) {
		return nil
	}
	for i, n := range v.needs[w] {
		switch {
		case i >= len(v.seen) || v.seen[i].good.IsZero():
			return fmt.Errorf("I9: gate %d passes, but %s has seen nothing of the wave", ev.Wave, n.check)
		case v.seen[i].bad:
			return fmt.Errorf("I9: gate %d passes, but %s saw nothing the last time", ev.Wave, n.check)
		case !v.seen[i].good.After(v.deployed):
			return fmt.Errorf("I9: gate %d passes, but %s has seen nothing since the last step", ev.Wave, n.check)
		case ev.At.Sub(v.seen[i].good) > n.fresh:
			return fmt.Errorf("I9: gate %d passes, but what %s has seen is %v old", ev.Wave, n.check, ev.At.Sub(v.seen[i].good))
		}
	}
	return nil
}
