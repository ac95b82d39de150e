package analysis

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Observation is what a Source saw in one window.
type Observation struct {
	// At is the end of the window that was seen. Data older than the wave is
	// stale and counts for nothing.
	At       time.Time `json:"time"`
	Canary   Sample    `json:"canary,omitzero"`
	Baseline Sample    `json:"baseline,omitzero"`
	// Slices break the samples down, by zone, tenant, route or what the source
	// knows. Canary and Baseline are still those of the whole. A judge that knows
	// nothing of slices judges the whole.
	Slices []Slice `json:"slices,omitempty"`
	// Share is the part of all requests that the canary should get, 0 to 1; zero
	// where nobody knows. A rollout fills it in by the weights of its targets.
	Share float64 `json:"share,omitempty"`
	// Err says why there is nothing to see; empty when all went well.
	Err string `json:"error,omitempty"`
}

// A Slice is the part of an observation that one zone, tenant or route makes up.
// Its name is the same in every observation, and unique in each.
type Slice struct {
	Name     string `json:"name"`
	Canary   Sample `json:"canary,omitzero"`
	Baseline Sample `json:"baseline,omitzero"`
}

// SampleKind tells which fields of a Sample hold data.
type SampleKind uint8

const (
	// NoData is the zero kind: an empty sample lets nothing through.
	NoData SampleKind = iota
	// CountKind samples hold Events out of Total.
	CountKind
	// ValueKind samples hold one number.
	ValueKind
	// BucketKind samples hold a histogram: Bounds and Buckets.
	BucketKind
)

// String returns the kind in words, such as "counts".
func (k SampleKind) String() string {
	switch k {
	case NoData:
		return "no data"
	case CountKind:
		return "counts"
	case ValueKind:
		return "a value"
	case BucketKind:
		return "a histogram"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Sample is one arm's share of an observation: counts of events among a total
// (errors among requests), one value (a gauge), or a histogram (of latencies). The
// zero Sample is no data.
type Sample struct {
	Kind SampleKind
	// Events among Total, of a CountKind. Total is that of a BucketKind as well.
	Events, Total uint64
	// Value is that of a ValueKind.
	Value float64
	// Bounds are the finite boundaries of a BucketKind in increasing order, and
	// Buckets[i] how many of Total were at or below Bounds[i]: cumulative, as in
	// Prometheus, and without the bucket for +Inf, which is Total.
	Bounds  []float64
	Buckets []uint64
}

// Counts returns the sample of events among total, such as errors among
// requests. Events beyond total are cut to total.
func Counts(events, total uint64) Sample {
	return Sample{Kind: CountKind, Events: min(events, total), Total: total}
}

// Gauge returns the sample of one value. NaN and infinities are no data.
func Gauge(v float64) Sample {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Sample{}
	}
	return Sample{Kind: ValueKind, Value: v}
}

// Buckets returns the sample of a histogram: how many of total were at or below
// each of the boundaries, which must increase. It is no data where these are no
// histogram: boundaries that do not increase or are not finite, a count less than
// the one before, or more than total.
func Buckets(bounds []float64, counts []uint64, total uint64) Sample {
	s := Sample{Kind: BucketKind, Total: total, Bounds: bounds, Buckets: counts}
	if s.bucketProblem() != "" {
		return Sample{}
	}
	return s
}

// bucketProblem says what is wrong with a histogram, empty for nothing.
func (s Sample) bucketProblem() string {
	if len(s.Bounds) == 0 || len(s.Bounds) != len(s.Buckets) {
		return fmt.Sprintf("has %d boundaries and %d buckets", len(s.Bounds), len(s.Buckets))
	}
	for i, b := range s.Bounds {
		switch {
		case math.IsNaN(b) || math.IsInf(b, 0):
			return fmt.Sprintf("has the boundary %v", b)
		case i > 0 && b <= s.Bounds[i-1]:
			return fmt.Sprintf("has the boundary %v after %v", b, s.Bounds[i-1])
		case i > 0 && s.Buckets[i] < s.Buckets[i-1]:
			return fmt.Sprintf("has %d up to %v, but %d up to %v: buckets are cumulative", s.Buckets[i-1], s.Bounds[i-1], s.Buckets[i], b)
		case s.Buckets[i] > s.Total:
			return fmt.Sprintf("has %d up to %v, among a total of %d", s.Buckets[i], b, s.Total)
		}
	}
	return ""
}

// Has tells whether there is data: a value, or requests to count events or
// latencies among.
func (s Sample) Has() bool {
	if s.Kind == BucketKind {
		return s.Total > 0
	}
	_, ok := s.Figure()
	return ok
}

// sound returns the sample as it is read back from a journal: what holds no data, or
// none that makes sense, is no data.
func (s Sample) sound() Sample {
	switch {
	case s.Kind == CountKind:
		return Counts(s.Events, s.Total)
	case s.Kind == ValueKind:
		return Gauge(s.Value)
	case s.Kind == BucketKind && s.bucketProblem() == "":
		s.Events, s.Value = 0, 0
		return s
	}
	return Sample{}
}

// sound returns the observation with sound samples.
func (o Observation) sound() Observation {
	o.Canary, o.Baseline = o.Canary.sound(), o.Baseline.sound()
	if slices.ContainsFunc(o.Slices, func(s Slice) bool { return !s.Canary.isSound() || !s.Baseline.isSound() }) {
		o.Slices = slices.Clone(o.Slices) // the caller's stay as they are
		for i := range o.Slices {
			s := &o.Slices[i]
			s.Canary, s.Baseline = s.Canary.sound(), s.Baseline.sound()
		}
	}
	return o
}

// isSound tells whether sound would change nothing.
func (s *Sample) isSound() bool {
	switch s.Kind {
	case NoData:
		return s.Events == 0 && s.Total == 0 && s.Value == 0 && s.Bounds == nil && s.Buckets == nil
	case CountKind:
		return s.Events <= s.Total && s.Value == 0 && s.Bounds == nil && s.Buckets == nil
	}
	return false
}

// usable tells whether the sample is of a kind that can hold data, even if there have
// been no requests yet.
func (s Sample) usable() bool {
	return s.Has() || s.Kind == CountKind || s.Kind == BucketKind && s.bucketProblem() == ""
}

// Figure returns the sample as one number: the ratio of events to total, or
// the value. It is false when there is none; a histogram has none.
func (s Sample) Figure() (float64, bool) {
	switch {
	case s.Kind == CountKind && s.Total > 0:
		return float64(min(s.Events, s.Total)) / float64(s.Total), true
	case s.Kind == ValueKind && !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0):
		return s.Value, true
	}
	return 0, false
}

