package rollout

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	at := now()
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
					w.e.post(func() { w.ask(i, now()) })
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
	verb, kind, forward := guardrails.Bake, DoStep, w.e.forward()
	if !forward {
		verb, kind = guardrails.Recover, UndoStep
	}
	if p.refused != nil && (p.refused.Kind != kind || !w.e.awaits(p.refused)) {
		p.refused = nil // the step is not to begin any more, or has begun
	}
	act := w.e.action(verb, p.refused)
	fleet := w.e.state.snapshot()
	if p.refused != nil {
		fleet.count(&w.e.state, p.refused.Index)
	}
	act.Fleet = fleet
	guards, number, about := w.e.plan.Guards[i:i+1], p.number, p.refused
	w.e.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(w.e.base, guardPatience)
		defer cancel()
		b := guardrails.Check(ctx, guards, act)
		w.e.post(func() { w.answer(i, number, about, forward, b) })
	})
}

// awaits tells whether a step that a guard refused is still to begin, for the
// first time or once more.
func (e *engine) awaits(eff *Effect) bool {
	switch status := e.state.steps[eff.Index].status; {
	case status.inFlight():
		return !e.steps.isRunning(eff.Index)
	case eff.Kind == DoStep:
		return status == StepPending
	default:
		return status == StepDone || status == StepFailed
	}
}

// action is what a guard is asked about: a step, or the watch over them.
func (e *engine) action(verb guardrails.Verb, step *Effect) guardrails.Action {
	act := e.plan.action(verb, e.state.Wave())
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
		w.ask(i, now())
		return
	}
	if w.e.base.Err() == nil {
		w.judge(i, b)
	}
}

