package rollout

import "fmt"

// Counts makes waves of the given sizes; one more wave takes what is left, if
// anything is. A fleet too small for all of them gets the first ones.
func Counts(sizes ...int) Waves {
	return WavesFunc(func(fleet []Target) ([]Wave, error) {
		var ends []int
		end := 0
		for _, n := range sizes {
			if n < 1 {
				return nil, fmt.Errorf("Counts(%v): a wave of %d targets", sizes, n)
			}
			end = min(end+n, len(fleet))
			ends = append(ends, end)
		}
		byTier(fleet)
		return cut(fleet, append(ends, len(fleet))), nil
	})
}
