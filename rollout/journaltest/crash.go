package journaltest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/tidegate-go/tidegate/rollout"
)

// crash ends the session that has the rollout. Where the journal cannot simulate that, the
// loss of the lease comes closest.
func crash(j rollout.Journal, name string) {
	if c, ok := j.(Crasher); ok {
		c.Crash(name)
		return
	}
	j.(Stealer).Steal(name)
}

func locksSurviveCrash(ctx context.Context, j rollout.Journal) error {
	locks := []string{"checkout", "payment"}
	s, err := open(ctx, j, "first", locks...)
	if err != nil {
		return err
	}
	if err := add(ctx, s, started("first")); err != nil {
		return err
	}
	crash(j, "first")
	for range 2 {
		for _, lock := range locks {
			if err := refused(ctx, j, "second", lock, "first", lock); err != nil {
				return fmt.Errorf("after the crash of the rollout that has it: %w", err)
			}
		}
	}
	again, err := open(ctx, j, "first", locks...)
	if err != nil {
		return fmt.Errorf("after its crash: %w", err)
	}
	if again.Epoch() <= s.Epoch() {
		return fmt.Errorf("after a crash the epoch is %d, and %d before", again.Epoch(), s.Epoch())
	}
	if err := errors.Join(add(ctx, again, ended(rollout.Completed)), closing(again)); err != nil {
		return err
	}
	return left(ctx, j, "second", locks, started("second"))
}

func crashBeforeAnything(ctx context.Context, j rollout.Journal) error {
	if _, err := open(ctx, j, "first", "checkout"); err != nil {
		return err
	}
	crash(j, "first")
	return left(ctx, j, "second", []string{"checkout"}, started("second"))
}

func crashAfterEnded(ctx context.Context, j rollout.Journal) error {
	for _, c := range []struct {
		outcome rollout.Phase
		frees   bool
	}{{rollout.RolledBack, true}, {rollout.Halted, false}} {
		name, lock := "first-"+c.outcome.String(), "lock-"+c.outcome.String()
		s, err := open(ctx, j, name, lock)
		if err != nil {
			return err
		}
		if err := add(ctx, s, started(name), ended(c.outcome)); err != nil {
			return err
		}
		crash(j, name)
		if c.frees {
			err = left(ctx, j, "second", []string{lock}, started("second"), ended(rollout.Completed))
		} else {
			err = refused(ctx, j, "second", lock, name, lock)
		}
		if err != nil {
			return fmt.Errorf("after Ended as %s and a crash before Close: %w", c.outcome, err)
		}
	}
	return nil
}

// batch is the events of one Append of several, each with its place in it.
func batch(writer, number, size int) []rollout.Event {
	events := make([]rollout.Event, size)
	for i := range events {
		events[i] = step("%d/%d", writer, number)
		events[i].Attempts = i + 1
	}
	return events
}

// wholeOrBegun makes sure that of each batch its events are there from the first on, in
// order and together, and of one that was acknowledged all.
func wholeOrBegun(got []rollout.Event, size int, acknowledged map[string]bool) error {
	seen := make(map[string]int)
	for i, ev := range got {
		if ev.Attempts != seen[ev.Step]+1 {
			return fmt.Errorf("event %d is number %d of the Append %s, of which there are %d so far", i+1, ev.Attempts, ev.Step, seen[ev.Step])
		}
		if ev.Attempts > 1 && got[i-1].Step != ev.Step {
			return fmt.Errorf("event %d is of the Append %s, in the middle of %s", i+1, got[i-1].Step, ev.Step)
		}
		seen[ev.Step]++
	}
	for name := range acknowledged {
		if seen[name] != size {
			return fmt.Errorf("the Append %s gave no error, and %d of its %d events are there", name, seen[name], size)
		}
	}
	return nil
}

func crashKeepsAcknowledged(ctx context.Context, j rollout.Journal) error {
	const rounds, writers, most, size = 5, 4, 100, 3
	number := 0
	acknowledged := make(map[string]bool)
	for round := range rounds {
		s, err := open(ctx, j, "r")
		if err != nil {
			return fmt.Errorf("after %d crashes: %w", round, err)
		}
		got, err := read(s)
		if err != nil {
			return fmt.Errorf("after %d crashes: %w", round, err)
		}
		if err := wholeOrBegun(got, size, acknowledged); err != nil {
			return fmt.Errorf("after %d crashes: %w", round, err)
		}
		var through, gone atomic.Int64
		appended := atOnce(1+writers, func(i int) (names []string) {
			if i == 0 {
				for through.Load() < int64(2*(round+1)) && gone.Load() < writers {
					runtime.Gosched()
				}
				crash(j, "r")
				return nil
			}
			defer gone.Add(1)
			for n := number; n < number+most && s.Append(ctx, batch(i, n, size)...) == nil; n++ {
				names = append(names, batch(i, n, 1)[0].Step)
				through.Add(1)
			}
			return names
		})
		for _, names := range appended {
			for _, name := range names {
				acknowledged[name] = true
			}
			number += len(names) + 1
		}
	}
	return nil
}

func failedAppendIsBegun(ctx context.Context, j rollout.Journal) error {
	const rounds, size = 20, 5
	acknowledged := make(map[string]bool)
	for round := range rounds {
		s, err := open(ctx, j, "r")
		if err != nil {
			return err
		}
		interrupted, cancel := context.WithCancel(ctx)
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				for range round * 50 {
					_ = interrupted.Err() // a while
				}
				cancel()
				return nil
			}
			return s.Append(interrupted, batch(0, round, size)...)
		})
		cancel()
		if errs[1] == nil {
			acknowledged[batch(0, round, 1)[0].Step] = true
		}
		_ = s.Close() // may complain after an Append that failed
		got, err := reread(ctx, j, "r")
		if err != nil {
			return err
		}
		if err := wholeOrBegun(got, size, acknowledged); err != nil {
			return fmt.Errorf("after %d Appends, the last of which gave the error %v: %w", round+1, errs[1], err)
		}
	}
	return nil
}
