package simulate_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// slow is a plan whose gate looks twice a day, while its kill switch is asked every
// second.
func slow() *rollout.Plan {
	plan := shop(10)
	plan.Waves = rollout.Percent(10, 100)
	plan.Guards = []guardrails.Guard{&guardrails.KillSwitch{}}
	plan.Gate = analysis.Gate{
		Bake: analysis.Bake{AtLeast: 8 * time.Hour}, Interval: 4 * time.Hour,
		Checks: []analysis.Check{{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.Below(0.1)}},
	}
	return plan
}

func TestAGateThatLooksTwiceADayIsNotStuck(t *testing.T) {
	trace, err := simulate.Play(slow(), world(1), 3)
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, trace.State.Phase(), trace.State.Reason())
	require.Greater(t, trace.Took, 16*time.Hour)
}

// Clocks that are set while a gate waits put its next look off.
func TestAGateThatLooksTwiceADayIsNotStuckWhenTheClocksAreSet(t *testing.T) {
	w := world(1)
	w.Happenings = []simulate.Happening{{At: 3 * time.Hour, Skew: -2 * time.Hour}, {At: 5 * time.Hour, Skew: -3 * time.Hour}}
	trace, err := simulate.Play(slow(), w, 3)
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, trace.State.Phase(), trace.State.Reason())
}

// frozen lets no step begin, and counts how often it is asked.
func frozen(asked *int) guardrails.Guard {
	return guardrails.Func(func(_ context.Context, act guardrails.Action) error {
		if *asked++; act.Verb == guardrails.Start {
			return nil
		}
		return &guardrails.Breach{Guard: "frozen", Reason: "not yet"}
	})
}

// A rollout that is held has as long as its plan says, though its guards are asked every
// second meanwhile.
func TestAHoldLastsAsLongAsThePlanSays(t *testing.T) {
	plan, asked := shop(10), 0
	plan.Guards = []guardrails.Guard{frozen(&asked)}
	plan.HoldAtMost = 12 * time.Hour
	trace, err := simulate.Play(plan, world(1), 3)
	require.NoError(t, err)
	require.False(t, trace.Held)
	require.Contains(t, trace.State.Failure(), "held for 12h0m0s")
}

// One that nobody lets go is given up soon.
func TestAHoldWithoutAnEndIsCheap(t *testing.T) {
	plan, asked := shop(10), 0
	plan.Guards = []guardrails.Guard{frozen(&asked)}
	trace, err := simulate.Play(plan, world(1), 3)
	require.NoError(t, err)
	require.True(t, trace.Held)
	require.Less(t, asked, 20_000)
}

// What a human will say is waited for.
func TestAHumanMayTakeADay(t *testing.T) {
	plan := slow()
	w := world(1)
	w.Happenings = []simulate.Happening{
		{At: time.Minute, Verb: rollout.Event{Kind: rollout.Pause}}, {At: 24 * time.Hour, Verb: rollout.Event{Kind: rollout.Resume}},
	}
	trace, err := simulate.Play(plan, w, 3)
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, trace.State.Phase(), trace.State.Reason())
	require.Greater(t, trace.Took, 24*time.Hour)
}

// A gate whose deadline is over waits for a human, though it goes on to look.
func TestAGateThatWaitsForAHumanIsHeld(t *testing.T) {
	plan := slow()
	plan.Gate.OnDeadline = analysis.WaitAtDeadline
	w := world(1)
	w.Signals = nil
	trace, err := simulate.Play(plan, w, 3)
	require.NoError(t, err)
	require.True(t, trace.Held)
	require.Less(t, trace.Took, 48*time.Hour)
}
