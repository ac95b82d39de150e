package simulate_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// The second gate fails five minutes after its wave: how far did the release
// get, and what is left of it?
func ExampleRun() {
	spec := &rollout.Spec{
		From: "v1", To: "v2",
		Waves: []rollout.SpecWave{
			{Steps: []rollout.SpecStep{{ID: "one"}}},
			{Steps: []rollout.SpecStep{{ID: "two"}, {ID: "three"}}},
			{Steps: []rollout.SpecStep{{ID: "four"}, {ID: "five"}, {ID: "six"}}},
		},
		Concurrency: 1, Undo: rollout.SpecUndo{Batch: 1, Parallel: 1},
	}
	model := simulate.Model{Gate: func(_ *rand.Rand, wave int) simulate.Ruling {
		if wave == 2 {
			return simulate.Ruling{After: 5 * time.Minute, Outcome: analysis.Fail}
		}
		return simulate.Ruling{After: time.Minute, Outcome: analysis.Pass}
	}}
	trace, err := simulate.Run(spec, model, 1, 1000, nil)
	fmt.Println(err, trace.State.Phase(), "after", trace.Took.Round(time.Second))
	fmt.Println("exposed at most:", trace.State.Peak().Exposed)
	// Output:
	// <nil> rolled-back after 6m6s
	// exposed at most: 3
}

// A plan is played with its own gate in a world where the new version fails one request
// in fifty, and one in a thousand fails anyway.
func ExamplePlay() {
	var fleet []rollout.Target
	for i := range 100 {
		fleet = append(fleet, rollout.Target{Name: fmt.Sprintf("host-%03d", i)})
	}
	plan := &rollout.Plan{
		Name:    "checkout-v42",
		Release: rollout.Release{Service: "checkout", From: "v41", To: "v42"},
		Targets: fleet,
		Waves:   rollout.Percent(1, 10, 50, 100),
		Gate: analysis.Gate{
			Bake: analysis.Bake{AtLeast: 5 * time.Minute, AtMost: time.Hour},
			Checks: []analysis.Check{
				{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.NotWorse{Detect: 2}},
			},
		},
		Guards: []guardrails.Guard{guardrails.MaxExposure{Percent: 50}},
	}
	world := simulate.World{Signals: map[string]simulate.Signal{
		"errors": {PerSecond: 20, Old: 0.001, New: 0.02},
	}}
	trace, err := simulate.Play(plan, world, 1)
	result := trace.State.Result()
	fmt.Println(err, result.Phase, "with", result.PeakExposed, "exposed at most")
	fmt.Println("noticed after", result.TimeToDetect.Round(time.Second), "and gone after", result.TimeToRollBack.Round(time.Second))
	// Output:
	// <nil> rolled-back with 1 exposed at most
	// noticed after 11s and gone after 1s
}
