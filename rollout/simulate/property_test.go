package simulate_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// TestEveryRolloutKeepsTheInvariants drives random plans with random outcomes,
// crashes, guards and verbs, and checks every invariant after every event, and that
// the journal, written and read back, folds to the same state. More: go test -rapid.checks=10000.
func TestEveryRolloutKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := scenario(t)
		for range 5 {
			sc.seed++
			trace, err := sc.run()
			if err != nil {
				t.Fatalf("%v\n%s", err, journal(trace))
			}
		}
	})
}

// The random rollouts must reach every way in which a rollout can end, or they
// prove little.
func TestTheRandomRolloutsReachEveryEnd(t *testing.T) {
	missing := map[string]bool{
		"completed": true, "partial": true, "rolled-back": true, "rollback-incomplete": true,
		"halted": true, "aborted": true, "held": true,
	}
	scenarios := rapid.Custom(scenario)
	for seed := 0; len(missing) > 0; seed++ {
		require.Less(t, seed, 5000, "no rollout ended %v", missing)
		trace, err := scenarios.Example(seed).run()
		require.NoError(t, err)
		if trace.Held {
			delete(missing, "held")
		} else {
			delete(missing, trace.State.Phase().String())
		}
	}
}

// aScenario is a random plan in a random world.
type aScenario struct {
	spec  *rollout.Spec
	model func() simulate.Model
	seed  uint64
}

func scenario(t *rapid.T) aScenario {
	return aScenario{randomSpec(t), randomModel(t), rapid.Uint64().Draw(t, "seed")}
}

func (s aScenario) run() (*simulate.Trace, error) {
	var again rollout.State
	trace, err := simulate.Run(s.spec, s.model(), s.seed, 2000, func(_ *simulate.Trace, ev rollout.Event) error {
		data, err := json.Marshal(ev)
		if err != nil {
			return err
		}
		var back rollout.Event
		if err := json.Unmarshal(data, &back); err != nil {
			return err
		}
		return again.Step(back)
	})
	if err == nil && !reflect.DeepEqual(&again, trace.State) {
		err = fmt.Errorf("I7: the journal replays to another state:\n%+v\n%+v", again, *trace.State)
	}
	return trace, err
}

func randomSpec(t *rapid.T) *rollout.Spec {
	spec := &rollout.Spec{
		Rollout: "r", Service: "s", From: "v1", To: "v2",
		Concurrency: rapid.IntRange(1, 4).Draw(t, "concurrency"),
		MaxDown:     rapid.IntRange(0, 3).Draw(t, "maxDown"),
		Failures:    rapid.IntRange(0, 3).Draw(t, "failures"),
		Guarded:     rapid.Bool().Draw(t, "guarded"),
		Undo: rollout.SpecUndo{
			Batch: rapid.IntRange(1, 4).Draw(t, "batch"), Parallel: rapid.IntRange(1, 4).Draw(t, "parallel"),
			Deadline: time.Duration(rapid.SampledFrom([]int{0, 30, 3600}).Draw(t, "deadline")) * time.Second,
		},
		HoldAtMost: time.Duration(rapid.SampledFrom([]int{0, 20}).Draw(t, "holdAtMost")) * time.Second,
	}
	spec.WaveFailures = rapid.IntRange(0, spec.Failures).Draw(t, "waveFailures")
	if rapid.IntRange(0, 5).Draw(t, "freeze") == 0 {
		spec.OnFailure = rollout.Freeze
	}
	id := 0
	for range rapid.IntRange(1, 4).Draw(t, "waves") {
		wave := rollout.SpecWave{Approval: rapid.IntRange(0, 9).Draw(t, "approval") == 0}
		if rapid.IntRange(0, 3).Draw(t, "ungated") == 0 {
			wave.Ungated = "random"
		}
		if rapid.Bool().Draw(t, "wait") {
			wave.OnDeadline = analysis.WaitAtDeadline
		}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			id++
			wave.Steps = append(wave.Steps, rollout.SpecStep{ID: fmt.Sprintf("t%02d", id), Labels: map[string]string{"zone": fmt.Sprint(id % 3)}, Weight: int64(id % 4)})
		}
		spec.Waves = append(spec.Waves, wave)
	}
	return spec
}

func randomModel(t *rapid.T) func() simulate.Model {
	odds := func(label string, most int) int { return rapid.IntRange(0, most).Draw(t, label) }
	doFails, undoFails, crashes := odds("doFails%", 30), odds("undoFails%", 30), odds("crashes%", 10)
	gateFails, lookFails, breaches, verbs := odds("gateFails%", 40), odds("lookFails%", 5), odds("breaches%", 20), odds("verbs%", 10)
	outcome := func(fails int) func(*rand.Rand, string) simulate.Outcome {
		return func(r *rand.Rand, _ string) simulate.Outcome {
			o := simulate.Outcome{Takes: time.Duration(r.IntN(20_000)) * time.Millisecond}
			if r.IntN(100) < fails {
				o.Err, o.Effect = "disk full", r.IntN(2) == 0
			}
			return o
		}
	}
	return func() simulate.Model {
		words := 0
		return simulate.Model{
			Do: outcome(doFails), Undo: outcome(undoFails),
			Gate: func(r *rand.Rand, _ int) simulate.Ruling {
				ruling := simulate.Ruling{After: time.Duration(r.IntN(60)) * time.Second, Outcome: analysis.Pass}
				if r.IntN(100) < gateFails {
					ruling.Outcome = []analysis.Outcome{analysis.Fail, analysis.Inconclusive, analysis.Error}[r.IntN(3)]
				}
				return ruling
			},
			Looks: func(r *rand.Rand, _ int) bool { return r.IntN(100) < lookFails },
			Guard: func(r *rand.Rand) *guardrails.Breach {
				if r.IntN(100) >= breaches {
					return nil
				}
				b := &guardrails.Breach{Guard: fmt.Sprintf("g%d", r.IntN(2)), Reason: "random"}
				if r.IntN(10) == 0 {
					b.Consequence = []guardrails.Consequence{guardrails.Rollback, guardrails.Halt}[r.IntN(2)]
				}
				return b
			},
			Human: func(r *rand.Rand) rollout.Event {
				if r.IntN(100) >= verbs || words > 30 {
					return rollout.Event{}
				}
				words++
				verbs := []rollout.Kind{
					rollout.Pause, rollout.Resume, rollout.Resume, rollout.Approve, rollout.Approve, rollout.Override,
					rollout.Reset, rollout.Reset, rollout.RollBack, rollout.Kill, rollout.Abort,
				}
				ev := rollout.Event{Kind: verbs[r.IntN(len(verbs))], Actor: "ann", Reason: "random"}
				if ev.Kind == rollout.Override {
					ev.Step, ev.Until = fmt.Sprintf("g%d", r.IntN(2)), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
				}
				return ev
			},
			Crash: func(r *rand.Rand) bool { return r.IntN(100) < crashes },
		}
	}
}

// journal prints a trace as a story.
func journal(trace *simulate.Trace) string {
	var b strings.Builder
	for i, ev := range trace.Events {
		data, _ := json.Marshal(ev)
		fmt.Fprintf(&b, "%3d %s\n", i+1, data)
	}
	return b.String()
}
