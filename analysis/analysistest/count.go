package analysistest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/tidegate-go/tidegate/analysis"
)

func addsUp(ctx context.Context, _ *bench, rig Rig) error {
	all, err := story(ctx, rig)
	if err != nil {
		return err
	}
	var made, got pair
	for _, s := range all {
		if s.made.canary.Kind == analysis.ValueKind {
			if different := samplesOf(s.Observation).differs(s.made); different != "" {
				return fmt.Errorf("in the window that ends at %v, %s", s.window.End, different)
			}
			continue
		}
		if s.made.canary.Kind == analysis.NoData && s.Canary.Kind == analysis.ValueKind {
			continue // what a value is without traffic is up to the source
		}
		made, got = made.plus(s.made), got.plus(samplesOf(s.Observation))
	}
	if different := got.differs(made); different != "" {
		return fmt.Errorf("over all windows, %s", different)
	}
	return nil
}

func losesNothing(ctx context.Context, _ *bench, rig Rig) error {
	if err := begin(ctx, rig); err != nil {
		return err
	}
	first, second := rig.window(2), rig.window(3)
	made := rig.traffic(first)
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := rig.Source.Observe(over, first); err == nil {
		return errors.New("its Observe with a cancelled context gave no error")
	}
	made = made.plus(rig.traffic(second))
	both := second
	both.Start = first.Start
	o, err := rig.Source.Observe(ctx, both)
	if err != nil {
		return fmt.Errorf("after an Observe that failed, the next one gave the error: %w", err)
	}
	if made.canary.Kind == analysis.ValueKind {
		return nil
	}
	if different := samplesOf(o).differs(made); different != "" {
		return fmt.Errorf("after an Observe that failed, in the window of both %s", different)
	}
	return nil
}

func sharedOrExclusive(ctx context.Context, _ *bench, rig Rig) error {
	const callers = 8
	_, exclusive := rig.Source.(analysis.Exclusive)
	if exclusive && !reflect.TypeOf(rig.Source).Comparable() {
		return fmt.Errorf("it is Exclusive, and a %T cannot be compared: use a pointer", rig.Source)
	}
	if err := begin(ctx, rig); err != nil {
		return err
	}
	w := rig.window(2)
	made := rig.traffic(w)
	var got [callers]pair
	var failed [callers]error
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			o, err := rig.Source.Observe(ctx, w)
			got[i], failed[i] = samplesOf(o), err
		})
	}
	wg.Wait()
	var sum pair
	for i := range callers {
		if failed[i] != nil && !(exclusive && errors.Is(failed[i], analysis.ErrNoData)) {
			return fmt.Errorf("one of %d concurrent calls gave the error: %w", callers, failed[i])
		}
		if different := got[i].differs(made); rig.Traffic != nil && !exclusive && different != "" {
			return fmt.Errorf("it is not Exclusive, and to one of %d callers, %s", callers, different)
		}
		sum = sum.plus(got[i])
	}
	if different := sum.differs(made); rig.Traffic != nil && exclusive && different != "" {
		return fmt.Errorf("by %d callers together, %s", callers, different)
	}
	return nil
}
