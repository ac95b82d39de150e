package analysistest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

func historyInOrder(ctx context.Context, _ *bench, rig Rig) error {
	const spans = 6
	source := rig.Source.(analysis.Historian)
	var made [spans]pair
	for i := range made {
		made[i] = rig.traffic(rig.window(i + 1))
	}
	whole := rig.window(1)
	every := whole.End.Sub(whole.Start)
	whole.End = rig.window(spans).End

	all, err := source.History(ctx, whole, every)
	if err != nil {
		return fmt.Errorf("its History gave the error: %w", err)
	}
	last := -1
	for _, o := range all {
		if err := errors.Join(formed(o), survives(o)); err != nil {
			return err
		}
		// A time at the end of a span belongs to it, and one at its start does not.
		since := o.At.Sub(whole.Start)
		span := int((since+every-1)/every) - 1
		switch {
		case since <= 0 || o.At.After(whole.End):
			return fmt.Errorf("its History has an observation of %v, in a window from %v to %v", o.At, whole.Start, whole.End)
		case span < last:
			return fmt.Errorf("its History has an observation of %v after a later one: oldest first", o.At)
		case span == last:
			return fmt.Errorf("its History has two observations of the span that ends at %v", rig.window(span+1).End)
		}
		last = span
		if different := samplesOf(o).differs(made[span]); rig.Traffic != nil && o.Err == "" && different != "" {
			return fmt.Errorf("in the span that ends at %v, %s", rig.window(span+1).End, different)
		}
	}
	if len(all) == 0 {
		return errors.New("its History of a time with traffic is empty")
	}
	return refuses(ctx, "History", func(ctx context.Context) error {
		_, err := source.History(ctx, whole, every)
		return err
	})
}
