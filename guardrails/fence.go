package guardrails

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrStale is what a breach of Fence wraps when a change has been overtaken: the target
// has a newer one, or the change was decided on too long ago.
var ErrStale = errors.New("guardrails: stale change")

const (
	// DefaultSeenTimeout is how long a Fence waits for a target to say what it has.
	DefaultSeenTimeout = time.Second
	// maxAhead is how far a clock elsewhere may be ahead of this one.
	maxAhead = time.Minute
)

// Fence refuses a change that has been overtaken, at the write: one that is older than
// what the target has, and one that was decided on too long ago. A check at the start
// does not do: what was the newest plan then may be an old one when it is written.
//
// What it would have stopped: AWS DynamoDB in us-east-1, 19 and 20 October 2025. Each of
// three workers checked once that its DNS plan was newer than the last one. One of them
// was slow, and wrote its old plan over a newer one; a clean-up then deleted that old
// plan, and with it every address of the endpoint.
//
// It minds Deploy and a verb that it does not know, at each step. At a Start it minds
// MaxAge, and that the whole rollout fits into it where act.Longest tells how long that
// may take. It minds an Undo as well, but only if it is known that the target has
// something newer, for there is nothing of this change to be taken back any more, and
// what would be lost is somebody else's; an Undo is never too old, and passes where
// nobody can tell. Bake and Recover pass.
//
// A moment remains between its yes and the write. To leave none, call Check where the
// write is made, inside of the lock or the transaction, with a Seen that reads what is
// about to be replaced; or have the target itself compare Sequence, and the Fence of the
// runner, which come with each action. The same Sequence again is no older, so that a
// step can be tried again.
//
// The zero Fence has nothing to compare, and holds every Deploy; Problems reports it. A
// stale change stays stale, so what it holds is held until somebody aborts it; no
// override lifts it. It is a plain value that keeps nothing, and safe for concurrent use
// if Seen is.
type Fence struct {
	// MaxAge is how old a change may be when it is written, by act.Issued. It has to be
	// longer than the rollout, with its bakes. Zero means that age does not matter.
	MaxAge time.Duration
	// Seen returns the sequence number of the change that a target has, 0 if it has none.
	// It is asked at each step, and not kept, so it should be quick; its ctx ends after
	// Timeout. Nil means that only MaxAge counts.
	Seen func(ctx context.Context, target string) (sequence uint64, err error)
	// Timeout is how long Seen may take. Zero means DefaultSeenTimeout.
	Timeout time.Duration
}

// GuardName returns "fence".
func (f Fence) GuardName() string { return "fence" }

// Problems reports every setting that makes no sense.
func (f Fence) Problems(report func(path, msg string)) {
	if f.MaxAge == 0 && f.Seen == nil {
		report("Seen", "is nil, and MaxAge is not set, so there is nothing to compare and nothing would be let through")
	}
	if f.MaxAge < 0 {
		report("MaxAge", fmt.Sprintf("is negative (%v)", f.MaxAge))
	}
	if f.Timeout < 0 {
		report("Timeout", fmt.Sprintf("is negative (%v)", f.Timeout))
	}
}

// Check returns a *Breach that holds, and is a cap, when the change is stale (it wraps
// ErrStale then), and when that cannot be told.
func (f Fence) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Recover:
		return nil
	case Undo:
		return f.undo(ctx, act)
	case Unknown, Start, Deploy: // and every verb to come
	}
	if (f.MaxAge == 0 && f.Seen == nil) || f.MaxAge < 0 || f.Timeout < 0 {
		return f.cannotTell(firstProblem(f), nil, "Correct the plan's Fence.")
	}
	if f.MaxAge > 0 {
		if b := f.aged(act, time.Now()); b != nil {
			return b
		}
	}
	if f.Seen == nil || act.Verb == Start {
		return nil
	}
	switch {
	case act.Sequence == 0:
		return f.cannotTell("the action has no sequence number", nil, "Number the changes of the service: set Release.Sequence.")
	case act.Target == "":
		return f.cannotTell("the action names no target", nil, "Say what is about to be changed.")
	}
	seen, err := f.seen(ctx, act.Target)
	if err != nil {
		return f.cannotTell(fmt.Sprintf("what %s has could not be found out: %v", act.Target, err), err, "Make the target say which change it has.")
	}
	if seen > act.Sequence {
		return f.overtaken(act, seen)
	}
	return nil
}

