package simulate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func fleet(n int) (targets []rollout.Target) {
	for i := range n {
		targets = append(targets, rollout.Target{Name: fmt.Sprintf("host-%04d", i), Labels: map[string]string{"zone": string(rune('a' + i%3))}})
	}
	return targets
}

func shop(targets int) *rollout.Plan {
	judge := analysis.NotWorse{Detect: 2}
	return &rollout.Plan{
		Name: "shop-v2", Release: rollout.Release{Service: "shop", From: "v1", To: "v2"},
		Targets: fleet(targets), Waves: rollout.Percent(1, 5, 20, 50, 100), Concurrency: 20,
		Gate: analysis.Gate{
			Bake: analysis.Bake{AtLeast: time.Minute, AtMost: time.Hour},
			Checks: []analysis.Check{
				{Name: "errors", Source: simulate.Unasked{}, Judge: judge},
				{Name: "timeouts", Source: simulate.Unasked{}, Judge: judge},
				{Name: "checkout", Source: simulate.Unasked{}, Judge: judge},
			},
		},
	}
}

func world(bad float64) simulate.World {
	return simulate.World{Signals: map[string]simulate.Signal{
		"errors": {PerSecond: 20, Old: 0.002, New: 0.002 * bad}, "timeouts": {PerSecond: 20, Old: 0.002, New: 0.002}, "checkout": {PerSecond: 20, Old: 0.002, New: 0.002},
	}}
}

func TestAHealthyReleaseIsPlayedToItsEnd(t *testing.T) {
	trace, err := simulate.Play(shop(100), world(1), 3)
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, trace.State.Phase(), trace.State.Reason())
	require.Equal(t, "v2", trace.Runs("host-0099"))
	require.Empty(t, trace.Runs("host-9999"))
	require.Len(t, trace.World(), 100)
	require.Len(t, trace.Changes, 100)
}

func TestABadReleaseIsFoundOnTheFirstTarget(t *testing.T) {
	trace, err := simulate.Play(shop(100), world(10), 3)
	require.NoError(t, err)
	result := trace.State.Result()
	require.Equal(t, rollout.RolledBack, result.Phase)
	require.Equal(t, 1, result.PeakExposed)
	require.Positive(t, result.TimeToDetect)
	require.Equal(t, "v1", trace.Runs("host-0000"))
}

// What shows late is found late: after the wave that it is first seen in.
func TestAFaultThatShowsLateIsFoundLate(t *testing.T) {
	w := world(10)
	late := w.Signals["errors"]
	late.After = 3 * time.Minute
	w.Signals["errors"] = late
	trace, err := simulate.Play(shop(100), w, 3)
	require.NoError(t, err)
	require.Equal(t, rollout.RolledBack, trace.State.Phase())
	require.Greater(t, trace.State.Result().TimeToDetect, 3*time.Minute)
}

// A source that the world has no signal for sees nothing: that never passes.
func TestNothingIsPassedOnNothing(t *testing.T) {
	w := world(1)
	delete(w.Signals, "errors")
	trace, err := simulate.Play(shop(100), w, 3)
	require.NoError(t, err)
	require.Equal(t, rollout.RolledBack, trace.State.Phase())
	require.Equal(t, 1, trace.State.Result().PeakExposed)
}

// The plan's own guards are asked about every step: this one lets three targets
// through, and is content again once a gate has passed.
func TestThePlansGuardsAreAsked(t *testing.T) {
	plan := shop(100)
	asked := 0
	plan.Guards = []guardrails.Guard{guardrails.Func(func(_ context.Context, act guardrails.Action) error {
		asked++
		if act.Verb == guardrails.Deploy && act.Fleet.Tally("", "").Exposed == 21 {
			return &guardrails.Breach{Guard: "x", Consequence: guardrails.Rollback, Reason: "twenty are enough"}
		}
		return nil
	})}
	trace, err := simulate.Play(plan, world(1), 3)
	require.NoError(t, err)
	require.Equal(t, rollout.RolledBack, trace.State.Phase())
	require.Equal(t, 20, trace.State.Result().PeakExposed)
	require.Greater(t, asked, 20)
}

// A cap holds what would break it, and lets go once a gate has made room.
func TestACapHoldsUntilAGateHasPassed(t *testing.T) {
	plan := shop(100)
	plan.Guards = []guardrails.Guard{guardrails.MaxExposure{Count: 50}, guardrails.MaxExposure{Percent: 60, PerLabel: "zone"}}
	trace, err := simulate.Play(plan, world(1), 3)
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, trace.State.Phase())
}

// The gates of the way back are real, too: the old version heals, so both pass.
func TestTheWayBackIsMeasured(t *testing.T) {
	plan := shop(100)
	plan.Rollback = rollback.Policy{
		Verify: analysis.Gate{Checks: []analysis.Check{{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.Below(0.01)}}},
	}
	trace, err := simulate.Play(plan, world(10), 3)
	require.NoError(t, err)
	require.Equal(t, rollout.RolledBack, trace.State.Phase(), trace.State.Reason())
	judged := false
	for _, ev := range trace.Events {
		judged = judged || ev.Kind == rollout.UndoJudged
	}
	require.Equal(t, trace.State.Spec().Undo.Verify, judged)
}

// The faults of the machinery change when a release is found, and not whether.
func TestABadReleaseIsFoundThroughFaults(t *testing.T) {
	stage, err := simulate.Prepare(shop(60))
	require.NoError(t, err)
	for seed := range uint64(20) {
		w := world(10)
		w.Faults = simulate.Faults{
			simulate.DeployUnsure: 0.01, simulate.CrashBeforeAct: 0.01, simulate.CrashBeforeAppend: 0.01, simulate.CrashAfterAct: 0.01,
			simulate.AppendTears: 0.01, simulate.MetricsMissing: 0.1, simulate.MetricsStale: 0.1, simulate.RunnerPaused: 0.02,
		}
		trace, err := stage.Play(w, seed)
		require.NoError(t, err, simulate.Story(trace))
		require.Equal(t, rollout.RolledBack, trace.State.Phase(), simulate.Story(trace))
		require.LessOrEqual(t, trace.State.Result().PeakExposed, 3)
	}
}

func TestAPlanThatIsNoneIsNotPlayed(t *testing.T) {
	_, err := simulate.Play(&rollout.Plan{}, simulate.World{}, 1)
	require.ErrorIs(t, err, rollout.ErrInvalidPlan)
	_, err = simulate.Play(nil, simulate.World{}, 1)
	require.Error(t, err)
}

// Five waves, a hundred targets, three checks: ten thousand of these in ten seconds on
// two cores is two milliseconds each.
func BenchmarkPlay(b *testing.B) {
	stage, err := simulate.Prepare(shop(100))
	require.NoError(b, err)
	w := world(1)
	events := 0
	for n := range b.N {
		trace, err := stage.Play(w, uint64(n))
		require.NoError(b, err)
		events += len(trace.Events)
	}
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}
