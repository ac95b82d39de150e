package simulate_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// The second gate fails five minutes after its wave: how far did the release
// get, and what is left of it?
func ExampleRun() {
	spec := &rollout.Spec{
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
	var invariants simulate.Invariants
	trace, err := simulate.Run(spec, model, 1, 1000, func(t *simulate.Trace, ev rollout.Event) error {
		return invariants.Check(ev, t.World)
	})
	fmt.Println(err, trace.State.Phase(), "after", trace.Took.Round(time.Second))
	fmt.Println("exposed at most:", trace.State.Peak().Exposed)
	// Output:
	// <nil> rolled-back after 6m8s
	// exposed at most: 3
}