// judge records what a guard's answer changes.
func (w *guardWatch) judge(i int, b *guardrails.Breach) {
	p := &w.polls[i]
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

// admit asks all guards about steps that are about to begin, in order, each
// with those before it counted. It returns how many may begin, and the no that
// stopped it there. The loop waits for the answers, for a while: nothing else
// may change the state meanwhile.
func (w *guardWatch) admit(steps []Effect) (admitted int, breach *guardrails.Breach) {
	if len(w.polls) == 0 {
		return len(steps), nil
	}
	inq := inquiry{guards: w.e.plan.Guards, lifted: make([]bool, len(w.polls)), hung: make([]bool, len(w.polls))}
	for i := range w.polls {
		inq.lifted[i], inq.hung[i] = w.e.state.Overridden(w.polls[i].name, now()), w.polls[i].late
		if inq.hung[i] && !inq.lifted[i] {
			return 0, nil // a guard hangs, and holds
		}
	}
	fleet := &liveFleet{state: &w.e.state}
	defer fleet.close()
	for n := range steps {
		act := w.e.action(guardrails.Deploy, &steps[n])
		act.Fleet = fleet
		inq.acts = append(inq.acts, act)
	}
	inq.before = func(n int) { fleet.add(steps[n].Index) }
	a := w.inquire(w.e.base, &inq)
	if a.breach == nil {
		return a.admitted, nil
	}
	named := *a.breach
	named.Guard = w.polls[a.guard].name
	refused := steps[a.admitted]
	w.polls[a.guard].refused = &refused
	return a.admitted, &named
}

// start asks all guards about the rollout as a whole, before it begins.
func (w *guardWatch) start(ctx context.Context) *guardrails.Breach {
	a := w.inquire(ctx, &inquiry{
		guards: w.e.plan.Guards, lifted: make([]bool, len(w.polls)), hung: make([]bool, len(w.polls)),
		acts: []guardrails.Action{w.e.plan.action(guardrails.Start, 0)}, before: func(int) {},
	})
	return a.breach
}

// inquiry is a question to all guards that the loop waits for.
type inquiry struct {
	guards []guardrails.Guard
	acts   []guardrails.Action
	before func(act int) // called before an action is asked about
	lifted []bool        // by guard: a human has overridden its holds
	hung   []bool        // by guard: it is still at another question
	asking atomic.Int32  // the guard
	passed atomic.Int32  // how many actions
}

// ruling is what comes of an inquiry: how many actions may be carried out, and
// the no that stopped it there.
type ruling struct {
	admitted, guard int
	breach          *guardrails.Breach
}

// inquire waits for all guards' answers, for a while. A guard that does not
// answer in time has said no, and is not asked again before it does answer.
func (w *guardWatch) inquire(ctx context.Context, inq *inquiry) ruling {
	ctx, cancel := context.WithTimeout(ctx, guardPatience)
	defer cancel()
	answer := make(chan ruling, 1)
	w.e.helpers.Go(func() { answer <- inq.ask(ctx) })
	timer := time.NewTimer(guardPatience)
	defer timer.Stop()
	select {
	case r := <-answer:
		if ctx.Err() != nil {
			w.polls[inq.asking.Load()].late = true
		}
		return r
	case <-timer.C:
	}
	i := int(inq.asking.Load())
	p := &w.polls[i]
	p.number++
	p.busy, p.late, p.since = true, true, now()
	number := p.number
	w.e.helpers.Go(func() {
		<-answer
		w.e.post(func() {
			if p.number == number {
				p.busy, p.late = false, false
				w.ask(i, now())
			}
		})
	})
	b := hung()
	b.Guard = p.name
	return ruling{int(inq.passed.Load()), i, b}
}

func (inq *inquiry) ask(ctx context.Context) ruling {
	for n, act := range inq.acts {
		inq.before(n)
		if i, b := inq.gravest(ctx, act); b != nil {
			return ruling{n, i, b}
		}
		inq.passed.Store(int32(n + 1))
	}
	return ruling{admitted: len(inq.acts)}
}

// gravest asks every guard about an action and returns the gravest no, and
// whose it is. A hold that a human has overridden passes, and that a guard hangs
// is such a hold; a cap is never lifted, and nothing graver than a hold is.
func (inq *inquiry) gravest(ctx context.Context, act guardrails.Action) (guard int, worst *guardrails.Breach) {
	for i := range inq.guards {
		if inq.hung[i] {
			continue
		}
		inq.asking.Store(int32(i))
		b := guardrails.Check(ctx, inq.guards[i:i+1], act)
		if ctx.Err() != nil { // it has used up the time of those after it
			if b == nil {
				b = hung()
			}
			if worst == nil || b.Consequence > worst.Consequence {
				guard, worst = i, b
			}
			return guard, worst
		}
		if b == nil || (inq.lifted[i] && b.Consequence == guardrails.Hold && !b.Cap) {
			continue
		}
		if worst == nil || b.Consequence > worst.Consequence {
			guard, worst = i, b
		}
		if worst.Consequence == guardrails.Halt {
			break // nothing is graver, and there is no time to lose
		}
	}
	return guard, worst
}

// fleetCopy is a fleet as it was at one moment.
type fleetCopy struct {
	tallies []guardrails.Tally
	byLabel map[[2]string]int32 // shared: it does not change once loaded
}

func (s *State) snapshot() *fleetCopy {
	return &fleetCopy{append([]guardrails.Tally(nil), s.tallies...), s.byLabel}
}

// count counts a step as begun.
func (f *fleetCopy) count(s *State, i int) {
	st := &s.steps[i]
	if st.status.exposed() {
		return
	}
	expose(&f.tallies[0], st.weight)
	for _, t := range st.tallies {
		expose(&f.tallies[t], st.weight)
	}
}

func expose(t *guardrails.Tally, weight int64) {
	t.Exposed++
	t.Unproven++
	t.ExposedWeight += weight
	t.UnprovenWeight += weight
}

// Tally implements guardrails.Fleet.
func (f *fleetCopy) Tally(label, value string) guardrails.Tally {
	if label == "" && value == "" {
		return f.tallies[0]
	}
	if i, ok := f.byLabel[[2]string{label, value}]; ok {
		return f.tallies[i]
	}
	return guardrails.Tally{}
}

// liveFleet is the state as it is, with steps counted that are about to begin.
// Once closed it is empty, so that a guard that outstays its welcome cannot
// read what changes under it.
type liveFleet struct {
	mu    sync.Mutex
	state *State
	extra map[int32]guardrails.Tally // by tally: what is about to be added
}

func (f *liveFleet) add(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil || f.state.steps[i].status.exposed() {
		return
	}
	if f.extra == nil {
		f.extra = make(map[int32]guardrails.Tally)
	}
	st := &f.state.steps[i]
	for _, t := range append([]int32{0}, st.tallies...) {
		sum := f.extra[t]
		expose(&sum, st.weight)
		f.extra[t] = sum
	}
}

func (f *liveFleet) close() {
	f.mu.Lock()
	f.state = nil
	f.mu.Unlock()
}

// Tally implements guardrails.Fleet.
func (f *liveFleet) Tally(label, value string) guardrails.Tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil {
		return guardrails.Tally{}
	}
	var i int32
	if label != "" || value != "" {
		var ok bool
		if i, ok = f.state.byLabel[[2]string{label, value}]; !ok {
			return guardrails.Tally{}
		}
	}
	t, more := f.state.tallies[i], f.extra[i]
	t.Exposed += more.Exposed
	t.Unproven += more.Unproven
	t.ExposedWeight += more.ExposedWeight
	t.UnprovenWeight += more.UnprovenWeight
	return t
}
