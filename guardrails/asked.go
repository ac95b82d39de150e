package guardrails

import (
	"context"
	"sync"
	"time"
)

// asked keeps the answer to a question that takes I/O, so that a check of many steps
// asks once and not for each. The zero value is ready to use, and safe for concurrent
// use.
type asked[T any] struct {
	mu     sync.Mutex
	answer T
	err    error
	at     time.Time     // when it was asked; zero for never
	asking chan struct{} // closed when the question under way is answered; nil if none is
}

// get returns an answer that is no older than every, and asks if there is none. Who
// comes while the question is under way waits for the same answer, as long as ctx
// allows, and takes it however soon it is too old. A question has as long as limit, whoever goes away meanwhile.
func (a *asked[T]) get(ctx context.Context, every, limit time.Duration, ask func(context.Context) (T, error)) (T, error) {
	for waited := false; ; waited = true {
		a.mu.Lock()
		if !a.at.IsZero() && (waited || time.Since(a.at) < every) {
			defer a.mu.Unlock()
			return a.answer, a.err
		}
		wait := a.asking
		if wait == nil {
			wait = make(chan struct{})
			a.asking = wait
			go a.ask(context.WithoutCancel(ctx), limit, wait, ask)
		}
		a.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			var none T
			return none, context.Cause(ctx)
		}
	}
}

// ask asks, and keeps the answer.
func (a *asked[T]) ask(ctx context.Context, limit time.Duration, done chan struct{}, ask func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := guarded(ctx, ask)
	a.mu.Lock()
	a.answer, a.err, a.at, a.asking = answer, err, time.Now(), nil
	a.mu.Unlock()
	close(done)
}

// watch asks every so often until ctx is done, and calls changed after an answer that
// differs from the one before in what tells says of it.
func (a *asked[T]) watch(ctx context.Context, every, limit time.Duration, ask func(context.Context) (T, error), tells func(T, error) string, changed func()) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	last, first := "", true
	for {
		answer, err := a.get(ctx, every/2, limit, ask)
		if ctx.Err() != nil {
			return
		}
		if now := tells(answer, err); first || now != last {
			if !first {
				changed()
			}
			last, first = now, false
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}
