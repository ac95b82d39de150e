package analysistest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

// seen is one window, what happened in it, and what the source said of that.
type seen struct {
	window analysis.Window
	made   pair
	analysis.Observation
}

// story has a source observe the first window, without traffic: for a source that
// counts what changes, that's where it begins. Three windows with traffic follow,
// and one without.
func story(ctx context.Context, rig Rig) (all []seen, err error) {
	for n := 1; n <= 5; n++ {
		s := seen{window: rig.window(n)}
		if 1 < n && n < 5 {
			s.made = rig.traffic(s.window)
		}
		if s.Observation, err = rig.Source.Observe(ctx, s.window); err != nil {
			if !s.made.canary.Has() && errors.Is(err, analysis.ErrNoData) {
				continue
			}
			return nil, fmt.Errorf("its Observe of window %d gave the error: %w", n, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// begin observes the first window only, without traffic.
func begin(ctx context.Context, rig Rig) error {
	if _, err := rig.Source.Observe(ctx, rig.window(1)); err != nil && !errors.Is(err, analysis.ErrNoData) {
		return fmt.Errorf("its Observe of the first window gave the error: %w", err)
	}
	return nil
}
