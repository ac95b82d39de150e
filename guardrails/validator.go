package guardrails

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// DefaultValidateTimeout is how long a validation may take.
const DefaultValidateTimeout = time.Minute

// Validator has the artifact looked at before wave 1: by a schema, by a function, by a
// program (see ValidateBy). No wave begins with an artifact that did not pass.
//
// What it would have stopped: Google Cloud, 12 June 2025. A policy with blank fields was
// replicated to all regions within seconds, and whatever read it crashed, again and
// again. To look at the row first would have shown that it is not whole.
//
// It validates at a Start. A step goes by that verdict, however old it is; only where
// there is none, as after a crash, does the first step validate. Nothing is validated
// again otherwise, but by Run: call that first, too, where a validation takes longer
// than a check may (5 seconds in a rollout), and start within Fresh. Verbs other than
// Start, Deploy and those that it does not know pass.
//
// A validation that cannot run, that panics, or that says nothing within Timeout has not
// passed. The zero Validator refuses everything that it minds; Problems says why. Use it
// by pointer, one for each artifact. All methods are safe for concurrent use. Who comes
// while a validation is under way waits for it, and it runs to its end even if the check
// that began it is cancelled. The fields must not be changed after the first of them is
// called.
type Validator struct {
	// Validate returns nil if the artifact is fit to be deployed, and else says what is
	// wrong with it. Its ctx ends after Timeout, and it should come to an end then; one
	// that does not is given up on 8 seconds later. Required.
	Validate func(ctx context.Context) error
	// KnownBad, if not nil, does the same with an artifact that is known to be bad, for
	// SelfTest: it has to return an error. A validator that was never seen to say no may
	// be one that cannot.
	KnownBad func(ctx context.Context) error
	// Timeout is how long a validation may take. Zero means DefaultValidateTimeout.
	Timeout time.Duration
	// Fresh is how old a verdict may be that a rollout starts on. Zero means DefaultFresh.
	Fresh time.Duration

	verdict verdict
}

// GuardName returns "validator".
func (v *Validator) GuardName() string { return "validator" }

// Problems reports every setting that makes no sense.
func (v *Validator) Problems(report func(path, msg string)) {
	if v.Validate == nil {
		report("Validate", "is nil, so nothing would be validated")
	}
	if v.Timeout < 0 {
		report("Timeout", fmt.Sprintf("is negative (%v)", v.Timeout))
	}
	if v.Fresh < 0 {
		report("Fresh", fmt.Sprintf("is negative (%v)", v.Fresh))
	}
}

// Run validates now, whatever was found before, and returns what is wrong with the
// artifact. A validation that is under way counts.
func (v *Validator) Run(ctx context.Context) error {
	_, err := v.verdict.try(ctx, v.timeout()+groupEnd, v.validate)
	if err != nil {
		return fmt.Errorf("guardrails: %s: %w", v.GuardName(), err)
	}
	return nil
}

// Check returns a *Breach that holds when the artifact has not passed.
func (v *Validator) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Unknown, Start, Deploy: // and every verb to come
	}
	settled, err := v.verdict.of(ctx, act.Verb, orElse(v.Fresh, DefaultFresh), v.timeout()+groupEnd, v.validate)
	switch {
	case !settled:
		return &Breach{
			Guard: v.GuardName(), Reason: "the artifact is still being validated", Err: err,
			Runbook: "Wait for it. Where a validation takes long, call Validator.Run before the rollout starts.",
		}
	case err != nil:
		return &Breach{
			Guard: v.GuardName(), Reason: "the artifact did not pass its validation", Evidence: plainText(err.Error()), Err: err,
			Runbook: "Mend the artifact, and start anew. If the validator is wrong, mend that first.",
		}
	}
	return nil
}

func (v *Validator) timeout() time.Duration { return orElse(v.Timeout, DefaultValidateTimeout) }

// validate ends with Validate, and not with its ctx: a program has to be gone by then.
func (v *Validator) validate(ctx context.Context) error {
	if v.Validate == nil {
		return errors.New("there is nothing to validate it by")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, v.timeout(), fmt.Errorf("it said nothing within %v", v.timeout()))
	defer cancel()
	return v.Validate(ctx)
}

// SelfTest has KnownBad validated, which must find fault, and has the guard refuse an
// artifact that a validation found fault with, and one that it says nothing about.
// Without KnownBad it cannot tell whether Validate itself ever says no. KnownBad may
// start a program.
func (v *Validator) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(v); wrong != "" {
		return errors.New(wrong)
	}
	start := Action{Verb: Start}
	if v.KnownBad != nil {
		bad := &Validator{Validate: v.KnownBad, Timeout: v.Timeout}
		if err := mustRefuse(ctx, bad, start, "an artifact that is known to be bad"); err != nil {
			return err
		}
	}
	faulty := &Validator{Validate: func(context.Context) error { return errors.New("self-test") }}
	if err := mustRefuse(ctx, faulty, start, "an artifact that did not pass"); err != nil {
		return err
	}
	silent := &Validator{Timeout: time.Millisecond, Validate: func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}}
	return mustRefuse(ctx, silent, start, "an artifact that the validator said nothing about")
}

// ValidateBy returns a validation by a program: its exit status is the verdict, 0 for fit,
// and what it wrote to standard error, or else to standard output, says what is wrong.
// args are the program and its arguments, never a line for a shell; name the artifact
// among them. The program runs in a process group of its own, which is gone when the
// validation ends, by itself or by its Timeout. One that writes more than 1 MiB has not
// passed.
func ValidateBy(args ...string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		out, err := procgroup.Command{Args: args}.Run(ctx)
		if err == nil {
			return nil
		}
		if len(out.Stderr) == 0 {
			if said := lastPart(out.Stdout); said != "" {
				return fmt.Errorf("%w (it said %s)", err, said)
			}
		}
		return err
	}
}

// lastPart quotes the end of what a program wrote.
func lastPart(out []byte) string {
	const most = 300
	if len(out) > most {
		out = out[len(out)-most:]
	}
	text := plainText(string(out))
	if text == "" {
		return ""
	}
	return strconv.Quote(text)
}
