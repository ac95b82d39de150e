package simulate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// toothless is a guard that cannot say no, and knows it.
type toothless struct{ asked int }

func (g *toothless) GuardName() string { return "toothless" }

func (g *toothless) Check(context.Context, guardrails.Action) error { g.asked++; return nil }

func (g *toothless) SelfTest(context.Context) error { return errors.New("it let everything through") }

// A guard that cannot prove that it says no is not relied upon: as with the real runner,
// nothing begins.
func TestAGuardThatFailsItsSelfTestStopsThePlay(t *testing.T) {
	plan, guard := shop(10), &toothless{}
	plan.Guards = []guardrails.Guard{guard}
	trace, err := simulate.Play(plan, world(1), 3)
	require.ErrorIs(t, err, guardrails.ErrSelfTest)
	require.ErrorContains(t, err, "nothing was touched")
	require.Zero(t, guard.asked)
	nothingHappened(t, trace)
}

func startsOnly(consequence guardrails.Consequence, reason string, seen *guardrails.Action) guardrails.Guard {
	return guardrails.Func(func(_ context.Context, act guardrails.Action) error {
		if act.Verb != guardrails.Start {
			return nil
		}
		*seen = act
		return &guardrails.Breach{Guard: reason, Consequence: consequence, Reason: reason}
	})
}

// The guards are asked about the rollout as a whole before it begins, with all that the
// real runner would tell them. The gravest no is the answer.
func TestAGuardThatRefusesAStartStopsThePlay(t *testing.T) {
	plan := shop(10)
	var act guardrails.Action
	plan.Guards = []guardrails.Guard{startsOnly(guardrails.Hold, "not today", &act), startsOnly(guardrails.Halt, "never", &act)}
	trace, err := simulate.Play(plan, world(1), 3)
	require.ErrorIs(t, err, guardrails.ErrBreach)
	require.ErrorContains(t, err, "never")
	nothingHappened(t, trace)
	hash, err := plan.Hash()
	require.NoError(t, err)
	require.Equal(t, hash, act.Plan)
	require.Equal(t, plan.Name, act.Rollout)
	require.Equal(t, uint64(1), act.Fence)
	require.Greater(t, act.Longest, plan.Gate.Deadline())
}

func nothingHappened(t *testing.T, trace *simulate.Trace) {
	require.Empty(t, trace.Events)
	require.Empty(t, trace.Changes)
	require.Zero(t, trace.Took)
	require.Equal(t, new(rollout.State), trace.State)
	require.Equal(t, "v1", trace.Runs("host-0000"))
}
