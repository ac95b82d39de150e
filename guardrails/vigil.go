package guardrails

import (
	"context"
	"sync"
	"time"
)

// vigil asks the guards again and again while something runs, and tells it to stop.
type vigil struct {
	work   context.Context // what runs, runs in this
	cancel context.CancelCauseFunc
	watch  context.Context // outlives work: what is stopping is still watched
	close  context.CancelFunc
	own    sync.WaitGroup

	mu     sync.Mutex
	ended  bool
	first  time.Time // when a guard first said no
	breach *Breach   // the gravest
}

// keepVigil begins to ask the guards. The caller calls end.
func (g Guarded) keepVigil(ctx context.Context, note bool) *vigil {
	v := &vigil{}
	v.work, v.cancel = context.WithCancelCause(ctx)
	v.watch, v.close = context.WithCancel(context.WithoutCancel(ctx))
	for _, one := range g.Guards {
		poke := make(chan struct{}, 1)
		if w, ok := one.(Watcher); ok {
			v.own.Go(func() {
				defer func() { _ = recover() }() // it is asked each Every all the same
				w.Watch(v.watch, func() { signalOn(poke) })
			})
		}
		v.own.Go(func() { v.poll(one, g.Action, g.every(), poke) })
	}
	if note {
		v.own.Go(func() { v.note(g) })
	}
	return v
}

// poll asks one guard each so often, and when it is poked.
func (v *vigil) poll(g Guard, act Action, every time.Duration, poke <-chan struct{}) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		b, hangs := ask(v.watch, g, act)
		if v.watch.Err() != nil {
			return
		}
		if b != nil {
			v.said(b)
		}
		if hangs {
			return // it is not asked again while it is asked
		}
		select {
		case <-ticks.C:
		case <-poke:
		case <-v.watch.Done():
			return
		}
	}
}

// said takes in a no.
func (v *vigil) said(b *Breach) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		return
	}
	if v.breach == nil {
		v.first = time.Now()
		v.cancel(b)
	}
	if v.breach == nil || b.Consequence > v.breach.Consequence {
		v.breach = b
	}
}

// note tells the log of a function that was told to stop and does not.
func (v *vigil) note(g Guarded) {
	select {
	case <-v.work.Done():
	case <-v.watch.Done():
		return
	}
	late := time.NewTimer(g.grace())
	defer late.Stop()
	select {
	case <-late.C:
		g.log().Warn("guardrails: what was told to stop has not ended, and is waited for",
			"grace", g.grace(), "why", context.Cause(v.work))
	case <-v.watch.Done():
	}
}

// over says that what ran has ended. It returns the gravest no up to now, and how
// long ago the first was.
func (v *vigil) over() (*Breach, time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended = true
	return v.breach, time.Since(v.first).Round(time.Millisecond)
}

// end stops asking, and waits until nobody does; but not for a guard that hangs.
func (v *vigil) end() {
	v.over()
	v.close()
	v.cancel(nil)
	gone := make(chan struct{})
	go func() {
		v.own.Wait()
		close(gone)
	}()
	late := time.NewTimer(answerWithin)
	defer late.Stop()
	select {
	case <-gone:
	case <-late.C:
	}
}
