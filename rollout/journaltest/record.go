package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tidegate-go/tidegate/rollout"
)

func newIsEmpty(ctx context.Context, j rollout.Journal) error {
	s, err := open(ctx, j, "r")
	if err != nil {
		return err
	}
	events, err := read(s)
	if err != nil {
		return err
	}
	if err := same(events); err != nil {
		return err
	}
	if s.Epoch() == 0 {
		return errors.New("the first epoch is 0")
	}
	return closing(s)
}

func keepsOrder(ctx context.Context, j rollout.Journal) error {
	var want []rollout.Event
	for round := range 3 {
		s, err := open(ctx, j, "r")
		if err != nil {
			return err
		}
		got, err := read(s)
		if err != nil {
			return err
		}
		if err := same(got, want...); err != nil {
			return fmt.Errorf("in session %d: %w", round+1, err)
		}
		batch := []rollout.Event{started("r"), step("%d-a", round), step("%d-b", round)}
		want = append(append(want, batch...), step("%d-c", round))
		if err := add(ctx, s, batch...); err != nil {
			return err
		}
		if err := add(ctx, s); err != nil {
			return err
		}
		if err := add(ctx, s, step("%d-c", round)); err != nil {
			return err
		}
		if err := closing(s); err != nil {
			return err
		}
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	return same(got, want...)
}

func eventsOfBefore(ctx context.Context, j rollout.Journal) error {
	s, err := open(ctx, j, "r")
	if err != nil {
		return err
	}
	before := []rollout.Event{started("r"), step("a"), step("b")}
	if err := add(ctx, s, before...); err != nil {
		return err
	}
	if got, err := read(s); err != nil || len(got) > 0 {
		return fmt.Errorf("a session sees %d of its own appends (error %v)", len(got), err)
	}
	if err := closing(s); err != nil {
		return err
	}
	if s, err = open(ctx, j, "r"); err != nil {
		return err
	}
	if err := add(ctx, s, step("c")); err != nil {
		return err
	}
	for range s.Events() {
		break
	}
	got, err := read(s)
	if err != nil {
		return err
	}
	if err := same(got, before...); err != nil {
		return err
	}
	return closing(s)
}

func copiesSlice(ctx context.Context, j rollout.Journal) error {
	s, err := open(ctx, j, "r")
	if err != nil {
		return err
	}
	batch := []rollout.Event{started("r"), step("mine")}
	if err := add(ctx, s, batch...); err != nil {
		return err
	}
	batch[1] = step("overwritten by the caller")
	if err := closing(s); err != nil {
		return err
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	return same(got, started("r"), step("mine"))
}

func rolloutsApart(ctx context.Context, j rollout.Journal) error {
	a, err := open(ctx, j, "a", "service-a")
	if err != nil {
		return err
	}
	b, err := open(ctx, j, "b", "service-b")
	if err != nil {
		return err
	}
	if err := errors.Join(add(ctx, a, step("of a")), add(ctx, b, step("of b")), closing(a), closing(b)); err != nil {
		return err
	}
	gotA, errA := reread(ctx, j, "a")
	gotB, errB := reread(ctx, j, "b")
	return errors.Join(errA, errB, same(gotA, step("of a")), same(gotB, step("of b")))
}

func batchesWhole(ctx context.Context, j rollout.Journal) error {
	const writers, batches, size = 8, 20, 3
	s, err := open(ctx, j, "r")
	if err != nil {
		return err
	}
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				events := make([]rollout.Event, size)
				for i := range events {
					events[i] = step("%d", w)
					events[i].Attempts = b*size + i
				}
				errs[w] = errors.Join(errs[w], add(ctx, s, events...))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(append(errs, closing(s))...); err != nil {
		return err
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	if len(got) != writers*batches*size {
		return fmt.Errorf("the journal has %d events where %d were appended", len(got), writers*batches*size)
	}
	next := make(map[string]int)
	for i, ev := range got {
		if ev.Attempts != next[ev.Step] {
			return fmt.Errorf("event %d is number %d of writer %s, whose number %d was due", i+1, ev.Attempts, ev.Step, next[ev.Step])
		}
		next[ev.Step]++
		if i%size > 0 && ev.Step != got[i-1].Step {
			return fmt.Errorf("event %d is of writer %s, in the middle of a batch of writer %s", i+1, ev.Step, got[i-1].Step)
		}
	}
	return nil
}

func appendAfterClose(ctx context.Context, j rollout.Journal) error {
	s, err := open(ctx, j, "r")
	if err != nil {
		return err
	}
	if err := errors.Join(add(ctx, s, started("r")), closing(s)); err != nil {
		return err
	}
	if s.Append(ctx, step("late")) == nil {
		return errors.New("its Append after Close gave no error")
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	return same(got, started("r"))
}

func cancelledRefuses(ctx context.Context, j rollout.Journal) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := j.Open(cancelled, "r", "service"); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("its Open with a cancelled context gave the error: %v", err)
	}
	s, err := open(ctx, j, "r", "service")
	if err != nil {
		return err
	}
	if err := s.Append(cancelled, step("cancelled")); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("its Append with a cancelled context gave the error: %v", err)
	}
	if err := errors.Join(add(ctx, s, step("after")), closing(s)); err != nil {
		return err
	}
	got, err := reread(ctx, j, "r")
	if err != nil {
		return err
	}
	return same(got, step("after"))
}
