package analysis

import (
	"fmt"
	"slices"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// What samples look like to the evidence: 2×2 tables of events, one for counts, and
// one for each boundary of a histogram, where the requests above it are the events.

// tablesOf returns how many tables a sample makes.
func tablesOf(s Sample) int {
	if s.Kind == BucketKind {
		return len(s.Bounds)
	}
	return 1
}

// eventsOf returns the events and the total of one of a sample's tables.
func eventsOf(s Sample, table int) (events, total uint64) {
	if s.Kind != BucketKind {
		return min(s.Events, s.Total), s.Total
	}
	if table >= len(s.Buckets) { // no data
		return 0, 0
	}
	return s.Total - min(s.Buckets[table], s.Total), s.Total
}

// sameBounds tells whether two histograms have the same boundaries.
func sameBounds(a, b Sample) bool { return slices.Equal(a.Bounds, b.Bounds) }

func countsOf(canary, baseline Sample, table int) (c evidence.Counts) {
	c.CanaryEvents, c.CanaryTotal = eventsOf(canary, table)
	c.BaselineEvents, c.BaselineTotal = eventsOf(baseline, table)
	return c
}

// strataOf appends the tables of an observation to buf: one for each slice, if these
// make up the whole, and what they leave of it. Arms are compared within each, so
// that a canary with more of the traffic that always fails doesn't look bad for
// that. Slices that overlap, or are of another kind, say nothing of the whole; then
// it is one table.
func strataOf(buf []evidence.Counts, o Observation, table int) []evidence.Counts {
	whole := countsOf(o.Canary, o.Baseline, table)
	buf = buf[:0]
	rest := whole
	for i := range o.Slices {
		s := &o.Slices[i]
		c := countsOf(s.Canary, s.Baseline, table)
		fits := (s.Canary.Kind == o.Canary.Kind || s.Canary.Kind == NoData) &&
			(s.Baseline.Kind == o.Baseline.Kind || s.Baseline.Kind == NoData) &&
			(s.Canary.Kind != BucketKind || sameBounds(s.Canary, o.Canary)) &&
			(s.Baseline.Kind != BucketKind || sameBounds(s.Baseline, o.Baseline)) &&
			c.CanaryEvents <= rest.CanaryEvents && c.CanaryTotal <= rest.CanaryTotal &&
			c.BaselineEvents <= rest.BaselineEvents && c.BaselineTotal <= rest.BaselineTotal
		if !fits {
			return append(buf[:0], whole)
		}
		rest.CanaryEvents -= c.CanaryEvents
		rest.CanaryTotal -= c.CanaryTotal
		rest.BaselineEvents -= c.BaselineEvents
		rest.BaselineTotal -= c.BaselineTotal
		buf = append(buf, c)
	}
	if rest.CanaryEvents > rest.CanaryTotal || rest.BaselineEvents > rest.BaselineTotal {
		return append(buf[:0], whole)
	}
	return append(buf, rest)
}

// notCounts says why an observation holds no counts that can be added up, empty if
// it does, or holds nothing.
func notCounts(o Observation) string {
	if problem := notCount("canary", o.Canary.Kind, o.Canary.Total); problem != "" {
		return problem
	}
	return notCount("baseline", o.Baseline.Kind, o.Baseline.Total)
}

func notCount(arm string, kind SampleKind, total uint64) string {
	switch {
	case kind != NoData && kind != CountKind:
		return fmt.Sprintf("the %s sample is %s: want counts of events among a total", arm, kind)
	case total > evidence.MaxCount:
		return fmt.Sprintf("the %s sample has a total of %d, which is beyond belief for one observation", arm, total)
	}
	return ""
}
