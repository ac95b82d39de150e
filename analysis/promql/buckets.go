package promql

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/tidegate-go/tidegate/analysis"
)

// le is the label with a bucket's boundary.
const le = "le"

// buckets are a histogram as it is counted: how many were above the boundary
// before, and at or below their own. The last boundary is infinite.
type buckets struct{ bounds, counts []float64 }

// histograms reads the buckets of a result, by slice.
func histograms(result []Series, by string) (map[string]buckets, error) {
	if len(result) == 0 {
		return nil, errNoSeries
	}
	bySlice := map[string][]Series{"": result}
	if by != "" {
		var err error
		if bySlice, err = group(result, by); err != nil {
			return nil, err
		}
	}
	all := make(map[string]buckets, len(bySlice))
	for name, series := range bySlice {
		b, err := histogram(series)
		if err != nil {
			if name != "" {
				err = fmt.Errorf("in the slice %s: %w", brief(name), err)
			}
			return nil, err
		}
		all[name] = b
	}
	return all, nil
}

// histogram reads one. The same boundary in two notations, as while servers are
// upgraded ("1" and "1.0"), is one bucket.
func histogram(result []Series) (buckets, error) {
	upTo, seen := make(map[float64]float64), make(map[string]bool)
	for _, s := range result {
		text, v := s.Labels[le], s.Points[0].Value
		bound, err := strconv.ParseFloat(text, 64)
		switch {
		case text == "":
			return buckets{}, fmt.Errorf("a series without the label %q (aggregate by it, as with sum by (le)): %s", le, brief(s.String()))
		case err != nil || math.IsNaN(bound) || math.IsInf(bound, -1):
			return buckets{}, fmt.Errorf("the label le=%s is no boundary", brief(text))
		case seen[text]:
			return buckets{}, fmt.Errorf("several series with le=%s (aggregate them, as with sum by (le)): %s", brief(text), named(result))
		case math.IsNaN(v) || math.IsInf(v, 0):
			return buckets{}, fmt.Errorf("%w: the value is %v, which is no number", analysis.ErrNoData, v)
		case v < 0 || v > maxCount:
			return buckets{}, fmt.Errorf("%v up to %s is no count: want numbers of events from 0", v, brief(text))
		}
		seen[text] = true
		upTo[bound] += v
	}
	b := buckets{bounds: slices.Sorted(maps.Keys(upTo))}
	if last := len(b.bounds) - 1; !math.IsInf(b.bounds[last], 1) {
		return buckets{}, errors.New(`there is no bucket with le="+Inf", which holds all`)
	} else if last == 0 {
		return buckets{}, errors.New(`there is no bucket beside le="+Inf": one at least must have a finite boundary`)
	}
	before := 0.0
	for _, bound := range b.bounds {
		all := max(before, upTo[bound])
		b.counts = append(b.counts, all-before)
		before = all
	}
	return b, nil
}

// round makes whole numbers of the counts, with what was left over from before.
// It returns what is left this time.
func (b buckets) round(left buckets) (analysis.Sample, buckets) {
	if !slices.Equal(left.bounds, b.bounds) {
		left.counts = make([]float64, len(b.counts))
	}
	rest := buckets{bounds: b.bounds, counts: slices.Clone(left.counts)}
	cumulative, sum := make([]uint64, len(b.counts)), uint64(0)
	for i, n := range b.counts {
		sum += uint64(take(n, &rest.counts[i], maxCount, 1))
		cumulative[i] = sum
	}
	last := len(b.bounds) - 1
	return analysis.Buckets(slices.Clone(b.bounds[:last]), cumulative[:last], sum), rest
}

// sumOfBuckets is the whole of histograms, which must have the same boundaries.
func sumOfBuckets(s samples) (analysis.Sample, error) {
	all := s.inOrder()
	if len(all) == 0 {
		return analysis.Sample{}, nil
	}
	counts, total := make([]uint64, len(all[0].Bounds)), uint64(0)
	for _, one := range all {
		if !slices.Equal(one.Bounds, all[0].Bounds) {
			return analysis.Sample{}, fmt.Errorf("have different boundaries, so they can't be added up: %v and %v", all[0].Bounds, one.Bounds)
		}
		for i, n := range one.Buckets {
			counts[i] += n
		}
		total += one.Total
	}
	return analysis.Buckets(all[0].Bounds, counts, total), nil
}
