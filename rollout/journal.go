package rollout

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// A Journal is the durable memory of rollouts: an append-only list of events
// for each, and the lease that lets one runner at a time act on it.
type Journal interface {
	// Open takes the rollout, and every lock, for this caller, and returns what
	// was recorded of it so far. A lock belongs to one rollout until that has
	// Ended for good (Event.FreesLocks), through crashes too; but a rollout of
	// which nothing was recorded has touched nothing and holds no lock. When
	// another has the rollout or a lock, the error is a *HeldError.
	Open(ctx context.Context, rollout string, locks ...string) (Session, error)
}

// A Session is one runner's hold on one rollout.
type Session interface {
	// Events yields what was recorded before Open, in order. An error ends the
	// sequence.
	Events() iter.Seq2[Event, error]
	// Append records events, in order. When it returns nil they are durable.
	// When it fails, none, some or all may be, in order and each whole, and the
	// session must not be appended to again. ErrFenced says that the lease was
	// lost. It may be called concurrently.
	Append(ctx context.Context, events ...Event) error
	// Epoch is the fencing token: it grows with every Open of the rollout.
	Epoch() uint64
	// Lost is closed when the lease is lost. It may be nil where that cannot
	// happen.
	Lost() <-chan struct{}
	// Close gives the rollout up, and its locks too if it has Ended. A second
	// Close does nothing.
	Close() error
}

// HeldError says that another runner has what was asked for. It is an ErrHeld.
type HeldError struct {
	// Rollout is what could not be opened.
	Rollout string
	// Lock is the lock that is held, empty when it is the rollout itself.
	Lock string
	// Holder says who has it: the rollout, and where known process and host.
	Holder string
	// Since is when they took it; zero when unknown.
	Since time.Time
}

// Error returns who holds what, since when.
func (e *HeldError) Error() string {
	what := "rollout " + e.Rollout
	if e.Lock != "" {
		what = "lock " + e.Lock + ", wanted by rollout " + e.Rollout + ","
	}
	since := ""
	if !e.Since.IsZero() {
		since = " since " + e.Since.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("rollout: %s is held by %s%s", what, e.Holder, since)
}

// Is reports whether target is ErrHeld.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }
