package promql

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"github.com/tidegate-go/tidegate/analysis"
)

// MaxSlices is how many slices an observation may have. More are an error: a label
// such as a user's id is no way to slice.
const MaxSlices = 1000

// values are the figures of a result by slice, NaN where there is none. Those of a
// source without slices are one, under the empty name.
type values map[string]float64

// read returns the figures of a result: one for each value of a label, or a single
// one if the label is empty.
func read(result []Series, by string) (values, error) {
	if by == "" {
		v, err := single(result)
		return values{"": v}, err
	}
	bySlice, err := group(result, by)
	if err != nil {
		return nil, err
	}
	all, some := make(values, len(bySlice)), false
	for name, series := range bySlice {
		if len(series) > 1 {
			return nil, fmt.Errorf("%d series with %s=%s, want one (aggregate them, as with sum by (%s)): %s",
				len(series), by, brief(name), by, named(series))
		}
		v := series[0].Points[0].Value
		if math.IsInf(v, 0) {
			v = math.NaN()
		}
		all[name] = v
		some = some || !math.IsNaN(v)
	}
	if !some {
		return nil, fmt.Errorf("%w: none of the %d values is a number (a division by zero?)", analysis.ErrNoData, len(all))
	}
	return all, nil
}

// group sorts series by the value of a label, which all must have.
func group(result []Series, by string) (map[string][]Series, error) {
	if len(result) == 0 {
		return nil, errNoSeries
	}
	bySlice := make(map[string][]Series)
	for _, s := range result {
		name := s.Labels[by]
		if name == "" {
			return nil, fmt.Errorf("a series without the label %q, by which to slice (aggregate by it, as with sum by (%s)): %s", by, by, brief(s.String()))
		}
		bySlice[name] = append(bySlice[name], s)
	}
	if len(bySlice) > MaxSlices {
		return nil, tooManySlices(by, len(bySlice))
	}
	return bySlice, nil
}

func tooManySlices(by string, n int) error {
	return fmt.Errorf("the label %q has %d values, want at most %d slices", by, n, MaxSlices)
}

// samples are those of one arm by slice, nil if nothing can be seen of it.
type samples map[string]analysis.Sample

// compose makes an observation of the samples of both arms. Whole makes one of all
// slices of an arm.
func compose(at time.Time, by string, canary, baseline samples, whole func(samples) (analysis.Sample, error)) (o analysis.Observation, err error) {
	o.At = at
	if by == "" {
		o.Canary, o.Baseline = canary[""], baseline[""]
		return o, nil
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(canary)), maps.Keys(baseline))
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > MaxSlices {
		return analysis.Observation{}, fmt.Errorf("promql: %w", tooManySlices(by, len(names)))
	}
	for _, name := range names {
		o.Slices = append(o.Slices, analysis.Slice{Name: name, Canary: canary[name], Baseline: baseline[name]})
	}
	if o.Canary, err = whole(canary); err == nil {
		o.Baseline, err = whole(baseline)
	}
	if err != nil {
		return analysis.Observation{}, fmt.Errorf("promql: the slices by %q: %w", by, err)
	}
	return o, nil
}

// inOrder returns the samples that have data, by their names.
func (s samples) inOrder() (all []analysis.Sample) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if s[name].Kind != analysis.NoData {
			all = append(all, s[name])
		}
	}
	return all
}

// sumOfCounts is the whole of counts.
func sumOfCounts(s samples) (analysis.Sample, error) {
	var sum analysis.Sample
	for _, one := range s.inOrder() {
		sum = analysis.Counts(sum.Events+one.Events, sum.Total+one.Total)
	}
	return sum, nil
}

// meanOfValues is the whole of values.
func meanOfValues(s samples) (analysis.Sample, error) {
	all := s.inOrder()
	mean := 0.0
	for i, one := range all {
		mean += (one.Value - mean) / float64(i+1)
	}
	if len(all) == 0 {
		return analysis.Sample{}, nil
	}
	return analysis.Gauge(mean), nil
}

// byProblems says what is wrong with the label to slice by.
func byProblems(by string, report func(path, msg string)) {
	if by != "" && !model.UTF8Validation.IsValidLabelName(by) {
		report("By", "is "+strconv.Quote(by)+": want the name of a label, such as zone")
	}
}
