package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// DefaultBudgetEvery is how old what an ErrorBudget knows may be.
const DefaultBudgetEvery = 30 * time.Second

// An ErrorBudget lets only fixes and rollbacks be made while little is left of what
// the service may fail: the users have had their share of trouble for this month.
//
// What it would have bounded: at Amazon (March 2026, as the press had it) there were 1.6
// million errors and 120,000 lost orders on the 2nd, and three days later a change cost
// nearly all orders of North America for hours. A budget that the 2nd had used up would
// have held that change.
//
// It minds Start and Deploy (and a verb that it does not know), so a rollout that is
// under way when the budget runs out stays where it is, or goes back; Undo and Recover
// always pass. It holds, and a human may override it.
//
// Budget is asked in the background by Watch, and by the Check that finds the answer
// older than Every; it may take four seconds. While it does not answer, answers with
// an error or with something that is no share, everything is held: so does the zero
// ErrorBudget. Use it by pointer; it is safe for concurrent use, and the fields must
// not be changed once it is used.
type ErrorBudget struct {
	// Budget returns the share of the error budget that is left: 1 is all of it, 0
	// nothing, and less than 0 an overdraft. It must be safe for concurrent use.
	Budget func(ctx context.Context) (remaining float64, err error)
	// Min is the share at which it begins to hold, such as 0.1. Zero means that all has
	// to be used up.
	Min float64
	// Fix, when not empty, is why this change is a fix: it then passes, whatever is left.
	Fix string
	// Every is how old an answer may be. Zero means DefaultBudgetEvery.
	Every time.Duration

	busy  atomic.Bool
	asked asked[float64]
}

// GuardName returns "error-budget".
func (e *ErrorBudget) GuardName() string { return "error-budget" }

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it.
func (e *ErrorBudget) Problems(report func(path, msg string)) {
	if e.Budget == nil {
		report("Budget", "is nil: nobody knows what is left")
	}
	if !(e.Min >= 0 && e.Min < 1) {
		report("Min", fmt.Sprintf("is %v: want a share from 0 to less than 1, such as 0.1", e.Min))
	}
	if e.Every != 0 && e.Every < minEvery {
		report("Every", fmt.Sprintf("is %v: want %v or more", e.Every, minEvery))
	}
}

func (e *ErrorBudget) every() time.Duration {
	if e.Every > 0 {
		return max(e.Every, minEvery)
	}
	return DefaultBudgetEvery
}

// Check returns a *Breach that holds when no more than Min is left, and when that is
// not known.
func (e *ErrorBudget) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Unknown, Start, Deploy: // and every verb to come
	}
	if plainText(e.Fix) != "" {
		return nil
	}
	left, err := e.left(ctx)
	switch {
	case err != nil:
		return &Breach{
			Guard: e.GuardName(), Reason: "it is not known how much of the error budget is left: " + err.Error(), Err: err,
			Runbook: "Make the source of the error budget answer. For a fix, say so in Fix.",
		}
	case left > e.Min:
		return nil
	}
	return &Breach{
		Guard: e.GuardName(), Reason: "too little of the error budget is left: only fixes and rollbacks may be made",
		Evidence: fmt.Sprintf("%.4g%% left; more than %.4g%% is needed", 100*left, 100*e.Min),
		Runbook:  "Make the service more reliable, or wait until the budget has grown. For a fix, say so in Fix.",
	}
}

// left returns the share that is left.
func (e *ErrorBudget) left(ctx context.Context) (float64, error) {
	var wrong error
	if e.Budget == nil || !(e.Min >= 0 && e.Min < 1) {
		e.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
		return 0, wrong
	}
	return e.asked.get(ctx, e.every(), askPatience, e.ask)
}

// ask asks, and takes no answer for good that makes no sense.
func (e *ErrorBudget) ask(ctx context.Context) (float64, error) {
	left, err := oneAtATime(ctx, &e.busy, e.Budget)
	if err == nil && (math.IsNaN(left) || math.IsInf(left, 0) || left > 1) {
		err = fmt.Errorf("%v is no share: want 1 for all of it, 0 for nothing", left)
	}
	return left, err
}

// Watch asks each Every until ctx is done, and calls changed when there has come to be
// enough, too little, or nobody who knows.
func (e *ErrorBudget) Watch(ctx context.Context, changed func()) {
	if e.Budget == nil || plainText(e.Fix) != "" {
		return
	}
	e.asked.watch(ctx, e.every(), askPatience, e.ask, func(left float64, err error) string {
		switch {
		case err != nil:
			return "unknown"
		case left > e.Min:
			return "enough"
		}
		return "little"
	}, changed)
}

// SelfTest proves that a guard with these settings holds a change when Min is left,
// and when nobody answers, and that it lets one pass when all is left. A Fix is left
// out of account.
func (e *ErrorBudget) SelfTest(ctx context.Context) error {
	var wrong error
	e.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return wrong
	}
	with := func(left float64, err error) *ErrorBudget {
		return &ErrorBudget{Min: e.Min, Budget: func(context.Context) (float64, error) { return left, err }}
	}
	if err := with(1, nil).Check(ctx, Action{Verb: Deploy}); err != nil {
		return fmt.Errorf("it held a change with the whole budget left: %w", err)
	}
	return errors.Join(
		mustRefuse(ctx, with(e.Min, nil), Action{Verb: Deploy}, "a change with too little left"),
		mustRefuse(ctx, with(1, errors.New("self-test")), Action{Verb: Deploy}, "a change of which nobody knows"),
	)
}