// undo refuses to put an old version over a change that is newer than the one to be
// undone.
func (f Fence) undo(ctx context.Context, act Action) error {
	if f.Seen == nil || act.Sequence == 0 || act.Target == "" {
		return nil
	}
	if seen, err := f.seen(ctx, act.Target); err == nil && seen > act.Sequence {
		return f.overtaken(act, seen)
	}
	return nil
}

func (f Fence) seen(ctx context.Context, target string) (uint64, error) {
	timeout := orElse(f.Timeout, DefaultSeenTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	return guarded(ctx, func(ctx context.Context) (uint64, error) { return f.Seen(ctx, target) })
}

// aged refuses what was decided on too long ago, or nobody knows when.
func (f Fence) aged(act Action, now time.Time) *Breach {
	if act.Issued.IsZero() {
		return f.cannotTell("the action does not say when the change was decided on", nil, "Set Release.Issued.")
	}
	age := now.Sub(act.Issued)
	issued := func() string {
		return fmt.Sprintf("issued %s, %v ago; the most is %v", act.Issued.UTC().Format(time.RFC3339), age.Round(time.Second), f.MaxAge)
	}
	switch {
	case age < -maxAhead:
		return f.cannotTell(fmt.Sprintf("the change was issued at %s, which is yet to come", act.Issued.UTC().Format(time.RFC3339)), nil, "Set the clocks right.")
	case age > f.MaxAge:
		return f.stale("the change was decided on too long ago", issued())
	case act.Verb == Start && act.Longest > 0 && age+act.Longest > f.MaxAge:
		return f.stale("the change would be too old before the rollout ends", fmt.Sprintf("%s, and the rollout may take %v", issued(), act.Longest))
	}
	return nil
}

func (f Fence) overtaken(act Action, seen uint64) *Breach {
	return f.stale(fmt.Sprintf("%s has a newer change than this", act.Target), fmt.Sprintf("it has number %d, and this is number %d", seen, act.Sequence))
}

func (f Fence) stale(reason, evidence string) *Breach {
	return &Breach{
		Guard: f.GuardName(), Consequence: Hold, Cap: true, Err: ErrStale, Reason: reason, Evidence: evidence,
		Runbook: "Abort this, and plan anew from what the targets have now. No override lifts it: what is there is newer.",
	}
}

func (f Fence) cannotTell(evidence string, err error, runbook string) *Breach {
	return &Breach{Guard: f.GuardName(), Consequence: Hold, Cap: true, Err: err, Reason: "it cannot be told whether the change has been overtaken", Evidence: evidence, Runbook: runbook}
}

// SelfTest has the same rules refuse a change that is older than what the target has,
// and one that is too old. It asks no real target.
func (f Fence) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(f); wrong != "" {
		return errors.New(wrong)
	}
	now := time.Now()
	if f.MaxAge > 0 {
		old := Action{Verb: Deploy, Target: "self-test", Issued: now.Add(-f.MaxAge - time.Second), Sequence: 1}
		if err := mustBeStale(Fence{MaxAge: f.MaxAge}.Check(ctx, old), "a change that was older than MaxAge"); err != nil {
			return err
		}
	}
	if f.Seen != nil {
		newer := Fence{Seen: func(context.Context, string) (uint64, error) { return 2, nil }, Timeout: f.Timeout}
		for _, verb := range []Verb{Deploy, Undo} {
			act := Action{Verb: verb, Target: "self-test", Issued: now, Sequence: 1}
			if err := mustBeStale(newer.Check(ctx, act), fmt.Sprintf("a %v of a change that the target had a newer one than", verb)); err != nil {
				return err
			}
		}
	}
	return nil
}

func mustBeStale(err error, what string) error {
	switch {
	case errors.Is(err, ErrStale):
		return nil
	case err != nil:
		return fmt.Errorf("it could not answer when shown %s: %w", what, err)
	}
	return fmt.Errorf("it let through %s", what)
}
