package guardrails

import (
	"context"
	"fmt"
)

// A Guard says whether automation may do one thing now. Nil: go on. A *Breach
// says why not, and what should happen. Any other error, and a panic, counts as
// a Breach that holds: a broken guard lets nothing through.
//
// Check is called before the rollout, before every step, and again and again
// during a bake, from several goroutines at once. It must be quick and return
// when ctx is done; a guard that has to ask somebody does so in the background
// (see Watcher).
type Guard interface {
	Check(ctx context.Context, act Action) error
}

// Func makes a function a Guard.
type Func func(ctx context.Context, act Action) error

// Check calls f.
func (f Func) Check(ctx context.Context, act Action) error { return f(ctx, act) }

// A Namer is a Guard that has a name of its own for reports and overrides.
// Other guards go by their type.
type Namer interface {
	GuardName() string
}

// A Watcher is a Guard that learns of things between checks, such as a kill
// switch being tripped. Watch is run by whoever enforces the guard, in a
// goroutine of its own, until ctx is done; it calls changed when the next
// Check may answer differently, so that nobody has to wait for the next poll.
type Watcher interface {
	Guard
	Watch(ctx context.Context, changed func())
}

// Name returns the guard's name: its own, or its type's.
func Name(g Guard) string {
	if n, ok := g.(Namer); ok {
		return n.GuardName()
	}
	return fmt.Sprintf("%T", g)
}
