package guardrails

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

var (
	// ErrRefused says that nothing was run: a guard said no before it began, or it
	// could not be begun.
	ErrRefused = errors.New("guardrails: refused, and nothing was run")
	// ErrStopped says that a guard said no while it ran, so that it was told to stop.
	// What it had done by then is done.
	ErrStopped = errors.New("guardrails: stopped")
)

// Defaults of Guarded.
const (
	// DefaultStopGrace is how long what was told to stop may take for it.
	DefaultStopGrace = 10 * time.Second
	// MaxGuardedEvery is the longest time between two questions to a guard, and the
	// default.
	MaxGuardedEvery = time.Second
)

// Do runs a function under guards: see Guarded.Do.
func Do(ctx context.Context, guards []Guard, f func(context.Context) error) error {
	return Guarded{Guards: guards}.Do(ctx, f)
}

// Guarded runs a function (Do) or a program (Run) under guards: a script, a cron
// job, a migration, whatever changes production and is no rollout. The script that
// deleted 883 sites in 23 minutes (Atlassian, April 2022) was one.
//
// Before anything runs, every setting of a guard that makes no sense, every guard
// that fails its self-test and every guard that says no refuses it: that is
// ErrRefused. The guards are asked about a Start, and then about the verb of Action.
// While it runs, each guard is asked again about that verb each Every, and at once
// when it has news (Watcher). A no of whatever consequence stops it, a Hold as well:
// what runs by itself cannot be made to wait. That is ErrStopped.
//
// In both cases errors.As finds the gravest *Breach; its Consequence says what is to
// follow, such as no undoing after a Halt. A guard that errs, panics, or does not
// answer within five seconds has said no.
//
// A guard that counts targets, such as MaxExposure, has nothing to count here and
// says no.
//
// The zero Guarded has no guards and refuses everything. A Guarded may be used many
// times, and at the same time where its guards and its command may be.
type Guarded struct {
	Guards []Guard
	// Action is what is about to be done, as the guards are told. Its Verb is what is
	// asked about before and while it runs: Unknown counts as Deploy. A verb that takes
	// a change back, such as Undo, is not preceded by a Start. Its Issued, if zero, is
	// the time of the call.
	Action Action
	// Every is the time between two questions to a guard. Zero means MaxGuardedEvery,
	// and so does anything longer.
	Every time.Duration
	// Grace is how long what was told to stop may take for it: a program is then
	// killed, and of a function there is a note in the log. Zero means
	// DefaultStopGrace.
	Grace time.Duration
	// Log gets that note. Nil means slog.Default.
	Log *slog.Logger
}

// Do runs f in the calling goroutine. The context that f gets is done when a guard
// says no, with the *Breach as its cause (context.Cause), and when ctx is.
//
// If no guard says no, Do returns what f does. A breach is returned with what f
// returned, also if that was nil: f may have been done, or half done.
//
// Nothing can end a function from outside. One that ignores its context is waited
// for, however long it takes; after the Grace there is a note in the log. When Do
// returns, nothing that it started is at work but a guard that hangs.
func (g Guarded) Do(ctx context.Context, f func(context.Context) error) error {
	if f == nil {
		return fmt.Errorf("%w: the function is nil", ErrRefused)
	}
	return g.run(ctx, true, func(ctx context.Context) (bool, error) { return true, f(ctx) })
}

// run runs f, which tells whether it has begun, under guards.
func (g Guarded) run(ctx context.Context, note bool, f func(context.Context) (begun bool, err error)) error {
	g.Action = g.action()
	if err := g.admit(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	v := g.keepVigil(ctx, note)
	defer v.end() // even if f panics
	begun, err := f(v.work)
	breach, since := v.over()
	switch {
	case !begun && breach != nil:
		return fmt.Errorf("%w: %w", ErrRefused, breach)
	case !begun:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case breach == nil:
		return err
	case err == nil:
		return fmt.Errorf("%w: %w; it ended %v later, without an error", ErrStopped, breach, since)
	}
	return fmt.Errorf("%w: %w; it ended %v later: %w", ErrStopped, breach, since, err)
}

// admit says why nothing may begin, if so.
func (g Guarded) admit(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := g.prove(ctx); err != nil {
		return err
	}
	act := g.Action
	if !act.Verb.Backward() {
		start := act
		start.Verb = Start
		if b := g.askAll(ctx, start); b != nil {
			return b
		}
	}
	if b := g.askAll(ctx, act); b != nil {
		return b
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// prove says what is wrong with the guards themselves, if anything.
func (g Guarded) prove(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, errSilent)
	defer cancel()
	_, err := guarded(ctx, func(ctx context.Context) (struct{}, error) {
		var problems []string
		group{guards: g.Guards}.Problems(func(path, msg string) { problems = append(problems, path+" "+msg) })
		if len(problems) > 0 {
			return struct{}{}, errors.New("guardrails: " + strings.Join(problems, "; "))
		}
		return struct{}{}, SelfTest(ctx, g.Guards...)
	})
	if errors.Is(err, errSilent) {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	return err
}

// askAll asks every guard, and returns the gravest no.
func (g Guarded) askAll(ctx context.Context, act Action) (gravest *Breach) {
	for _, one := range g.Guards {
		if b, _ := ask(ctx, one, act); b != nil && (gravest == nil || b.Consequence > gravest.Consequence) {
			gravest = b
		}
	}
	return gravest
}

func (g Guarded) action() Action {
	act := g.Action
	if act.Verb == Unknown {
		act.Verb = Deploy
	}
	if act.Issued.IsZero() {
		act.Issued = time.Now()
	}
	return act
}

func (g Guarded) every() time.Duration {
	if g.Every > 0 {
		return min(g.Every, MaxGuardedEvery)
	}
	return MaxGuardedEvery
}

func (g Guarded) grace() time.Duration {
	if g.Grace > 0 {
		return g.Grace
	}
	return DefaultStopGrace
}

func (g Guarded) log() *slog.Logger {
	if g.Log != nil {
		return g.Log
	}
	return slog.Default()
}

// answerWithin is how long a guard may take to answer.
const answerWithin = 5 * time.Second

var errSilent = fmt.Errorf("no answer within %v", answerWithin)

// ask asks one guard, and tells whether that hangs.
func ask(ctx context.Context, g Guard, act Action) (b *Breach, hangs bool) {
	asking, cancel := context.WithTimeoutCause(ctx, answerWithin, errSilent)
	defer cancel()
	b, err := guarded(asking, func(ctx context.Context) (*Breach, error) { return Check(ctx, []Guard{g}, act), nil })
	if err != nil {
		name := "nil"
		if g != nil {
			name = safeName(g)
		}
		return &Breach{Guard: name, Reason: "the guard could not answer: " + err.Error(), Err: err}, true
	}
	return b, false
}
