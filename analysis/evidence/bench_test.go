package evidence

import (
	"fmt"
	"testing"
)

// What one scrape costs: both processes, and both logarithms read. Figures are
// requests of the canary and the baseline, and events in both, in 10 seconds.
func BenchmarkObserve(b *testing.B) {
	for _, c := range []Counts{
		{0, 50, 0, 950},
		{0, 50, 1, 950},
		{1, 50, 9, 950},
		{5, 500, 95, 9500},
		{25, 500, 75, 500},
		{50, 5000, 950, 95000},
		{2500, 50000, 47500, 950000},
	} {
		b.Run(fmt.Sprintf("%d+%d/%d", c.CanaryTotal, c.BaselineTotal, c.CanaryEvents+c.BaselineEvents), func(b *testing.B) {
			harm, safe := must(NewHarm(1.1, 180)), must(NewSafe(2))
			b.ReportAllocs()
			sum := 0.0
			for b.Loop() {
				harm.Observe(c)
				safe.Observe(c)
				sum += harm.Log() + safe.Log()
			}
			_ = sum
		})
	}
}
