package analysistest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

func preflightCountsNothing(ctx context.Context, b *bench, rig Rig) error {
	source := rig.Source.(analysis.Preflighter)
	if err := refuses(ctx, "Preflight", func(ctx context.Context) error {
		return source.Preflight(ctx, rig.window(1))
	}); err != nil {
		return err
	}
	if err := sameWithPreflight(ctx, rig, b.rig()); err != nil {
		return err
	}
	if rig.Break == nil {
		return nil
	}
	rig.Break()
	if err := source.Preflight(ctx, rig.window(8)); err == nil {
		return errors.New("after Break, Preflight gave no error")
	}
	return nil
}

// sameWithPreflight observes with one rig what it also does with another, and has
// only one make preflights.
func sameWithPreflight(ctx context.Context, with, without Rig) error {
	for n := 1; n <= 4; n++ {
		preflight := func() error {
			if err := with.Source.(analysis.Preflighter).Preflight(ctx, with.window(n)); err != nil {
				return fmt.Errorf("its Preflight of window %d gave the error: %w", n, err)
			}
			return nil
		}
		if err := preflight(); err != nil {
			return err
		}
		if n > 1 {
			with.traffic(with.window(n))
			without.traffic(without.window(n))
		}
		if err := preflight(); err != nil {
			return err
		}
		a, err := with.Source.Observe(ctx, with.window(n))
		b, plain := without.Source.Observe(ctx, without.window(n))
		switch {
		case (err == nil) != (plain == nil):
			return fmt.Errorf("in window %d, Observe gave the error %v after a Preflight, and %v without", n, err, plain)
		case with.Traffic == nil:
			continue // the figures are not the same twice
		}
		if different := samplesOf(a).differs(samplesOf(b)); different != "" {
			return fmt.Errorf("in window %d, after a Preflight, %s", n, different)
		}
	}
	return nil
}
