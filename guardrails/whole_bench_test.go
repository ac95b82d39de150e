package guardrails_test

import (
	"testing"

	"github.com/tidegate-go/tidegate/guardrails"
)

// What one step costs that every guard is asked about, each with its answer at hand:
// two dozen guards must not be a reason to have fewer.
func BenchmarkTheWholeSet(b *testing.B) {
	guards := onHand(b)
	for _, g := range timeGuards(b) {
		guards = append(guards, g)
	}
	guards = append(guards, &guardrails.NeverEmpty{PlanOnly: true}, &guardrails.MaxRemoval{PlanOnly: true, Run: guardrails.Removal{Count: 10}})
	act := aStep()
	act.Plan = "p"
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if breach := guardrails.Check(ctx, guards, act); breach != nil {
			b.Fatal(breach)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(len(guards)), "guards")
}
