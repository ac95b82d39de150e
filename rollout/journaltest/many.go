package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tidegate-go/tidegate/rollout"
)

// atOnce calls f for each number up to n, all at once, and returns what they gave.
func atOnce[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			results[i] = f(i)
		})
	}
	close(begin)
	wg.Wait()
	return results
}

// tried is what came of an Open.
type tried struct {
	session rollout.Session
	err     error
}

// oneOf returns the one session that was let in where all were to be refused but one.
func oneOf(all []tried) (winner rollout.Session, err error) {
	won := 0
	for _, t := range all {
		switch {
		case t.err == nil:
			winner = t.session
			won++
		case !errors.Is(t.err, rollout.ErrHeld):
			return nil, fmt.Errorf("one of %d Opens at once gave an error that is not rollout.ErrHeld: %w", len(all), t.err)
		}
	}
	if won != 1 {
		return nil, fmt.Errorf("%d of %d Opens at once were let in", won, len(all))
	}
	return winner, nil
}

func oneOfManyHolders(ctx context.Context, j rollout.Journal) error {
	const rounds, runners = 10, 8
	last := uint64(0)
	for range rounds {
		s, err := oneOf(atOnce(runners, func(int) tried {
			s, err := j.Open(ctx, "r", "checkout")
			return tried{s, err}
		}))
		if err != nil {
			return err
		}
		if s.Epoch() <= last {
			return fmt.Errorf("the one that was let in has epoch %d, the one before it had %d", s.Epoch(), last)
		}
		last = s.Epoch()
		if err := errors.Join(add(ctx, s, step("x")), closing(s)); err != nil {
			return err
		}
	}
	got, err := reread(ctx, j, "r")
	if err == nil && len(got) != rounds {
		err = fmt.Errorf("the journal has %d events where %d were recorded", len(got), rounds)
	}
	return err
}

func oneOfManyRollouts(ctx context.Context, j rollout.Journal) error {
	const rounds, rollouts = 5, 6
	for round := range rounds {
		s, err := oneOf(atOnce(rollouts, func(i int) tried {
			locks := []string{"checkout", "payment"}
			if i%2 == 1 { // who takes them one by one must not lock the others out, and itself
				locks[0], locks[1] = locks[1], locks[0]
			}
			s, err := j.Open(ctx, fmt.Sprintf("round-%d-%d", round, i), locks...)
			return tried{s, err}
		}))
		if err != nil {
			return err
		}
		if err := errors.Join(add(ctx, s, step("x"), ended(rollout.Completed)), closing(s)); err != nil {
			return err
		}
	}
	return nil
}

func fencesOffMany(ctx context.Context, j rollout.Journal) error {
	const writers, batches = 6, 5
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
	want := []rollout.Event{started("r")}
	for i := range batches {
		want = append(want, step("%d-a", i), step("%d-b", i))
	}
	errs := atOnce(1+writers, func(i int) error {
		if i == 0 {
			for b := range batches {
				if err := add(ctx, holder, step("%d-a", b), step("%d-b", b)); err != nil {
					return fmt.Errorf("the holder, beside one that is fenced off: %w", err)
				}
			}
			return nil
		}
		for range batches {
			if err := stale.Append(ctx, step("stale"), step("stale")); !errors.Is(err, rollout.ErrFenced) {
				return fmt.Errorf("one of many Appends without the lease gave the error: %v", err)
			}
		}
		return nil
	})
	_ = stale.Close()
	if err := errors.Join(append(errs, closing(holder))...); err != nil {
		return err
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	return same(got, want...)
}
