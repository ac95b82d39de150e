package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
)

// guardPatience is how long a guard may take to answer. One that takes longer
// holds the rollout: a guard that hangs lets nothing through.
const guardPatience = 5 * time.Second

// guardWatch asks the guards: about every step before it begins, and all of
// them again and again in between. It belongs to the loop; the guards are asked
// in other goroutines, so that none can hang the loop.
type guardWatch struct {
	e       *engine
	polls   []poll // by guard
	next    time.Time
	watched bool // Watchers are running
	cancel  context.CancelFunc
}

// poll is the state of one guard.
type poll struct {
	name   string
	busy   bool
	number int       // of the question, to tell an answer that is not waited for
	since  time.Time // it was asked, or last found late
	late   bool      // it is overdue: it hangs, and holds
	// refused is the step that the guard said no to, so that it is asked about
	// that step until it is content.
	refused *Effect
}

func newGuardWatch(e *engine) *guardWatch {
	w := &guardWatch{e: e, polls: make([]poll, len(e.plan.Guards))}
	used := make(map[string]int)
	for i, g := range e.plan.Guards {
		name := guardrails.Name(g)
		if used[name]++; used[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, used[name])
		}
		w.polls[i].name = name
	}
	return w
}

// knows tells whether a guard goes by the name.
func (w *guardWatch) knows(name string) bool {
	return slices.ContainsFunc(w.polls, func(p poll) bool { return p.name == name })
}

// keep asks the guards when it is time to, while that is wanted, and returns
// when to look again.
func (w *guardWatch) keep(wanted bool) (next time.Time) {
	if !wanted || len(w.polls) == 0 {
		w.unwatch()
		return time.Time{}
	}
	w.watchers()
	at := time.Now() // not that of events: a clock that is set back does not put off a question
	w.overdue(at)
	if !at.Before(w.next) {
		for i := range w.polls {
			w.ask(i, at)
		}
		w.next = at.Add(orDefault(w.e.plan.GuardInterval, DefaultGuardInterval))
	}
	next = w.next
	for _, p := range w.polls {
		if p.busy {
			next = earlier(next, p.since.Add(guardPatience))
		}
	}
	return next
}

// watchers starts the guards that bring news by themselves.
func (w *guardWatch) watchers() {
	if w.watched {
		return
	}
	w.watched = true
	ctx, cancel := context.WithCancel(w.e.base)
	w.cancel = cancel
	for i, g := range w.e.plan.Guards {
		if watcher, ok := g.(guardrails.Watcher); ok {
			w.e.helpers.Go(func() {
				defer func() {
					if p := recover(); p != nil {
						w.e.log.Error("a guard panicked while watching; it is still asked", "guard", w.polls[i].name, "panic", p)
					}
				}()
				watcher.Watch(ctx, func() {
					w.e.post(func() { w.ask(i, time.Now()) })
				})
			})
		}
	}
}

func (w *guardWatch) unwatch() {
	if w.watched {
		w.watched = false
		w.cancel()
	}
}

// ask asks one guard in a goroutine of its own.
func (w *guardWatch) ask(i int, at time.Time) {
	p := &w.polls[i]
	if p.busy || w.e.state.phase.Final() {
		return
	}
	p.busy, p.since = true, at
	verb, forward := guardrails.Bake, w.e.forward()
	if !forward {
		verb = guardrails.Recover
	}
	if p.refused != nil && !w.e.awaits(p.refused) {
		p.refused = nil // the step is not to begin any more, or has begun
	}
	act := w.e.action(verb, p.refused)
	fleet := w.e.state.snapshot()
	if p.refused != nil {
		fleet.count(&w.e.state, p.refused.Index)
	}
	act.Fleet = fleet
	guards, number, about := w.e.plan.Guards[i:i+1], p.number, p.refused
	some := w.e.state.phase == RollingBack && !w.e.state.takesAllBack()
	w.e.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(w.e.base, guardPatience)
		defer cancel()
		b := guardrails.Check(ctx, guards, act)
		if b == nil && some {
			b = askedForAll(ctx, guards, act)
		}
		w.e.post(func() { w.answer(i, number, about, forward, b) })
	})
}

// askedForAll tells whether somebody has tripped a kill switch to have everything taken
// back, while only some failure domains are: it lets the way back pass, and would not say.
func askedForAll(ctx context.Context, guards []guardrails.Guard, act guardrails.Action) *guardrails.Breach {
	if _, ok := guards[0].(*guardrails.KillSwitch); !ok {
		return nil
	}
	act.Verb = guardrails.Bake
	if b := guardrails.Check(ctx, guards, act); b != nil && b.Consequence == guardrails.Rollback {
		return b
	}
	return nil
}

// awaits tells whether a step that a guard refused is still to begin, for the
// first time or once more.
func (e *engine) awaits(eff *Effect) bool {
	s := &e.state
	status, forward := s.steps[eff.Index].status, e.forward()
	rehearsed := s.rehearsal != noRehearsal && eff.Index == 0
	switch {
	case status.inFlight():
		return (status == StepDoing) == (eff.Kind == DoStep) && !e.steps.isRunning(eff.Index)
	case eff.Kind == DoStep:
		return forward && (status == StepPending || (rehearsed && status == StepUndone))
	case forward:
		return rehearsed && status == StepDone
	default:
		return status == StepFailed || s.toUndo(eff.Index)
	}
}

// action is what a guard is asked about: a step, or the watch over them.
func (e *engine) action(verb guardrails.Verb, step *Effect) guardrails.Action {
	act := e.ofPlan(e.plan.action(verb, e.state.Wave()))
	if step == nil {
		return act
	}
	act.Verb, act.Wave = guardrails.Deploy, step.Wave
	if step.Kind == UndoStep {
		act.Verb = guardrails.Undo
	}
	t := &e.steps.units[step.Index].target
	act.Target, act.Labels, act.Weight = e.steps.units[step.Index].id(), t.Labels, max(t.Weight, 1)
	return act
}

// answer takes in what a guard said. What it said of the way forward does not
// count on the way back, and that it is content does not count when it has
// refused a step meanwhile: it is asked anew.
func (w *guardWatch) answer(i, number int, about *Effect, forward bool, b *guardrails.Breach) {
	p := &w.polls[i]
	if number != p.number {
		return
	}
	p.busy, p.late = false, false
	if forward != w.e.forward() || (b == nil && about != p.refused) {
		w.ask(i, time.Now())
		return
	}
	if w.e.base.Err() == nil {
		w.judge(i, b)
	}
}

// judge records what a guard's answer changes.
func (w *guardWatch) judge(i int, b *guardrails.Breach) {
	p := &w.polls[i]
	if w.e.state.takesAllBack() {
		b = onTheWayBack(b)
	}
	if b == nil {
		p.refused = nil
		if w.e.state.held("guard:" + p.name) {
			w.e.record(Event{Kind: Cleared, Step: p.name})
		}
		return
	}
	named := *b
	named.Guard = p.name
	w.e.record(Event{Kind: Breached, Breach: &named})
}

// overdue holds the rollout for guards that do not answer.
func (w *guardWatch) overdue(at time.Time) {
	for i := range w.polls {
		if p := &w.polls[i]; p.busy && !at.Before(p.since.Add(guardPatience)) {
			p.since, p.late = at, true
			w.judge(i, hung())
		}
	}
}

func hung() *guardrails.Breach {
	return &guardrails.Breach{Reason: fmt.Sprintf("the guard did not answer within %v", guardPatience)}
}
