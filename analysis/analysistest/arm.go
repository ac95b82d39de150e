package analysistest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

func emptyCanary(ctx context.Context, _ *bench, rig Rig) error {
	if err := begin(ctx, rig); err != nil {
		return err
	}
	w := rig.window(2)
	rig.traffic(w)
	w.Canary.Members = nil
	o, err := rig.Source.Observe(ctx, w)
	switch {
	case err != nil && !errors.Is(err, analysis.ErrNoData):
		return fmt.Errorf("without members of the canary, Observe gave an error that is not analysis.ErrNoData: %w", err)
	case err == nil && o.Canary.Has():
		return fmt.Errorf("without members, the canary has %s", describe(o.Canary))
	}
	return nil
}

func emptyBaseline(ctx context.Context, _ *bench, rig Rig) error {
	without := func(n int) analysis.Window {
		w := rig.window(n)
		w.Baseline.Members = nil
		return w
	}
	if _, err := rig.Source.Observe(ctx, without(1)); err != nil && !errors.Is(err, analysis.ErrNoData) {
		return fmt.Errorf("without members of the baseline, Observe of the first window gave the error: %w", err)
	}
	rig.traffic(rig.window(2))
	o, err := rig.Source.Observe(ctx, without(2))
	switch {
	case err != nil:
		return fmt.Errorf("without members of the baseline, Observe gave the error: %w", err)
	case o.Baseline.Has():
		return fmt.Errorf("without members, the baseline has %s", describe(o.Baseline))
	case !o.Canary.Has():
		return fmt.Errorf("without members of the baseline, the canary is %s", describe(o.Canary))
	}
	return nil
}