type sampleJSON struct {
	Events  *uint64           `json:"events,omitempty"`
	Total   *uint64           `json:"total,omitempty"`
	Value   *float64          `json:"value,omitempty"`
	Buckets map[string]uint64 `json:"buckets,omitempty"`
}

// infinity is the boundary of the bucket that holds all.
const infinity = "+Inf"

// MarshalJSON writes {"events":n,"total":n}, {"value":x}, or
// {"buckets":{"0.1":n,"0.5":n,"+Inf":n}}.
func (s Sample) MarshalJSON() ([]byte, error) {
	var j sampleJSON
	switch s.Kind {
	case CountKind:
		s.Events = min(s.Events, s.Total) // as in Counts, should it not have been used
		j.Events, j.Total = &s.Events, &s.Total
	case ValueKind:
		if _, ok := s.Figure(); ok {
			j.Value = &s.Value
		}
	case BucketKind:
		if s.bucketProblem() == "" {
			j.Buckets = map[string]uint64{infinity: s.Total}
			for i, b := range s.Bounds {
				j.Buckets[strconv.FormatFloat(b, 'g', -1, 64)] = s.Buckets[i]
			}
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. A sample with half a count, with
// two of count, value and buckets, or with buckets that are no histogram, is an
// error. Buckets are cumulative; where there is none for +Inf, the last holds all.
func (s *Sample) UnmarshalJSON(data []byte) error {
	var j sampleJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("analysis: sample: %w", err)
	}
	counts, value, buckets := j.Events != nil || j.Total != nil, j.Value != nil, j.Buckets != nil
	switch {
	case counts && !value && !buckets && j.Events != nil && j.Total != nil:
		if *j.Events > *j.Total {
			return fmt.Errorf("analysis: sample has %d events among a total of %d", *j.Events, *j.Total)
		}
		*s = Counts(*j.Events, *j.Total)
	case value && !counts && !buckets:
		*s = Gauge(*j.Value)
	case buckets && !counts && !value:
		return s.readBuckets(j.Buckets)
	case !counts && !value && !buckets:
		*s = Sample{}
	default:
		return fmt.Errorf(`analysis: sample %s: want {"events":n,"total":n}, {"value":x} or {"buckets":{"0.1":n,…}}`, data)
	}
	return nil
}

func (s *Sample) readBuckets(counts map[string]uint64) error {
	read := Sample{Kind: BucketKind}
	byBound := make(map[float64]uint64, len(counts))
	whole, hasWhole := uint64(0), false
	for text, n := range counts {
		b, err := strconv.ParseFloat(text, 64)
		_, twice := byBound[b]
		switch {
		case err != nil || math.IsNaN(b) || math.IsInf(b, -1):
			return fmt.Errorf("analysis: sample has the bucket %q: want a number, or %q", text, infinity)
		case twice || math.IsInf(b, 1) && hasWhole:
			return fmt.Errorf("analysis: sample has the bucket %q twice", text)
		case math.IsInf(b, 1):
			whole, hasWhole = n, true
			continue
		}
		byBound[b] = n
		read.Bounds = append(read.Bounds, b)
	}
	slices.Sort(read.Bounds)
	for _, b := range read.Bounds {
		read.Buckets = append(read.Buckets, byBound[b])
	}
	if read.Total = whole; !hasWhole && len(read.Buckets) > 0 {
		read.Total = read.Buckets[len(read.Buckets)-1]
	}
	if problem := read.bucketProblem(); problem != "" {
		return fmt.Errorf("analysis: sample %s", problem)
	}
	*s = read
	return nil
}
