package guardrails

import (
	"context"
	"errors"
	"sync/atomic"
)

var errStillHangs = errors.New("it has not answered an earlier question yet")

// oneAtATime is guarded for what is asked again and again: it does not ask while an
// earlier question hangs, so that what hangs for ever is left behind once, and not
// every few seconds. busy belongs to whom is asked.
func oneAtATime[T any](ctx context.Context, busy *atomic.Bool, f func(context.Context) (T, error)) (T, error) {
	if !busy.CompareAndSwap(false, true) {
		var none T
		return none, errStillHangs
	}
	return guarded(ctx, func(ctx context.Context) (T, error) {
		defer busy.Store(false)
		return f(ctx)
	})
}
