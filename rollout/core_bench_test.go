package rollout

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// specOf is a spec of n targets in waves that double, each with a gate.
func specOf(n int) *Spec {
	spec := &Spec{Rollout: "bench", Service: "s", From: "v1", To: "v2", Concurrency: 100, Undo: SpecUndo{Batch: max(1, n/3), Parallel: 100}}
	for size, left := 1, n; left > 0; size *= 2 {
		size = min(size, left)
		var w SpecWave
		for range size {
			w.Steps = append(w.Steps, SpecStep{ID: fmt.Sprintf("target-%07d", left)})
			left--
		}
		spec.Waves = append(spec.Waves, w)
	}
	return spec
}

// BenchmarkCore drives whole rollouts through Step and Wants, as the runner
// does with results that come one by one: after every event it asks what is
// wanted. It reports events a second.
func BenchmarkCore(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			spec := specOf(n)
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			events, wanted := 0, 0
			var s State
			fresh := true
			b.ReportAllocs()
			b.ResetTimer()
			var queue []string
			for b.Loop() {
				if fresh {
					b.StopTimer()
					s, fresh = State{}, false
					must(b, s.Step(Event{Kind: Started, Spec: spec, At: at}))
					b.StartTimer()
				}
				switch {
				case s.Phase() == Completed:
					fresh = true
				case s.Phase() == Gating:
					must(b, s.Step(Event{Kind: Judged, Wave: s.Wave(), At: at, Decision: &analysis.Decision{Outcome: analysis.Pass}}))
					events++
				default:
					next := ""
					for e := range s.Wants() {
						wanted++
						if e.Kind == DoStep && !e.Begun {
							next = e.Step
							break
						}
					}
					if next != "" {
						must(b, s.Step(Event{Kind: Doing, Step: next, At: at}))
						queue = append(queue, next)
					} else {
						must(b, s.Step(Event{Kind: Done, Step: queue[0], At: at}))
						queue = queue[1:]
					}
					events++
				}
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPlan makes waves of a million targets.
func BenchmarkPlan(b *testing.B) {
	const n = 1_000_000
	targets := make([]Target, n)
	for i := range targets {
		targets[i] = Target{Name: fmt.Sprintf("target-%07d", i), Labels: map[string]string{"zone": string(rune('a' + i%3))}}
	}
	b.ReportAllocs()
	for b.Loop() {
		waves, err := OneThenDouble().Split(targets)
		if err != nil || len(waves) == 0 {
			b.Fatal(err)
		}
	}
}

// BenchmarkValidate checks a plan of a million targets whole: names, waves,
// arithmetic.
func BenchmarkValidate(b *testing.B) {
	const n = 1_000_000
	plan := Plan{Name: "bench", Release: Release{Service: "s", From: "v1", To: "v2"}, Waves: OneThenDouble()}
	for i := range n {
		plan.Targets = append(plan.Targets, Target{Name: fmt.Sprintf("target-%07d", i), Labels: map[string]string{"zone": string(rune('a' + i%3))}})
	}
	plan.Gate = analysis.Gate{Checks: []analysis.Check{{Name: "x", Source: analysis.SourceFunc(nil), Judge: noJudge{}}}}
	b.ReportAllocs()
	for b.Loop() {
		must(b, plan.Validate())
	}
}

type noJudge struct{}

func (noJudge) Begin() analysis.Trial { return nil }
