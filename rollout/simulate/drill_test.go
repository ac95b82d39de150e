package simulate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func drilled(t *testing.T) *rollout.Spec {
	plan := rollout.Plan{
		Name: "checkout-v42", Release: rollout.Release{Service: "checkout", From: "v41", To: "v42"},
		Waves: rollout.WavesFunc(func(fleet []rollout.Target) ([]rollout.Wave, error) {
			waves, err := rollout.Percent(5, 25, 100).Split(fleet)
			for i := range waves {
				waves[i].Ungated = "it is a test"
			}
			return waves, err
		}),
		Floor: 70,
	}
	for i := range 20 {
		plan.Targets = append(plan.Targets, rollout.Target{Name: fmt.Sprintf("host-%02d", i)})
	}
	spec, err := plan.Spec()
	require.NoError(t, err)
	return spec
}

// A drill of a user's own plan goes through faults of all kinds, and says what came of it.
func TestADrillOfAPlan(t *testing.T) {
	spec := drilled(t)
	d, err := simulate.RunDrill(t.Context(), spec, 400, 1)
	require.NoError(t, err)
	require.NoError(t, d.Err)
	require.Nil(t, d.Broken)
	require.Equal(t, 400, d.Rollouts)
	require.Greater(t, d.Runners, 420, "runners took over")
	require.Greater(t, len(d.Faults), 20)
	require.NotZero(t, d.Ends["completed"])
	require.NotZero(t, d.Ends["rolled-back"])
	require.Equal(t, 20, d.Exposed)

	again, err := simulate.RunDrill(t.Context(), spec, 400, 1)
	require.NoError(t, err)
	require.Equal(t, d, again, "the same seed gives the same drill")
}

func TestADrillOfNothingIsRefused(t *testing.T) {
	_, err := simulate.RunDrill(t.Context(), nil, 1, 1)
	require.Error(t, err)
	_, err = simulate.RunDrill(t.Context(), drilled(t), 0, 1)
	require.Error(t, err)
	_, err = simulate.RunDrill(t.Context(), &rollout.Spec{}, 1, 1)
	require.ErrorIs(t, err, rollout.ErrBadEvent)
}

// A drill that is stopped says what it has done by then.
func TestADrillHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := simulate.RunDrill(ctx, drilled(t), 1000, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, d.Rollouts)
}
