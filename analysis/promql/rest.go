package promql

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/tidegate-go/tidegate/analysis"
)

// prune drops what is left of slices that have not been seen for long, when there
// are too many.
func prune[T, U any](left map[string]T, now map[string]U) {
	if len(left)+len(now) > 2*MaxSlices {
		maps.DeleteFunc(left, func(name string, _ T) bool { _, here := now[name]; return !here })
	}
}

// remainder is what one arm's counts have in parts of an event, after rounding.
// Without it, an error now and then in a quiet canary, at 1.3 each, would always count
// as 1, while the busy baseline's counted in full.
type remainder struct{ total, events float64 }

// maxCount is where a float64 stops telling whole numbers apart.
const maxCount = 1 << 53

// sample rounds the values of one arm, or one slice of it, to counts.
func (r *remainder) sample(total, events, keep float64) (analysis.Sample, error) {
	for _, v := range []float64{total, events} {
		if v < 0 || v > maxCount {
			return analysis.Sample{}, fmt.Errorf("%v of %v is no count: want numbers of events from 0", events, total)
		}
	}
	// Extrapolation may give a few more events than requests, but not many.
	if events > 2*total+10 {
		return analysis.Sample{}, fmt.Errorf("more events (%v) than the total (%v): are the queries swapped?", events, total)
	}
	t := take(total, &r.total, maxCount, 1)
	e := take(events, &r.events, t, keep)
	return analysis.Counts(uint64(e), uint64(t)), nil
}

// rounded makes counts of the values of one arm. What is NaN is no data. The slices
// are those of the totals: one without events has none. Of events beyond the total,
// as many as keep are held back for the next window.
func rounded(totals, events values, rest map[string]remainder, keep float64) (samples, error) {
	for _, name := range slices.Sorted(maps.Keys(events)) {
		if _, ok := totals[name]; !ok {
			return nil, fmt.Errorf("the slice %s has events, but no total", brief(name))
		}
	}
	prune(rest, totals)
	all := make(samples, len(totals))
	for name, total := range totals {
		if math.IsNaN(total) || math.IsNaN(events[name]) {
			all[name] = analysis.Sample{}
			continue
		}
		left := rest[name]
		s, err := left.sample(total, events[name], keep)
		if err != nil {
			if name != "" {
				err = fmt.Errorf("in the slice %s: %w", brief(name), err)
			}
			return nil, err
		}
		all[name], rest[name] = s, left
	}
	return all, nil
}

// take rounds a value and what is left from before, at most to a limit, and
// leaves the rest, as far as it is to be kept.
func take(value float64, left *float64, limit, keep float64) float64 {
	sum := value + *left
	whole := min(max(0, math.Round(sum)), limit)
	*left = min(max(-1, sum-whole), keep)
	return whole
}
