package guardrails

import (
	"context"
	"fmt"
)

// Check asks every guard and returns the gravest no, always as a *Breach, or
// nil when all are content: a Halt matters more than a Rollback, which matters
// more than a Hold; of equals the first counts.
//
// Nothing is let through by a bug in a guard. A nil guard, a panic, an error
// that is no breach, a nil *Breach returned as an error, and a ctx that is done
// before all guards have answered become a Breach that holds; a consequence
// that does not exist halts.
//
// Check is safe for concurrent use where the guards are.
func Check(ctx context.Context, guards []Guard, act Action) *Breach {
	var gravest *Breach
	for _, g := range guards {
		b := checkOne(ctx, g, act)
		if b != nil && (gravest == nil || b.Consequence > gravest.Consequence) {
			gravest = b
		}
	}
	if gravest == nil && ctx.Err() != nil {
		err := context.Cause(ctx)
		return &Breach{Guard: "check", Reason: "the guards were not given the time to answer: " + err.Error(), Err: err}
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
	b, nilBreach := gravestIn(err)
	switch {
	case b != nil:
		return whole(g, b)
	case nilBreach:
		return &Breach{Guard: safeName(g), Reason: "the guard returned a nil *Breach as an error, which is neither yes nor no"}
	}
	return &Breach{Guard: safeName(g), Reason: "the guard could not answer: " + err.Error(), Err: err}
}

// gravestIn finds the gravest breach that err is, wraps or joins, and tells
// whether it met a nil one.
func gravestIn(err error) (gravest *Breach, nilBreach bool) {
	var within []error
	switch e := err.(type) { //nolint:errorlint // this is the unwrapping
	case *Breach:
		return e, e == nil
	case interface{ Unwrap() error }:
		within = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		within = e.Unwrap()
	}
	for _, inner := range within {
		b, isNil := gravestIn(inner)
		nilBreach = nilBreach || isNil
		if b != nil && (gravest == nil || b.Consequence > gravest.Consequence) {
			gravest = b
		}
	}
	return gravest, nilBreach
}

// whole fills in what a guard left out of its breach, without changing the
// guard's own copy: others may be reading it.
func whole(g Guard, b *Breach) *Breach {
	if b.Guard != "" && b.Reason != "" && b.Consequence.known() {
		return b
	}
	w := *b
	if w.Guard == "" {
		w.Guard = safeName(g)
	}
	if w.Reason == "" {
		w.Reason = "the guard gave no reason"
	}
	if !w.Consequence.known() {
		w.Reason += fmt.Sprintf(" (its consequence %d does not exist, so it halts)", uint8(w.Consequence))
		w.Consequence = Halt
	}
	return &w
}

// safeName is Name for a guard that may panic.
func safeName(g Guard) (name string) {
	defer func() {
		if recover() != nil {
			name = fmt.Sprintf("%T", g)
		}
	}()
	return Name(g)
}
