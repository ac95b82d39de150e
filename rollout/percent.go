package rollout

import (
	"fmt"
	"math"
)

// slack makes up for percentages that float64 cannot hold: 0.57% of 10,000 is
// 57, and not the 56.99… that comes of it.
const slack = 1e-9

// roundDown returns a percentage of n, rounded down.
func roundDown(percent float64, n int) int { return int(percent*float64(n)/100 + slack) }

// roundUp returns a percentage of n, rounded up.
func roundUp(percent float64, n int) int { return int(math.Ceil(percent*float64(n)/100 - slack)) }

// Percent makes a wave of each cumulated percentage of the fleet, such as
// Percent(1, 10, 50, 100). Sizes are rounded down, but the first wave has at
// least one target; a wave that would add no target is left out. The
// percentages must rise to 100.
func Percent(percents ...float64) Waves {
	return WavesFunc(func(fleet []Target) ([]Wave, error) {
		ends := make([]int, len(percents))
		last := 0.0
		for i, p := range percents {
			if !(p > last && p <= 100) {
				return nil, fmt.Errorf("Percent(%v): %v does not rise from %v towards 100", percents, p, last)
			}
			ends[i], last = max(1, roundDown(p, len(fleet))), p
		}
		if last != 100 {
			return nil, fmt.Errorf("Percent(%v) ends at %v%%, so some of the fleet would never get the release: end with 100", percents, last)
		}
		byTier(fleet)
		return cut(fleet, ends), nil
	})
}
