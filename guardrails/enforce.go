package guardrails

import (
	"context"
	"errors"
	"fmt"
)

// Check asks the guards in order and returns the first no, always as a
// *Breach, or nil when all are content. An error that is no breach, a panic,
// and a context that is done become a Breach that holds: nothing is let
// through by a bug in a guard.
//
// A Halt matters more than a Rollback, which matters more than a Hold, so all
// guards are asked and the gravest answer is returned; of equals the first.
func Check(ctx context.Context, guards []Guard, act Action) *Breach {
	var gravest *Breach
	for _, g := range guards {
		b := checkOne(ctx, g, act)
		if b != nil && (gravest == nil || b.Consequence > gravest.Consequence) {
			gravest = b
		}
	}
	return gravest
}

func checkOne(ctx context.Context, g Guard, act Action) (breach *Breach) {
	if g == nil {
		return &Breach{Guard: "nil", Reason: "the guard is nil, so it can let nothing through"}
	}
	defer func() {
		if p := recover(); p != nil {
			breach = &Breach{Guard: safeName(g), Reason: fmt.Sprintf("the guard panicked: %v", p)}
		}
	}()
	err := g.Check(ctx, act)
	if err == nil {
		return nil
	}
	if b, ok := asBreach(err); ok && b != nil {
		if b.Guard == "" {
			named := *b
			named.Guard = Name(g)
			return &named
		}
		return b
	}
	return &Breach{Guard: Name(g), Reason: "the guard could not answer: " + err.Error(), Err: err}
}

// safeName is Name for a guard that is known to panic.
func safeName(g Guard) (name string) {
	defer func() {
		if recover() != nil {
			name = fmt.Sprintf("%T", g)
		}
	}()
	return Name(g)
}

func asBreach(err error) (*Breach, bool) {
	var b *Breach
	ok := errors.As(err, &b)
	return b, ok
}
