package simulate_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func twoWaves() *rollout.Spec {
	return &rollout.Spec{
		From: "v1", To: "v2",
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

// A fact is one thing that the checker is told.
type fact func(*simulate.Invariants) error

func on(events ...rollout.Event) fact {
	return func(v *simulate.Invariants) error {
		for i, ev := range events {
			if err := v.Check(ev); err != nil || i == len(events)-1 {
				return err
			}
		}
		return nil
	}
}

func runs(step, version string) fact {
	return func(v *simulate.Invariants) error { return v.Ran(step, version, false) }
}

func begins(e rollout.Effect) fact {
	return func(v *simulate.Invariants) error { return v.Begin(e, 1) }
}

func carriesOut(e rollout.Effect) fact {
	return func(v *simulate.Invariants) error {
		defer v.Over(e, 1)
		return v.Begin(e, 1)
	}
}

func opened(epoch uint64) fact {
	return func(v *simulate.Invariants) error { v.Opened(epoch); return nil }
}

func does(step string) rollout.Effect { return rollout.Effect{Kind: rollout.DoStep, Step: step} }

func undoes(step, version string, link int) rollout.Effect {
	return rollout.Effect{Kind: rollout.UndoStep, Step: step, Version: version, Link: link}
}

func sees(wave int, o analysis.Observation) rollout.Event {
	return rollout.Event{Kind: rollout.Observed, Wave: wave, At: o.At, Check: &rollout.CheckRecord{Name: "errors", Observation: o}}
}

func at(seconds int) time.Time { return time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC) }

func after(seconds int, ev rollout.Event) rollout.Event {
	ev.At = at(seconds)
	return ev
}

func good(seconds int) analysis.Observation {
	return analysis.Observation{At: at(seconds), Canary: analysis.Counts(0, 10)}
}

// A checker that cannot fail proves nothing: each of these rollouts breaks one
// rule, with the last thing that happens, and must be found.
func TestTheInvariantsBite(t *testing.T) {
	passed, failed := judged(1, analysis.Pass), judged(2, analysis.Fail)
	doing, done, doFailed := ev(rollout.Doing, "a"), ev(rollout.Done, "a"), ev(rollout.DoFailed, "a")
	undoing, undone, undoFailed := ev(rollout.Undoing, "a"), ev(rollout.Undone, "a"), ev(rollout.UndoFailed, "a")
	rollBack := ev(rollout.RollBack, "")
	oneWave := func(s *rollout.Spec) { s.Waves = s.Waves[:1] }
	rehearse := func(s *rollout.Spec) { s.Undo.Rehearse = true }
	chain := func(s *rollout.Spec) { s.Undo.Older = []string{"v0"} }
	mitigating := func(name string) fact { return on(ev(rollout.Mitigating, name)) }
	undoJudged := func(gate string, o analysis.Outcome) rollout.Event {
		return rollout.Event{Kind: rollout.UndoJudged, Step: gate, Decision: &analysis.Decision{Outcome: o}}
	}
	strays := rollout.Event{Kind: rollout.Surveyed, Survey: &rollout.Survey{Asked: 1, Astray: []rollout.Astray{{Step: "a", Runs: "v2"}}}}
	taken := on(doing, done, rollBack, undoing, undone)
	for _, tc := range []struct {
		name  string
		want  string
		spec  func(*rollout.Spec)
		facts []fact
	}{
		{"a target of wave 2 is exposed before gate 1", "I1", nil, []fact{on(doing), runs("b", "v2")}},
		{"more steps are in flight than may be", "I1", func(s *rollout.Spec) { s.Concurrency = 1 }, []fact{on(doing, done, passed), on(ev(rollout.Doing, "b")), on(ev(rollout.Doing, "c"))}},
		{"an override lifts a cap", "I1", nil, []fact{on(rollout.Event{Kind: rollout.Breached, Breach: &guardrails.Breach{Guard: "g", Cap: true}}), on(ev(rollout.Override, "g"))}},
		{"wave 2 starts before gate 1", "I2", nil, []fact{on(doing, done), on(ev(rollout.Doing, "b"))}},
		{"wave 1 starts without approval", "I2", func(s *rollout.Spec) { s.Waves[0].Approval = true }, []fact{on(doing)}},
		{"a step begins before that is on record", "I2", nil, []fact{begins(does("a"))}},
		{"an undo begins before that is on record", "I2", nil, []fact{on(doing, done, rollBack), begins(undoes("a", "v1", 0))}},
		{"a step starts after a failed gate", "I3", nil, []fact{on(doing, done, passed, failed), on(ev(rollout.Doing, "b"))}},
		{"a step is carried out after a failed gate", "I3", nil, []fact{on(doing, judged(1, analysis.Fail)), begins(does("a"))}},
		{"a step starts after a gate without a verdict", "I3", nil, []fact{on(judged(1, analysis.Inconclusive)), on(doing)}},
		{"a step starts after a breach", "I3", nil, []fact{on(breached(guardrails.Rollback)), on(doing)}},
		{"a step starts after an abort", "I3", nil, []fact{on(ev(rollout.Abort, "")), on(doing)}},
		{"a step starts after too many have failed", "I3", nil, []fact{on(doing, done, passed, ev(rollout.Doing, "b"), ev(rollout.DoFailed, "b")), on(ev(rollout.Doing, "c"))}},
		{"a step starts while held", "I3", nil, []fact{on(breached(guardrails.Hold)), on(doing)}},
		{"a step starts while paused", "I3", nil, []fact{on(ev(rollout.Pause, "")), on(doing)}},
		{"a step starts after a reset, and nobody said resume", "I3", nil, []fact{on(ev(rollout.Kill, ""), ev(rollout.Reset, "")), on(doing)}},
		{"rolled back, but one step was not undone", "I4", nil, []fact{on(doing, doFailed), on(ended(rollout.RolledBack))}},
		{"rolled back, but a target runs the new version", "I4", nil, []fact{on(doing), runs("a", "v2"), on(done, rollBack, undoing), begins(undoes("a", "v1", 0)), on(undone), on(ended(rollout.RolledBack))}},
		{"rolled back, and then a late write brings the new version", "I4", nil, []fact{on(doing, done, rollBack, undoing), begins(undoes("a", "v1", 0)), on(undone, ended(rollout.RolledBack)), runs("a", "v2")}},
		{"completed with a step missing", "I5", nil, []fact{on(doing, done), on(ended(rollout.Completed))}},
		{"completed with a gate missing", "I5", oneWave, []fact{on(doing), runs("a", "v2"), on(done), on(ended(rollout.Completed))}},
		{"completed while held", "I5", oneWave, []fact{on(doing), runs("a", "v2"), on(done, breached(guardrails.Hold), passed), on(ended(rollout.Completed))}},
		{"completed, but a target runs the old version", "I5", oneWave, []fact{on(doing, done, passed), on(ended(rollout.Completed))}},
		{"partial with a gate missing", "I5", nil, []fact{on(doing, done), on(ended(rollout.Partial))}},
		{"a runner records that has lost its lease", "I6", nil, []fact{opened(2), on(rollout.Event{Kind: rollout.Doing, Step: "a", Epoch: 1})}},
		{"a runner acts that has lost its lease", "I6", nil, []fact{on(doing), opened(2), begins(does("a"))}},
		{"a step starts after a kill", "I8", nil, []fact{on(ev(rollout.Kill, "")), on(doing)}},
		{"an undo starts after a halt", "I8", nil, []fact{on(doing, done, breached(guardrails.Halt)), on(undoing)}},
		{"an undo is carried out after a halt", "I8", nil, []fact{on(doing, done, rollBack, undoing, ev(rollout.Kill, "")), begins(undoes("a", "v1", 0))}},
		{"an undo starts though a failure freezes", "I8", func(s *rollout.Spec) { s.OnFailure = rollout.Freeze }, []fact{on(doing, done, judged(1, analysis.Fail)), on(undoing)}},
		{"a mitigation starts after a halt", "I8", nil, []fact{on(ev(rollout.Kill, "")), mitigating("drain")}},
		{"a gate passes that has seen nothing", "I9", nil, []fact{on(after(1, doing), after(2, done)), on(after(9, passed))}},
		{"a gate passes on data from before the last step", "I9", nil, []fact{on(after(1, doing), sees(1, good(2)), after(3, done)), on(after(9, passed))}},
		{"a gate passes on NaN", "I9", nil, []fact{on(after(1, doing), after(2, done), sees(1, analysis.Observation{At: at(3), Canary: analysis.Sample{Kind: analysis.ValueKind, Value: math.NaN()}})), on(after(9, passed))}},
		{"a gate passes when the source has gone silent", "I9", nil, []fact{on(after(1, doing), after(2, done), sees(1, good(3)), sees(1, analysis.Observation{At: at(4), Err: "down"})), on(after(9, passed))}},
		{"a gate passes on old data", "I9", nil, []fact{on(after(1, doing), after(2, done), sees(1, good(3))), on(after(99, passed))}},
		{"a gate passes while a step is in flight", "I9", nil, []fact{on(after(1, doing)), on(passed)}},
		{"more are down than may be", "I10", func(s *rollout.Spec) { s.MaxDown = 1 }, []fact{on(doing, done, passed, ev(rollout.Doing, "b")), on(ev(rollout.Doing, "c"))}},
		{"more are down than may be, on the way back", "I10", func(s *rollout.Spec) { s.MaxDown, s.Failures, s.WaveFailures = 1, 2, 1 }, []fact{on(doing, done, passed, ev(rollout.Doing, "b"), ev(rollout.DoFailed, "b"), rollBack), on(undoing)}},
		{"a step is undone that was never started", "B1", nil, []fact{on(rollBack), on(undoing)}},
		{"a step is undone though nothing went wrong", "B1", nil, []fact{on(doing, done), on(undoing)}},
		{"a step is undone while it is in flight", "B1", nil, []fact{opened(1), on(doing), begins(does("a")), on(rollBack), on(undoing)}},
		{"a step is carried out twice at once", "B1", nil, []fact{opened(1), on(doing), begins(does("a")), begins(does("a"))}},
		{"a step is done twice", "B2", nil, []fact{on(doing, done), on(doing)}},
		{"a step is done a third time", "B2", rehearse, []fact{on(doing, done, undoing, undone, doing, done), on(doing)}},
		{"a step is done a third time, after a rehearsal that a crash had cut short", "B2", func(s *rollout.Spec) {
			rehearse(s)
			s.Undo.RTO = time.Hour
		}, []fact{on(doing, done, undoing, ev(rollout.Resumed, ""), undone, doing, done, undoing, undone, doing, done), on(doing)}},
		{"another step starts during the rehearsal", "B2", func(s *rollout.Spec) {
			rehearse(s)
			s.Waves[0].Steps = append(s.Waves[0].Steps, rollout.SpecStep{ID: "z"})
		}, []fact{on(doing, done), on(ev(rollout.Doing, "z"))}},
		{"what is astray is undone a third time", "B7", nil, []fact{taken, on(strays, undoing, undone, strays, undoing), begins(undoes("a", "v1", 0))}},
		{"what is irreversible is undone", "B3", func(s *rollout.Spec) { s.Waves[0].Steps[0].Irreversible = true }, []fact{on(doing, done, rollBack), on(undoing)}},
		{"something is undone after what is irreversible", "B3", func(s *rollout.Spec) { s.Waves[1].Steps[0].Irreversible = true }, []fact{on(doing, done, passed, ev(rollout.Doing, "b"), ev(rollout.Abort, "")), on(undoing)}},
		{"a failure after what is irreversible leads to an undo", "I8", func(s *rollout.Spec) { s.Waves[1].Steps[0].Irreversible = true }, []fact{on(doing, done, passed, ev(rollout.Doing, "b"), failed), on(undoing)}},
		{"the chain is gone up", "B4", chain, []fact{on(doing, done, rollBack, undoing), carriesOut(undoes("a", "v0", 1)), on(undoFailed, undoing), begins(undoes("a", "v1", 0))}},
		{"a version is gone on with that made things worse", "B4", chain, []fact{on(doing, done, rollBack, undoing), carriesOut(undoes("a", "v1", 0)), on(undone, undoJudged(rollout.CanaryGate, analysis.Fail), undoing), begins(undoes("a", "v1", 0))}},
		{"a version is put on a target that is not of the chain", "B4", chain, []fact{on(doing, done, rollBack, undoing), begins(undoes("a", "v7", 1))}},
		{"mitigations come out of order", "B5", func(s *rollout.Spec) { s.Undo.Fast = []string{"flag", "drain"} }, []fact{on(rollBack), mitigating("drain")}},
		{"a fast mitigation comes after an undo", "B5", func(s *rollout.Spec) { s.Undo.Fast = []string{"flag"} }, []fact{on(doing, done, rollBack, undoing), begins(undoes("a", "v1", 0)), mitigating("flag")}},
		{"a fast mitigation comes once more, for a human who says what is done already", "B5", func(s *rollout.Spec) { s.Undo.Fast = []string{"flag"} }, []fact{on(doing, done, rollBack, undoing, rollBack), mitigating("flag")}},
		{"a mitigation comes though nothing went wrong", "B5", func(s *rollout.Spec) { s.Undo.Fast = []string{"flag"} }, []fact{mitigating("flag")}},
		{"rolled back without the survey", "B6", func(s *rollout.Spec) { s.Undo.Survey = true }, []fact{taken, runs("a", ""), on(ended(rollout.RolledBack))}},
		{"rolled back without the gate on the recovery", "B6", func(s *rollout.Spec) { s.Undo.Verify = true }, []fact{taken, runs("a", ""), on(ended(rollout.RolledBack))}},
		{"contained with the domain that failed not taken back", "B6", func(s *rollout.Spec) {
			s.Undo.Domain = "zone"
			s.Waves[0].Steps[0].Labels, s.Waves[1].Steps[0].Labels = map[string]string{"zone": "x"}, map[string]string{"zone": "x"}
		}, []fact{on(doing), runs("a", "v2"), on(done, passed, ev(rollout.Doing, "b"), ev(rollout.Done, "b"), failed, ev(rollout.Undoing, "b"), ev(rollout.Undone, "b")), on(ended(rollout.Contained))}},
		{"contained with a step in doubt", "B6", nil, []fact{on(doing, done, passed, ev(rollout.Doing, "b"), ev(rollout.DoFailed, "b")), on(ended(rollout.Contained))}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := twoWaves()
			if tc.spec != nil {
				tc.spec(spec)
			}
			var inv simulate.Invariants
			if tc.want == "I9" {
				inv.Need(1, "errors", 30*time.Second)
			}
			require.NoError(t, inv.Check(rollout.Event{Kind: rollout.Started, Spec: spec}))
			for i, tell := range tc.facts {
				err := tell(&inv)
				if i < len(tc.facts)-1 {
					require.NoError(t, err, "fact %d", i+1)
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
	require.Error(t, inv.Check(ev(rollout.Doing, "a")), "before Started")
	require.Error(t, inv.Check(ev(rollout.Started, "")), "without a spec")
	require.NoError(t, inv.Check(rollout.Event{Kind: rollout.Started, Spec: twoWaves()}))
	require.Error(t, inv.Check(ev(rollout.Doing, "z")))
	require.Error(t, inv.Check(judged(0, analysis.Inconclusive)))
	require.Error(t, inv.Check(judged(3, analysis.Inconclusive)))
	require.Error(t, inv.Check(rollout.Event{Kind: rollout.Judged, Wave: 1}))
	require.Error(t, inv.Check(ev(rollout.Breached, "")))
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
