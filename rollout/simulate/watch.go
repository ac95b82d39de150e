package simulate

import (
	"context"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// watch asks the guards: the plan's about every step before it begins, and all of them
// again and again in between.
type watch struct {
	r       *runner
	on      bool
	polling bool
	events  int
	moved   bool              // something has happened since the guards were asked
	refused []*rollout.Effect // by guard: the step that it said no to
}

// keep asks the guards while that is wanted.
func (w *watch) keep(wanted bool) {
	if n := len(w.r.s.trace.Events); n != w.events {
		w.events, w.moved = n, true
	}
	w.on = wanted
	w.schedule()
}

// schedule makes an appointment for the next round, unless nothing could come of it.
func (w *watch) schedule() {
	s := w.r.s
	if !w.on || w.polling || w.r.gone || s.over {
		return
	}
	odds := s.world.Faults
	chance := s.world.Guard != nil || odds[GuardHolds]+odds[GuardRollsBack]+odds[GuardHalts] > 0
	if !chance && (len(s.guards) == 0 || (!s.moody && !w.moved)) {
		return
	}
	w.polling = true
	s.pollAt(orDefault(s.every, rollout.DefaultGuardInterval), func() {
		w.polling = false
		if w.r.gone || !w.on {
			return
		}
		w.moved = false
		w.r.poll()
		w.schedule()
	})
}

// poll asks all guards once.
func (r *runner) poll() {
	s := r.s
	if r.paused || r.writing {
		return
	}
	if b, clear, ok := s.byChance(r.state); ok {
		r.deliver(func() {
			switch {
			case b != nil:
				r.record(rollout.Event{Kind: rollout.Breached, Breach: b})
			case held(r.state, "guard:"+clear):
				r.record(rollout.Event{Kind: rollout.Cleared, Step: clear})
			}
		})
	}
	if len(s.guards) > 0 {
		r.deliver(r.watch.ask)
	}
}

// tiring is how often the dice may hold a rollout: one that waits for a human who says
// nothing would otherwise be held and let go for ever.
const tiring = 30

// byChance is what the guards say that are none of the plan's: a breach, or which one
// is content again.
func (s *sim) byChance(state *rollout.State) (b *guardrails.Breach, clear string, any bool) {
	switch {
	case s.world.Guard != nil:
		if b = s.world.Guard(s.rand); b != nil {
			return b, "", true
		}
	case s.trace.Hits[GuardHolds] < tiring && s.hit(GuardHolds):
		return &guardrails.Breach{Guard: dice[s.rand.IntN(len(dice))], Reason: "the dice say no", Cap: s.rand.IntN(4) == 0}, "", true
	case s.hit(GuardRollsBack):
		return &guardrails.Breach{Guard: dice[0], Consequence: guardrails.Rollback, Reason: "the dice say back"}, "", true
	case s.hit(GuardHalts):
		return &guardrails.Breach{Guard: dice[0], Consequence: guardrails.Halt, Reason: "the dice say halt"}, "", true
	}
	for h := range state.Holds() {
		if name, ok := guardOf(h); ok && !s.isReal(name) {
			return nil, name, true
		}
	}
	return nil, "", false
}

func (s *sim) isReal(name string) bool {
	for _, real := range s.names {
		if real == name {
			return true
		}
	}
	return false
}

// act is what a guard is asked about: a step, or the watch over them.
func (r *runner) act(step *rollout.Effect, extra []*rollout.Effect) guardrails.Action {
	act := r.s.action
	phase := r.state.Phase()
	act.Verb, act.Wave, act.Fence = guardrails.Recover, r.state.Wave(), r.epoch
	if phase == rollout.Deploying || phase == rollout.Gating {
		act.Verb = guardrails.Bake
	}
	if step != nil {
		act.Verb, act.Wave = guardrails.Deploy, step.Wave
		if step.Kind == rollout.UndoStep {
			act.Verb = guardrails.Undo
		}
		spec := r.s.steps[step.Index]
		act.Target, act.Labels, act.Weight = spec.ID, spec.Labels, max(spec.Weight, 1)
	}
	act.Fleet = fleet{r.s.Stage, r.state, extra}
	return act
}

// ask asks every guard of the plan, about what it has refused where it has.
func (w *watch) ask() {
	r := w.r
	if r.state.Phase().Final() || !w.on {
		return
	}
	for i, g := range r.s.guards {
		var about *rollout.Effect
		if len(w.refused) > 0 && w.refused[i] != nil && r.isToBegin(w.refused[i]) {
			about = w.refused[i]
		}
		var extra []*rollout.Effect
		if about != nil {
			extra = []*rollout.Effect{about}
		}
		b := guardrails.Check(context.Background(), []guardrails.Guard{g}, r.act(about, extra))
		switch name := r.s.names[i]; {
		case b != nil:
			named := *b
			named.Guard = name
			r.record(rollout.Event{Kind: rollout.Breached, Breach: &named})
		case held(r.state, "guard:"+name):
			r.record(rollout.Event{Kind: rollout.Cleared, Step: name})
		}
	}
}

// isToBegin tells whether a step that a guard refused is still to begin.
func (r *runner) isToBegin(e *rollout.Effect) bool {
	switch status, _ := r.state.Status(e.Step); status {
	case rollout.StepPending:
		return e.Kind == rollout.DoStep
	case rollout.StepDoing, rollout.StepUndoing:
		return r.slots[e.Index] == nil
	case rollout.StepStuck:
		return false
	default:
		return e.Kind == rollout.UndoStep
	}
}

// admit asks the plan's guards about effects that are about to begin, in order, each
// with those before it counted. It returns how many may, and the no that stopped it.
func (w *watch) admit(fresh []rollout.Effect) (admitted int, breach *guardrails.Breach) {
	r := w.r
	if len(r.s.guards) == 0 {
		return len(fresh), nil
	}
	at := r.s.clock()
	var extra []*rollout.Effect
	for n := range fresh {
		e := &fresh[n]
		if e.Kind != rollout.DoStep && e.Kind != rollout.UndoStep {
			continue
		}
		extra = append(extra, e)
		act := r.act(e, extra)
		guard := -1
		for i, g := range r.s.guards {
			b := guardrails.Check(context.Background(), []guardrails.Guard{g}, act)
			if b == nil || (b.Consequence == guardrails.Hold && !b.Cap && r.state.Overridden(r.s.names[i], at)) {
				continue
			}
			if breach == nil || b.Consequence > breach.Consequence {
				guard, breach = i, b
			}
		}
		if breach != nil {
			named, refused := *breach, *e
			named.Guard = r.s.names[guard]
			if w.refused == nil {
				w.refused = make([]*rollout.Effect, len(r.s.guards))
			}
			w.refused[guard] = &refused
			return n, &named
		}
	}
	return len(fresh), nil
}

// fleet is the state, with steps counted that are about to begin.
type fleet struct {
	stage *Stage
	state *rollout.State
	extra []*rollout.Effect
}

// Tally implements guardrails.Fleet.
func (f fleet) Tally(label, value string) guardrails.Tally {
	t := f.state.Tally(label, value)
	for _, e := range f.extra {
		status, _ := f.state.Status(e.Step)
		if status != rollout.StepPending && status != rollout.StepUndone {
			continue
		}
		step := f.stage.steps[e.Index]
		if (label != "" || value != "") && step.Labels[label] != value {
			continue
		}
		w := max(step.Weight, 1)
		t.Exposed++
		t.Unproven++
		t.ExposedWeight += w
		t.UnprovenWeight += w
	}
	return t
}

// guardOf returns the guard behind a hold.
func guardOf(h rollout.Hold) (string, bool) {
	const prefix = "guard:"
	if len(h.Key) > len(prefix) && h.Key[:len(prefix)] == prefix {
		return h.Key[len(prefix):], true
	}
	return "", false
}
