package analysistest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

func brokenIsAnError(ctx context.Context, _ *bench, rig Rig) error {
	if err := begin(ctx, rig); err != nil {
		return err
	}
	for n := 2; n <= 4; n++ {
		w := rig.window(n)
		if n == 2 {
			rig.traffic(w)
			rig.Break()
		}
		o, err := rig.Source.Observe(ctx, w)
		switch {
		case err == nil:
			return fmt.Errorf("after Break, Observe gave no error: the canary is %s, the baseline %s, Err %q", describe(o.Canary), describe(o.Baseline), o.Err)
		case errors.Is(err, analysis.ErrNoData):
			return fmt.Errorf("after Break, Observe gave an error that is analysis.ErrNoData: %w", err)
		}
	}
	return nil
}
