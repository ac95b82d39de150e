package rollout

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
)

// admit asks all guards about steps that are about to begin, in order, each
// with those before it counted. It returns how many may begin, and the no that
// stopped it there. The loop waits for the answers, for a while: nothing else
// may change the state meanwhile.
func (w *guardWatch) admit(steps []Effect) (admitted int, breach *guardrails.Breach) {
	if len(w.polls) == 0 {
		return len(steps), nil
	}
	inq := inquiry{
		guards: w.e.plan.Guards, lifted: make([]bool, len(w.polls)), hung: make([]bool, len(w.polls)),
		back: w.e.state.takesAllBack(),
	}
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
	if len(w.polls) == 0 {
		return nil
	}
	a := w.inquire(ctx, &inquiry{
		guards: w.e.plan.Guards, lifted: make([]bool, len(w.polls)), hung: make([]bool, len(w.polls)),
		acts: []guardrails.Action{w.e.ofPlan(w.e.plan.action(guardrails.Start, 0))}, before: func(int) {},
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
	back   bool          // everything is being taken back
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
	p.busy, p.late, p.since = true, true, time.Now()
	number := p.number
	w.e.helpers.Go(func() {
		<-answer
		w.e.post(func() {
			if p.number == number {
				p.busy, p.late = false, false
				w.ask(i, time.Now())
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
		if inq.back {
			b = onTheWayBack(b)
		}
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

// onTheWayBack returns what a guard's no means while everything is being taken back. An
// alarm that asks for just that rings on until it is done, and holds up no undo. A cap
// holds whatever it asks for.
func onTheWayBack(b *guardrails.Breach) *guardrails.Breach {
	switch {
	case b == nil || b.Consequence != guardrails.Rollback:
		return b
	case !b.Cap:
		return nil
	}
	held := *b
	held.Consequence = guardrails.Hold
	return &held
}
