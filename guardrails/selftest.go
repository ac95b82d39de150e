package guardrails

import (
	"context"
	"errors"
	"fmt"
)

// ErrSelfTest: a guard let through what it is there to stop, or cannot prove that it
// would not.
var ErrSelfTest = errors.New("guardrails: a guard failed its self-test")

// A SelfTester is a Guard that can prove that it works: SelfTest puts a known-bad
// action before it, or before a copy of it with the same settings, and returns nil if
// that is refused for the reason that it should be. It changes nothing that later
// checks go by, touches nothing outside of the process, and is quick.
type SelfTester interface {
	Guard
	SelfTest(ctx context.Context) error
}

// SelfTest has every guard prove that it rejects something, before it is armed: at
// Knight, at CrowdStrike and at Cloudflare the check was there, and was never seen to
// say no. Every guard that is a SelfTester is tested, and so are those inside of All,
// First and Leashed. It returns the failures of all, each naming its guard and
// wrapping ErrSelfTest; nil if there are none. A panic is a failure. A guard that is
// no SelfTester proves nothing and fails nothing: see Untested.
func SelfTest(ctx context.Context, guards ...Guard) error {
	var failed []error
	for _, g := range guards {
		if err := selfTest(ctx, g); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// Untested returns the names of the guards that have no self-test.
func Untested(guards ...Guard) (names []string) {
	for _, g := range guards {
		switch g := g.(type) {
		case nil:
		case SelfTester:
		default:
			names = append(names, safeName(g))
		}
	}
	return names
}

func selfTest(ctx context.Context, g Guard) (err error) {
	tester, ok := g.(SelfTester)
	if !ok {
		return nil
	}
	name := safeName(g)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %s: it panicked: %v", ErrSelfTest, name, p)
		}
	}()
	if err := tester.SelfTest(ctx); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSelfTest, name, err)
	}
	return nil
}

// mustRefuse is the heart of most self-tests: the guard must answer an action with a
// breach of its own.
func mustRefuse(ctx context.Context, g Guard, act Action, what string) error {
	err := g.Check(ctx, act)
	if b := (*Breach)(nil); errors.As(err, &b) && b != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("it could not answer when shown %s: %w", what, err)
	}
	return fmt.Errorf("it let through %s", what)
}
