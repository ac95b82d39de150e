package journaltest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
)

// refused makes sure that an Open is refused as it should be: for the lock, or
// for the rollout itself when that is empty. A lock's holder is named by its
// rollout.
func refused(ctx context.Context, j rollout.Journal, name, lock, holder string, locks ...string) error {
	s, err := j.Open(ctx, name, locks...)
	what := fmt.Sprintf("Open(%q, locks %q)", name, locks)
	if err == nil {
		return fmt.Errorf("%s was let through", what) // s is left open on purpose: the check ends here
	}
	if s != nil {
		return fmt.Errorf("%s gave both a session and the error: %w", what, err)
	}
	var held *rollout.HeldError
	switch {
	case !errors.Is(err, rollout.ErrHeld):
		return fmt.Errorf("%s gave an error that is not rollout.ErrHeld: %w", what, err)
	case !errors.As(err, &held):
		return fmt.Errorf("%s gave an error that is no *rollout.HeldError: %w", what, err)
	case held.Rollout != name || held.Lock != lock:
		return fmt.Errorf("%s gave Rollout %q, Lock %q, where they are %q and %q", what, held.Rollout, held.Lock, name, lock)
	case held.Holder == "" || !strings.Contains(held.Holder, holder):
		return fmt.Errorf("%s gave the Holder %q, which does not name %q", what, held.Holder, holder)
	}
	return nil
}

// left opens a rollout with locks, records the events and closes it.
func left(ctx context.Context, j rollout.Journal, name string, locks []string, events ...rollout.Event) error {
	s, err := open(ctx, j, name, locks...)
	if err != nil {
		return err
	}
	if len(events) > 0 {
		if err := add(ctx, s, events...); err != nil {
			return err
		}
	}
	return closing(s)
}

