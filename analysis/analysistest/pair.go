package analysistest

import (
	"fmt"
	"math"
	"slices"

	"github.com/tidegate-go/tidegate/analysis"
)

// pair is a sample of each arm.
type pair struct{ canary, baseline analysis.Sample }

func samplesOf(o analysis.Observation) pair { return pair{o.Canary, o.Baseline} }

// plus adds up, arm by arm.
func (p pair) plus(q pair) pair { return pair{add(p.canary, q.canary), add(p.baseline, q.baseline)} }

// differs says how what was seen differs from what was made, arm by arm, empty if
// it does not. Where nothing was made, nothing may be seen.
func (p pair) differs(made pair) string {
	for _, arm := range []struct {
		name      string
		got, want analysis.Sample
	}{{"canary", p.canary, made.canary}, {"baseline", p.baseline, made.baseline}} {
		if !same(arm.got, arm.want) {
			return fmt.Sprintf("the %s had %s, and %s was seen", arm.name, describe(arm.want), describe(arm.got))
		}
	}
	return ""
}

// add adds up counts and buckets. Of values, the later one holds.
func add(a, b analysis.Sample) analysis.Sample {
	switch {
	case a.Kind == analysis.NoData:
		return b
	case b.Kind == analysis.NoData:
		return a
	case a.Kind == analysis.CountKind && b.Kind == analysis.CountKind:
		return analysis.Counts(a.Events+b.Events, a.Total+b.Total)
	case a.Kind == analysis.BucketKind && b.Kind == analysis.BucketKind && slices.Equal(a.Bounds, b.Bounds):
		counts := slices.Clone(a.Buckets)
		for i := range counts {
			counts[i] += b.Buckets[i]
		}
		return analysis.Buckets(a.Bounds, counts, a.Total+b.Total)
	}
	return b
}

// same compares what is known of two samples. Without data they are the same,
// of whatever kind.
func same(a, b analysis.Sample) bool {
	if !a.Has() || !b.Has() {
		return a.Has() == b.Has()
	}
	const rounding = 1e-9 // of a value that was text in between
	return a.Kind == b.Kind && a.Events == b.Events && a.Total == b.Total &&
		slices.Equal(a.Bounds, b.Bounds) && slices.Equal(a.Buckets, b.Buckets) &&
		math.Abs(a.Value-b.Value) <= rounding*max(math.Abs(a.Value), math.Abs(b.Value))
}

func describe(s analysis.Sample) string {
	switch s.Kind {
	case analysis.CountKind:
		return fmt.Sprintf("%d of %d", s.Events, s.Total)
	case analysis.ValueKind:
		return fmt.Sprintf("the value %v", s.Value)
	case analysis.BucketKind:
		return fmt.Sprintf("a histogram of %d (buckets %v up to %v)", s.Total, s.Buckets, s.Bounds)
	}
	return s.Kind.String()
}
