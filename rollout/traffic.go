package rollout

import (
	"context"
	"fmt"
	"strconv"
)

// A Shifter sends a share of the traffic to the new version. Shift must be
// idempotent and return when ctx is done.
type Shifter interface {
	Shift(ctx context.Context, percent float64) error
}

// ShifterFunc makes a function a Shifter.
type ShifterFunc func(ctx context.Context, percent float64) error

// Shift calls f.
func (f ShifterFunc) Shift(ctx context.Context, percent float64) error { return f(ctx, percent) }

// Traffic makes waves that shift traffic instead of changing targets: each sets
// the new version's share to the next percentage, and is undone by going back
// to the one before. The plan needs no Targets. The percentages must rise to 100.
func Traffic(shifter Shifter, percents ...float64) Waves {
	return WavesFunc(func([]Target) ([]Wave, error) {
		if shifter == nil {
			return nil, fmt.Errorf("Traffic: the shifter is nil")
		}
		var waves []Wave
		last := 0.0
		for _, p := range percents {
			if !(p > last && p <= 100) {
				return nil, fmt.Errorf("Traffic(%v): %v does not rise from %v towards 100", percents, p, last)
			}
			from, to := last, p
			waves = append(waves, Wave{Steps: []Step{{
				ID:   "traffic-" + strconv.FormatFloat(to, 'g', -1, 64),
				Do:   func(ctx context.Context) error { return shifter.Shift(ctx, to) },
				Undo: func(ctx context.Context) error { return shifter.Shift(ctx, from) },
				// In hundredths of a percent, so that exposure adds up exactly.
				Weight: int64(to*100+0.5) - int64(from*100+0.5),
			}}})
			last = p
		}
		if last != 100 {
			return nil, fmt.Errorf("Traffic(%v) ends at %v%%: end with 100", percents, last)
		}
		return waves, nil
	})
}
