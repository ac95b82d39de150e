package simulate

import (
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// Invariants checks what must hold in every rollout. It keeps books of its own
// from the events, and does not ask the core that it checks. The zero value is
// ready for one rollout.
//
//	I1 exposure never exceeds what the last passed gate allows
//	I2 no step of a wave starts before the gate of the wave before has passed
//	I3 after a failed gate, a breach or an abort, no forward step starts
//	I4 RolledBack: every step that ever started was undone after its last do
//	I5 Completed: every step done, every gate passed, nothing held
//	I8 after a halt nothing is started, not even an undo
//	I10 no more targets are down than the capacity floor lets be
type Invariants struct {
	spec    *rollout.Spec
	wave    map[string]int // from 0
	status  map[string]rollout.Kind
	left    []int // by wave: steps without an outcome
	passed  int   // waves whose gate has passed
	stopped string
	halted  bool
	paused  bool
	holds   map[string]bool
}

// Check takes the next event of a rollout, and the truth about every target
// after it; truth may be nil.
func (v *Invariants) Check(ev rollout.Event, truth map[string]bool) error {
	if ev.Kind == rollout.Started && ev.Spec != nil {
		v.begin(ev.Spec)
		return nil
	}
	if err := v.sound(ev); err != nil {
		return err
	}
	if err := v.before(ev); err != nil {
		return err
	}
	v.take(ev)
	if err := v.exposure(truth); err != nil {
		return err
	}
	if err := v.capacity(); err != nil {
		return err
	}
	if ev.Kind == rollout.Ended {
		return v.ended(ev.Outcome, truth)
	}
	return nil
}

// sound refuses an event that no rollout can have.
func (v *Invariants) sound(ev rollout.Event) error {
	switch {
	case v.spec == nil:
		return fmt.Errorf("simulate: %v comes before a rollout has started", ev.Kind)
	case ev.Kind == rollout.Judged && (ev.Decision == nil || ev.Wave < 1 || ev.Wave > len(v.left)):
		return fmt.Errorf("simulate: a judgement on wave %d without a decision, or of a wave that there is not", ev.Wave)
	case ev.Kind == rollout.Breached && ev.Breach == nil:
		return errors.New("simulate: a breach without its details")
	case ev.Kind >= rollout.Doing && ev.Kind <= rollout.UndoFailed:
		if _, ok := v.wave[ev.Step]; !ok {
			return fmt.Errorf("simulate: there is no step %q", ev.Step)
		}
	}
	return nil
}

func (v *Invariants) begin(spec *rollout.Spec) {
	*v = Invariants{spec: spec, wave: map[string]int{}, status: map[string]rollout.Kind{}, holds: map[string]bool{}}
	for w, wave := range spec.Waves {
		v.left = append(v.left, len(wave.Steps))
		for _, s := range wave.Steps {
			v.wave[s.ID] = w
		}
	}
}

// before checks whether the event may happen at all.
func (v *Invariants) before(ev rollout.Event) error {
	switch ev.Kind {
	case rollout.Doing:
		w := v.wave[ev.Step]
		switch {
		case v.halted:
			return fmt.Errorf("I8: %s is started after a halt", ev.Step)
		case v.stopped != "":
			return fmt.Errorf("I3: %s is started after %s", ev.Step, v.stopped)
		case w > v.passed:
			return fmt.Errorf("I2: %s of wave %d is started, but only %d gates have passed", ev.Step, w+1, v.passed)
		case v.paused || len(v.holds) > 0:
			return fmt.Errorf("I3: %s is started while held", ev.Step)
		}
	case rollout.Undoing:
		if v.halted {
			return fmt.Errorf("I8: %s is undone after a halt", ev.Step)
		}
	}
	return nil
}

// take keeps the books.
func (v *Invariants) take(ev rollout.Event) {
	switch ev.Kind {
	case rollout.Done, rollout.DoFailed:
		v.left[v.wave[ev.Step]]--
		v.status[ev.Step] = ev.Kind
		v.skipUngated()
	case rollout.Doing, rollout.Undoing, rollout.Undone, rollout.UndoFailed:
		v.status[ev.Step] = ev.Kind
	case rollout.Judged:
		if ev.Decision.Outcome == analysis.Pass {
			v.passed = max(v.passed, ev.Wave)
			v.skipUngated()
		} else if ev.Decision.Outcome == analysis.Fail || v.spec.Waves[ev.Wave-1].OnDeadline != analysis.WaitAtDeadline {
			v.stop("a failed gate")
		}
	case rollout.Breached:
		switch ev.Breach.Consequence {
		case guardrails.Rollback:
			v.stop("a breach")
		case guardrails.Halt:
			v.halted = true
		case guardrails.Hold:
			v.holds[ev.Breach.Guard] = true
		}
	case rollout.Cleared, rollout.Override:
		delete(v.holds, ev.Step)
	case rollout.Elapsed:
		v.stop("a deadline")
	case rollout.Abort:
		v.stop("an abort")
		v.halted = false
	case rollout.RollBack:
		v.stop("a rollback")
	case rollout.Kill:
		v.halted = true
	case rollout.Reset:
		v.halted = false
	case rollout.Pause:
		v.paused = true
	case rollout.Resume:
		v.paused = false
	}
}

func (v *Invariants) stop(why string) {
	if v.stopped == "" {
		v.stopped = why
	}
	clear(v.holds)
}

// skipUngated counts waves without a gate as passed once they are through.
func (v *Invariants) skipUngated() {
	for v.passed < len(v.left) && v.spec.Waves[v.passed].Ungated != "" && v.left[v.passed] == 0 {
		v.passed++
	}
}

// exposure checks I1 against the truth: only waves up to the one after the last
// passed gate may run the new version.
func (v *Invariants) exposure(truth map[string]bool) error {
	for step, exposed := range truth {
		if w := v.wave[step]; exposed && w > v.passed {
			return fmt.Errorf("I1: %s of wave %d runs the new version, but only %d gates have passed", step, w+1, v.passed)
		}
	}
	return nil
}

// capacity checks I10.
func (v *Invariants) capacity() error {
	if v.spec.MaxDown == 0 {
		return nil
	}
	down := 0
	for _, kind := range v.status {
		switch kind {
		case rollout.Doing, rollout.DoFailed, rollout.Undoing, rollout.UndoFailed:
			down++
		}
	}
	if down > v.spec.MaxDown {
		return fmt.Errorf("I10: %d targets are down, and the floor lets %d be", down, v.spec.MaxDown)
	}
	return nil
}

func (v *Invariants) ended(outcome rollout.Phase, truth map[string]bool) error {
	for step, w := range v.wave {
		kind := v.status[step]
		switch outcome {
		case rollout.RolledBack:
			if kind != rollout.Unknown && kind != rollout.Undone {
				return fmt.Errorf("I4: rolled back, but %s is %v", step, kind)
			}
			if truth[step] {
				return fmt.Errorf("I4: rolled back, but %s runs the new version", step)
			}
		case rollout.Completed:
			if kind != rollout.Done || (truth != nil && !truth[step]) {
				return fmt.Errorf("I5: completed, but %s of wave %d is %v", step, w+1, kind)
			}
		}
	}
	if outcome == rollout.Completed && (v.passed != len(v.left) || len(v.holds) > 0 || v.stopped != "") {
		return fmt.Errorf("I5: completed with %d of %d gates passed, %d holds, stopped by %q", v.passed, len(v.left), len(v.holds), v.stopped)
	}
	return nil
}
