package rollout

import "fmt"

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
			ends[i], last = max(1, int(p*float64(len(fleet))/100)), p
		}
		if last != 100 {
			return nil, fmt.Errorf("Percent(%v) ends at %v%%, so some of the fleet would never get the release: end with 100", percents, last)
		}
		byTier(fleet)
		return cut(fleet, ends), nil
	})
}
