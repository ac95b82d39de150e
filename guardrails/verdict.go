package guardrails

import (
	"context"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// DefaultFresh is how old a verdict may be that a rollout starts on.
const DefaultFresh = time.Minute

// groupEnd is more than the time that a process group takes to end.
const groupEnd = 4 * procgroup.DefaultGrace

// A verdict is what a trial came to that is made once, and not for each step. The zero
// value is ready to use, and safe for concurrent use.
type verdict struct {
	mu    sync.Mutex
	err   error // nil if it passed
	at    time.Time
	trial chan struct{} // closed when the trial under way is over; nil if none is
}

// try makes a trial, unless one is under way, and waits for its end as long as ctx
// allows. A trial has as long as limit, whoever goes away meanwhile. settled is false
// when ctx was done first.
func (v *verdict) try(ctx context.Context, limit time.Duration, trial func(context.Context) error) (settled bool, err error) {
	v.mu.Lock()
	over := v.trial
	if over == nil {
		over = make(chan struct{})
		v.trial = over
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
			defer cancel()
			_, err := guarded(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, trial(ctx) })
			v.mu.Lock()
			defer v.mu.Unlock()
			v.err, v.at, v.trial = err, time.Now(), nil
			close(over)
		}()
	}
	v.mu.Unlock()
	select {
	case <-over:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return true, v.err
}

// of returns the verdict, and makes a trial if there is none that counts: a start takes
// one that passed no longer than fresh ago, a step any that passed or failed.
func (v *verdict) of(ctx context.Context, verb Verb, fresh, limit time.Duration, trial func(context.Context) error) (settled bool, err error) {
	v.mu.Lock()
	known, err := !v.at.IsZero(), v.err
	if verb == Start {
		known = known && err == nil && time.Since(v.at) <= fresh
	}
	v.mu.Unlock()
	if known {
		return true, err
	}
	return v.try(ctx, limit, trial)
}
