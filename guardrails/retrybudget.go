package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxRetries bounds how many times a RetryBudget remembers.
const maxRetries = 100_000

// A RetryBudget caps how many retries automation may spend within a time: within any
// span as long as Per, no more than Max. Share one among all that retries.
//
// What it would have bounded: at Google Cloud (12 June 2025) the cause was found in 10
// minutes and the fix was out in 40, but us-central1 took 2 h 40: its tasks began anew
// all together, and overran the database that they needed.
//
// Take takes one retry, or says why not:
//
//	for try := 0; ; try++ {
//		if err = step(ctx); err == nil || try == 3 {
//			return err
//		}
//		if b := retries.Take(); b != nil {
//			return errors.Join(err, b)
//		}
//	}
//
// As a guard it takes nothing. It minds Start and Deploy (and a verb that it does not
// know), and holds them while none is left: where so much fails, nothing new should be
// begun. Undo and Recover always pass, and Take should not be asked about what takes a
// change back. No override lifts it.
//
// The zero RetryBudget has nothing to spend. What was spent is forgotten with the
// process. Use it by pointer; it is safe for concurrent use, waits for nothing, and the
// fields must not be changed once it is used.
type RetryBudget struct {
	// Max is how many retries may be spent within any time as long as Per.
	Max int
	Per time.Duration

	mu    sync.Mutex
	spent []time.Time // a ring of Max, once it is full
	next  int         // where the next goes, which is the oldest
}

// GuardName returns "retry-budget".
func (r *RetryBudget) GuardName() string { return "retry-budget" }

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it.
func (r *RetryBudget) Problems(report func(path, msg string)) {
	if r.Max < 1 || r.Max > maxRetries {
		report("Max", fmt.Sprintf("is %d: want 1 to %d retries", r.Max, maxRetries))
	}
	if r.Per <= 0 {
		report("Per", fmt.Sprintf("is %v: want a time", r.Per))
	}
}

// Take spends a retry, and returns nil; or a breach, if none is left. It does not wait.
func (r *RetryBudget) Take() *Breach {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait, ok := r.wait(now); !ok || wait > 0 {
		return r.none(now, wait, ok)
	}
	if len(r.spent) < r.Max {
		r.spent = append(r.spent, now)
		return nil
	}
	r.spent[r.next] = now
	r.next = (r.next + 1) % r.Max
	return nil
}

// Check returns a *Breach that holds while no retry is left.
func (r *RetryBudget) Check(_ context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Unknown, Start, Deploy: // and every verb to come
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait, ok := r.wait(now); !ok || wait > 0 {
		return r.none(now, wait, ok)
	}
	return nil
}

// wait returns how long until there is a retry to spend; ok is false if there never
// will be. The caller holds mu.
func (r *RetryBudget) wait(now time.Time) (wait time.Duration, ok bool) {
	if r.Max < 1 || r.Max > maxRetries || r.Per <= 0 {
		return 0, false
	}
	if len(r.spent) < r.Max {
		return 0, true
	}
	return max(0, r.Per-now.Sub(r.spent[r.next])), true
}

// none says that no retry is left.
func (r *RetryBudget) none(now time.Time, wait time.Duration, ok bool) *Breach {
	b := &Breach{
		Guard: r.GuardName(), Cap: true, Reason: "automation has spent its retries: too much fails for it to go on trying",
		Evidence: fmt.Sprintf("%d within %s; the next at %s, in %s", r.Max, roughly(r.Per), now.Add(wait).UTC().Format("15:04:05 MST"), roughly(wait)),
		Runbook:  "Find out what fails. Retries come back by themselves.",
	}
	if !ok {
		b.Reason, b.Evidence = "the retry budget is none", ""
		r.Problems(func(path, msg string) { b.Evidence = cmp.Or(b.Evidence, path+" "+msg) })
		b.Runbook = "Correct its settings."
	}
	return b
}

// SelfTest proves that a budget with these settings allows Max retries, and then no
// more.
func (r *RetryBudget) SelfTest(ctx context.Context) error {
	var wrong error
	r.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return wrong
	}
	trial := &RetryBudget{Max: r.Max, Per: max(r.Per, time.Hour)}
	for range trial.Max {
		if err := trial.Check(ctx, Action{Verb: Deploy}); err != nil {
			return fmt.Errorf("it held a change with retries left: %w", err)
		}
		if b := trial.Take(); b != nil {
			return fmt.Errorf("it refused a retry too early: %w", b)
		}
	}
	if trial.Take() == nil {
		return errors.New("it gave a retry too many")
	}
	return mustRefuse(ctx, trial, Action{Verb: Deploy}, "a change with no retries left")
}
