package rollout

// largestWave is the part of a fleet that OneThenDouble changes in one wave at
// the most. Source: Amazon Builders' Library, "Automating safe, hands-off
// deployments": a third of a domain at once.
const largestWave = 33

// OneThenDouble makes a first wave of one target, then doubles: 1, 2, 4, 8 …
// No wave is larger than 33% of the fleet (rounded down, at least one target).
// The last wave leaves nothing on the old version to be compared with: its gate
// holds it against what the baseline was (analysis.NotWorse, "The last wave").
func OneThenDouble() Waves {
	return WavesFunc(func(fleet []Target) ([]Wave, error) {
		most := max(1, len(fleet)*largestWave/100)
		var ends []int
		for size, end := 1, 0; end < len(fleet); size *= 2 {
			size = min(size, most)
			end = min(end+size, len(fleet))
			ends = append(ends, end)
		}
		byTier(fleet)
		return cut(fleet, ends), nil
	})
}
