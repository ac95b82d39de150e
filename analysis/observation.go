package analysis

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Observation is what a Source saw in one window.
type Observation struct {
	// At is the end of the window that was seen. Data older than the wave is
	// stale and counts for nothing.
	At       time.Time `json:"time"`
	Canary   Sample    `json:"canary,omitzero"`
	Baseline Sample    `json:"baseline,omitzero"`
	// Err says why there is nothing to see; empty when all went well.
	Err string `json:"error,omitempty"`
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
)

// Sample is one arm's share of an observation: counts of events among a total
// (errors among requests), or one value (a gauge). The zero Sample is no data.
type Sample struct {
	Kind          SampleKind
	Events, Total uint64
	Value         float64
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

// Figure returns the sample as one number: the ratio of events to total, or
// the value. It is false when there is none.
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
	Events *uint64  `json:"events,omitempty"`
	Total  *uint64  `json:"total,omitempty"`
	Value  *float64 `json:"value,omitempty"`
}

// MarshalJSON writes {"events":n,"total":n} or {"value":x}.
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
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. A sample with half a count, or
// with both a count and a value, is an error.
func (s *Sample) UnmarshalJSON(data []byte) error {
	var j sampleJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("analysis: sample: %w", err)
	}
	switch {
	case j.Events != nil && j.Total != nil && j.Value == nil:
		if *j.Events > *j.Total {
			return fmt.Errorf("analysis: sample has %d events among a total of %d", *j.Events, *j.Total)
		}
		*s = Counts(*j.Events, *j.Total)
	case j.Events == nil && j.Total == nil && j.Value != nil:
		*s = Gauge(*j.Value)
	case j.Events == nil && j.Total == nil && j.Value == nil:
		*s = Sample{}
	default:
		return fmt.Errorf(`analysis: sample %s: want {"events":n,"total":n} or {"value":x}`, data)
	}
	return nil
}
