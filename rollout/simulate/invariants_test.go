package simulate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func twoWaves() *rollout.Spec {
	return &rollout.Spec{
		Waves:       []rollout.SpecWave{{Steps: []rollout.SpecStep{{ID: "a"}}}, {Steps: []rollout.SpecStep{{ID: "b"}, {ID: "c"}}}},
		Concurrency: 2, Undo: rollout.SpecUndo{Batch: 1, Parallel: 1},
	}
}

func ev(kind rollout.Kind, step string) rollout.Event { return rollout.Event{Kind: kind, Step: step} }

func judged(wave int, o analysis.Outcome) rollout.Event {
	return rollout.Event{Kind: rollout.Judged, Wave: wave, Decision: &analysis.Decision{Outcome: o}}
}

func breached(c guardrails.Consequence) rollout.Event {
	return rollout.Event{Kind: rollout.Breached, Breach: &guardrails.Breach{Guard: "g", Consequence: c}}
}

func ended(p rollout.Phase) rollout.Event { return rollout.Event{Kind: rollout.Ended, Outcome: p} }

// A checker that cannot fail proves nothing: each of these journals breaks one
// invariant, and must be found.
func TestTheInvariantsBite(t *testing.T) {
	passed := judged(1, analysis.Pass)
	for _, tc := range []struct {
		name   string
		spec   func(*rollout.Spec)
		events []rollout.Event
		truth  map[string]bool
		want   string
	}{
		{"a target of wave 2 is exposed before gate 1", nil, []rollout.Event{ev(rollout.Doing, "a")}, map[string]bool{"b": true}, "I1"},
		{"wave 2 starts before gate 1", nil, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), ev(rollout.Doing, "b")}, nil, "I2"},
		{"a step starts after a failed gate", nil, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), passed, judged(2, analysis.Fail), ev(rollout.Doing, "b")}, nil, "I3"},
		{"a step starts after a breach", nil, []rollout.Event{breached(guardrails.Rollback), ev(rollout.Doing, "a")}, nil, "I3"},
		{"a step starts after an abort", nil, []rollout.Event{ev(rollout.Abort, ""), ev(rollout.Doing, "a")}, nil, "I3"},
		{"a step starts while held", nil, []rollout.Event{breached(guardrails.Hold), ev(rollout.Doing, "a")}, nil, "I3"},
		{"a step starts while paused", nil, []rollout.Event{ev(rollout.Pause, ""), ev(rollout.Doing, "a")}, nil, "I3"},
		{"rolled back, but one step was not undone", nil, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.DoFailed, "a"), ended(rollout.RolledBack)}, nil, "I4"},
		{"rolled back, but a target runs the new version", nil, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), ev(rollout.Undoing, "a"), ev(rollout.Undone, "a"), ended(rollout.RolledBack)}, map[string]bool{"a": true}, "I4"},
		{"completed with a step missing", nil, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), ended(rollout.Completed)}, nil, "I5"},
		{"completed with a gate missing", func(s *rollout.Spec) { s.Waves = s.Waves[:1] }, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), ended(rollout.Completed)}, nil, "I5"},
		{"completed while held", func(s *rollout.Spec) { s.Waves = s.Waves[:1] }, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), breached(guardrails.Hold), passed, ended(rollout.Completed)}, nil, "I5"},
		{"a step starts after a kill", nil, []rollout.Event{ev(rollout.Kill, ""), ev(rollout.Doing, "a")}, nil, "I8"},
		{"an undo starts after a halt", nil, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), breached(guardrails.Halt), ev(rollout.Undoing, "a")}, nil, "I8"},
		{"more are down than may be", func(s *rollout.Spec) { s.MaxDown = 1 }, []rollout.Event{ev(rollout.Doing, "a"), ev(rollout.Done, "a"), passed, ev(rollout.Doing, "b"), ev(rollout.Doing, "c")}, nil, "I10"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := twoWaves()
			if tc.spec != nil {
				tc.spec(spec)
			}
			var inv simulate.Invariants
			require.NoError(t, inv.Check(rollout.Event{Kind: rollout.Started, Spec: spec}, nil))
			for i, e := range tc.events {
				last := i == len(tc.events)-1
				var truth map[string]bool
				if last {
					truth = tc.truth
				}
				err := inv.Check(e, truth)
				if !last {
					require.NoError(t, err, "event %d", i+1)
					continue
				}
				require.ErrorContains(t, err, tc.want)
			}
		})
	}
}

// What is no rollout at all is refused, and not taken for one that is in order.
func TestNonsenseIsRefused(t *testing.T) {
	var inv simulate.Invariants
	require.Error(t, inv.Check(ev(rollout.Doing, "a"), nil), "before Started")
	require.Error(t, inv.Check(ev(rollout.Started, ""), nil), "without a spec")
	require.NoError(t, inv.Check(rollout.Event{Kind: rollout.Started, Spec: twoWaves()}, nil))
	require.Error(t, inv.Check(ev(rollout.Doing, "z"), nil))
	require.Error(t, inv.Check(judged(0, analysis.Inconclusive), nil))
	require.Error(t, inv.Check(judged(3, analysis.Inconclusive), nil))
	require.Error(t, inv.Check(rollout.Event{Kind: rollout.Judged, Wave: 1}, nil))
	require.Error(t, inv.Check(ev(rollout.Breached, ""), nil))
	_, err := simulate.Run(nil, simulate.Model{}, 1, 10, nil)
	require.Error(t, err)
	_, err = simulate.Run(&rollout.Spec{}, simulate.Model{}, 1, 10, nil)
	require.ErrorIs(t, err, rollout.ErrBadEvent)
}

func TestTheSameSeedTellsTheSameStory(t *testing.T) {
	run := func() string {
		trace, err := simulate.Run(twoWaves(), simulate.Model{}, 42, 1000, nil)
		require.NoError(t, err)
		require.Equal(t, rollout.Completed, trace.State.Phase())
		return journal(trace)
	}
	require.Equal(t, run(), run())
}
