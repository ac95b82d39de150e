package analysis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// A thousand checks of a hundred slices each: what a large fleet asks of one core. One
// operation is one round of all checks.
func BenchmarkThousandChecksOfAHundredSlices(b *testing.B) {
	o := analysis.Observation{At: start}
	for i := range 100 {
		s := analysis.Slice{Name: fmt.Sprintf("tenant-%02d", i), Canary: analysis.Counts(0, 50), Baseline: analysis.Counts(uint64(i%3), 950)}
		o.Canary.Events += s.Canary.Events
		o.Canary.Total += s.Canary.Total
		o.Baseline.Events += s.Baseline.Events
		o.Baseline.Total += s.Baseline.Total
		o.Slices = append(o.Slices, s)
	}
	o.Canary, o.Baseline = analysis.Counts(o.Canary.Events, o.Canary.Total), analysis.Counts(o.Baseline.Events, o.Baseline.Total)
	gate := analysis.Gate{}
	for i := range 1000 {
		gate.Checks = append(gate.Checks, analysis.Check{Name: fmt.Sprint(i), Judge: analysis.PerSlice{Judge: analysis.NotWorse{}}})
	}
	eval := gate.Begin()
	eval.Enter(1, start)
	eval.Deployed(start)
	b.ReportAllocs()
	for b.Loop() {
		o.At = o.At.Add(10 * time.Second)
		for i := range gate.Checks {
			eval.Observe(i, o)
		}
	}
	b.ReportMetric(float64(len(gate.Checks)*b.N)/b.Elapsed().Seconds(), "checks/s")
}