func oneHolder(ctx context.Context, j rollout.Journal) error {
	s, err := open(ctx, j, "r")
	if err != nil {
		return err
	}
	if err := refused(ctx, j, "r", "", ""); err != nil {
		return err
	}
	if err := add(ctx, s, started("r")); err != nil {
		return fmt.Errorf("after another was refused: %w", err)
	}
	if err := closing(s); err != nil {
		return err
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	return same(got, started("r"))
}

func lockExcludes(ctx context.Context, j rollout.Journal) error {
	s, err := open(ctx, j, "first", "checkout", "region/eu west")
	if err != nil {
		return err
	}
	for _, lock := range []string{"checkout", "region/eu west"} {
		if err := refused(ctx, j, "second", lock, "first", lock); err != nil {
			return err
		}
	}
	return closing(s)
}

func lockOutlivesSession(ctx context.Context, j rollout.Journal) error {
	locks := []string{"checkout"}
	if err := left(ctx, j, "first", locks, started("first")); err != nil {
		return err
	}
	if err := refused(ctx, j, "second", "checkout", "first", locks...); err != nil {
		return err
	}
	if err := left(ctx, j, "first", locks, ended(rollout.Completed), step("after the end")); err != nil {
		return fmt.Errorf("the rollout that the lock belongs to: %w", err)
	}
	return refused(ctx, j, "second", "checkout", "first", locks...)
}

// outcomes are those with which a rollout frees its locks, or keeps them.
func outcomes(free bool) (all []rollout.Phase) {
	for p := rollout.Pending; ; p++ {
		if _, err := p.MarshalText(); err != nil {
			return all
		}
		if ended(p).FreesLocks() == free {
			all = append(all, p)
		}
	}
}

func endedFreesLocks(ctx context.Context, j rollout.Journal) error {
	for _, outcome := range outcomes(true) {
		name := "first-" + outcome.String()
		s, err := open(ctx, j, name, "checkout", "payment")
		if err != nil {
			return err
		}
		if err := add(ctx, s, started(name), ended(outcome)); err != nil {
			return err
		}
		if err := refused(ctx, j, "second", "checkout", name, "checkout"); err != nil {
			return fmt.Errorf("after Ended as %s, before Close: %w", outcome, err)
		}
		if err := closing(s); err != nil {
			return err
		}
		other := "second-" + outcome.String()
		if err := left(ctx, j, other, []string{"checkout", "payment"}, started(other), ended(rollout.Completed)); err != nil {
			return fmt.Errorf("after Ended as %s and Close: %w", outcome, err)
		}
	}
	return nil
}

func haltedKeepsLocks(ctx context.Context, j rollout.Journal) error {
	for _, outcome := range outcomes(false) {
		name, lock := "first-"+outcome.String(), "lock-"+outcome.String()
		if err := left(ctx, j, name, []string{lock}, started(name), ended(outcome)); err != nil {
			return err
		}
		if err := refused(ctx, j, "second", lock, name, lock); err != nil {
			return fmt.Errorf("after Ended as %s and Close: %w", outcome, err)
		}
	}
	return nil
}

func emptyHoldsNothing(ctx context.Context, j rollout.Journal) error {
	if err := left(ctx, j, "first", []string{"checkout"}); err != nil {
		return err
	}
	return left(ctx, j, "second", []string{"checkout"}, started("second"))
}

func allOrNothing(ctx context.Context, j rollout.Journal) error {
	if err := left(ctx, j, "first", []string{"m"}, started("first")); err != nil {
		return err
	}
	if err := refused(ctx, j, "second", "m", "first", "z", "m", "a"); err != nil {
		return err
	}
	if err := left(ctx, j, "third", []string{"a", "z"}, started("third")); err != nil {
		return fmt.Errorf("after an Open that was refused: %w", err)
	}
	return left(ctx, j, "second", []string{"other"}, started("second"))
}

func epochGrows(ctx context.Context, j rollout.Journal) error {
	last := uint64(0)
	for i := range 4 {
		s, err := open(ctx, j, "r")
		if err != nil {
			return err
		}
		if s.Epoch() <= last {
			return fmt.Errorf("its Open number %d has epoch %d, the one before it had %d", i+1, s.Epoch(), last)
		}
		last = s.Epoch()
		if i == 1 {
			if err := add(ctx, s, started("r")); err != nil {
				return err
			}
		}
		if err := closing(s); err != nil {
			return err
		}
	}
	return nil
}

func closeTwice(ctx context.Context, j rollout.Journal) error {
	first, err := open(ctx, j, "r", "checkout")
	if err != nil {
		return err
	}
	if err := errors.Join(add(ctx, first, started("r")), closing(first), closing(first)); err != nil {
		return err
	}
	second, err := open(ctx, j, "r", "checkout")
	if err != nil {
		return err
	}
	if err := closing(first); err != nil {
		return err
	}
	if err := refused(ctx, j, "r", "", ""); err != nil {
		return fmt.Errorf("after a stale Close: %w", err)
	}
	return errors.Join(add(ctx, second, step("a")), closing(second))
}

func fencesOff(ctx context.Context, j rollout.Journal) error {
	stale, err := open(ctx, j, "r")
	if err != nil {
		return err
	}
	if err := add(ctx, stale, started("r")); err != nil {
		return err
	}
	j.(Stealer).Steal("r")
	holder, err := open(ctx, j, "r")
	if err != nil {
		return fmt.Errorf("after the lease was lost: %w", err)
	}
	if holder.Epoch() <= stale.Epoch() {
		return fmt.Errorf("the new holder's epoch is %d, the old one's %d", holder.Epoch(), stale.Epoch())
	}
	for range 2 {
		if err := stale.Append(ctx, step("stale")); !errors.Is(err, rollout.ErrFenced) {
			return fmt.Errorf("its Append without the lease gave the error: %v", err)
		}
	}
	if lost := stale.Lost(); lost != nil {
		select {
		case <-lost:
		default:
			return errors.New("its Lost is still open after an Append that was fenced off")
		}
	}
	_ = stale.Close() // may complain, must not harm
	if err := refused(ctx, j, "r", "", ""); err != nil {
		return fmt.Errorf("after the stale session's Close: %w", err)
	}
	if err := errors.Join(add(ctx, holder, step("of the holder")), closing(holder)); err != nil {
		return err
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	return same(got, started("r"), step("of the holder"))
}
