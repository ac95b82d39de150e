package guardrails

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// DefaultTasteTimeout is how long a taste may take that runs to its end.
const DefaultTasteTimeout = time.Minute

// Taste loads the artifact in one sacrificial process before any target does. Whatever
// the artifact does to what loads it, it does to that one first.
//
// What it would have stopped: CrowdStrike, 19 July 2024. A content file made the sensor
// that loaded it read out of bounds; it had passed its validator, and went to 8.5 million
// machines at once, which could not boot any more. To load it once would have shown it.
//
// The program runs to its end and has to exit with status 0; or, with For, has to be
// still alive after that time, and an early end is a failure, whatever its status. Then
// its whole process group is sent TERM, and KILL two seconds later, and nothing of it is
// left. It has to load the artifact as a target does: a process that merely starts
// proves nothing.
//
// It tastes at a Start. A step goes by that verdict, however old it is; only where there
// is none, as after a crash, does the first step taste. Where that takes longer than a
// check may (5 seconds in a rollout), call Run first and start within Fresh. Verbs other
// than Start, Deploy and those that it does not know pass.
//
// A program that cannot be run has not passed. The zero Taste refuses everything that it
// minds; Problems says why. Use it by pointer, one for each artifact. All methods are
// safe for concurrent use. Who comes while a taste is under way waits for it, and it runs
// to its end even if the check that began it is cancelled. The fields must not be changed
// after the first of them is called.
type Taste struct {
	// Args are the program and its arguments, never a line for a shell. Required.
	Args []string
	// KnownBad, if there is any, is what Args would be with an artifact that is known to
	// be bad, for SelfTest: that has to fail.
	KnownBad []string
	// Dir is the directory to run in, and Env the whole environment, as NAME=value. Empty
	// and nil mean this process's own.
	Dir string
	Env []string
	// For is how long the program has to stay alive. Zero means that it runs to its end.
	For time.Duration
	// Timeout is how long it may take to its end. Zero means DefaultTasteTimeout. It does
	// not count with For.
	Timeout time.Duration
	// MaxOutput is the most that it may write to standard output, in bytes; more is a
	// failure. Zero means 1 MiB.
	MaxOutput int
	// Fresh is how old a verdict may be that a rollout starts on. Zero means DefaultFresh.
	Fresh time.Duration

	verdict verdict
}

// errTasted ends a program that has stayed alive for as long as it should.
var errTasted = errors.New("it stayed alive")

// GuardName returns "taste".
func (t *Taste) GuardName() string { return "taste" }

// Problems reports every setting that makes no sense.
func (t *Taste) Problems(report func(path, msg string)) {
	if len(t.Args) == 0 || t.Args[0] == "" {
		report("Args", "name no program, so nothing would be tasted")
	}
	for _, d := range []struct {
		path  string
		value time.Duration
	}{{"For", t.For}, {"Timeout", t.Timeout}, {"Fresh", t.Fresh}} {
		if d.value < 0 {
			report(d.path, fmt.Sprintf("is negative (%v)", d.value))
		}
	}
	if t.MaxOutput < 0 {
		report("MaxOutput", fmt.Sprintf("is negative (%d)", t.MaxOutput))
	}
}

// Run tastes now, whatever was found before, and returns what went wrong. A taste that is
// under way counts.
func (t *Taste) Run(ctx context.Context) error {
	if _, err := t.verdict.try(ctx, t.limit(), t.taste); err != nil {
		return fmt.Errorf("guardrails: %s: %w", t.GuardName(), err)
	}
	return nil
}

// Check returns a *Breach that holds when the artifact has not passed.
func (t *Taste) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Unknown, Start, Deploy: // and every verb to come
	}
	settled, err := t.verdict.of(ctx, act.Verb, orElse(t.Fresh, DefaultFresh), t.limit(), t.taste)
	switch {
	case !settled:
		return &Breach{
			Guard: t.GuardName(), Reason: "the artifact is still being tasted", Err: err,
			Runbook: "Wait for it. Where a taste takes long, call Taste.Run before the rollout starts.",
		}
	case err != nil:
		return &Breach{
			Guard: t.GuardName(), Reason: "the process that tasted the artifact did not survive it", Evidence: plainText(err.Error()), Err: err,
			Runbook: "Run the same program by hand to see what happens. Do not deploy this artifact.",
		}
	}
	return nil
}

func (t *Taste) limit() time.Duration {
	if t.For > 0 {
		return t.For + groupEnd
	}
	return orElse(t.Timeout, DefaultTasteTimeout) + groupEnd
}

// taste runs the program. It returns when nothing of it is left.
func (t *Taste) taste(ctx context.Context) error {
	var wrong []string
	t.Problems(func(path, msg string) { wrong = append(wrong, path+" "+msg) })
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	enough, end := t.For, errTasted
	if t.For == 0 {
		enough = orElse(t.Timeout, DefaultTasteTimeout)
		end = fmt.Errorf("it did not end within %v", enough)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, enough, end)
	defer cancel()
	_, err := procgroup.Command{Args: t.Args, Dir: t.Dir, Env: t.Env, MaxOutput: t.MaxOutput}.Run(ctx)
	switch {
	case t.For > 0 && errors.Is(err, errTasted):
		return nil
	case t.For > 0 && err == nil:
		return fmt.Errorf("it ended by itself, and should have stayed alive for %v", t.For)
	}
	return err
}

// SelfTest has KnownBad tasted, which must not survive, and has the guard refuse what a
// program that cannot be run was to taste. Only KnownBad starts a process, and that takes
// its time.
func (t *Taste) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(t); wrong != "" {
		return errors.New(wrong)
	}
	try := func(args []string) *Taste {
		return &Taste{Args: args, Dir: t.Dir, Env: t.Env, For: t.For, Timeout: t.Timeout, MaxOutput: t.MaxOutput}
	}
	start := Action{Verb: Start}
	if len(t.KnownBad) > 0 {
		if err := mustRefuse(ctx, try(t.KnownBad), start, "an artifact that is known to be bad"); err != nil {
			return err
		}
	}
	return mustRefuse(ctx, try([]string{"./no such program, for the self-test\x00"}), start, "an artifact that could not be tasted")
}
