package cloudflarekill

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

func TestEverywhereAtOnceTheSwitchTakesAllThatRunsTheOldProxy(t *testing.T) {
	t.Parallel()
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.InDelta(t, 28, o.Exposed, 1e-9)
	assert.InDelta(t, 24*time.Minute, o.Detect, float64(time.Second))
	assert.Less(t, o.Recover, time.Minute)
	assert.Equal(t, "taken back", o.Ending)
}

func TestInWavesTheSwitchStopsAtTheFirstOldProxy(t *testing.T) {
	t.Parallel()
	o, err := Incident().With()
	require.NoError(t, err)
	assert.InDelta(t, 1, o.Exposed, 1e-9)
	assert.Less(t, o.Detect, 30*time.Second)
	assert.Less(t, o.Recover, 30*time.Second)
	assert.Equal(t, "taken back", o.Ending)
}

func TestWithoutItsWavesTheGateComesTooLate(t *testing.T) {
	t.Parallel()
	telling := inWaves()
	telling.Plan.Waves = rollout.Percent(100)
	telling.Plan.AllowBigBang = "a kill switch has no time for waves"
	telling.Plan.Concurrency = len(telling.Plan.Targets)
	o, err := telling.Tell()
	require.NoError(t, err)
	assert.InDelta(t, 28, o.Exposed, 1e-9)
}

func TestAFirstWaveWithoutTheOldProxyLearnsNothing(t *testing.T) {
	t.Parallel()
	telling := inWaves()
	old, young := telling.Plan.Targets[:28], telling.Plan.Targets[28:]
	telling.Plan.Waves = rollout.Explicit{
		{Targets: young[:2]},
		{Targets: append(old[:10:10], young[2:10]...)},
		{Targets: append(old[10:28:28], young[10:]...)},
	}
	o, err := telling.Tell()
	require.NoError(t, err)
	assert.Greater(t, o.Exposed, 1.0)
	assert.LessOrEqual(t, o.Exposed, 10.0)
	assert.Greater(t, o.Detect, 30*time.Second)
}

// The first change was still under way when the second was made to help it.
func TestASecondChangeOfTheSamePlacesIsRefusedWhileTheFirstIsOpen(t *testing.T) {
	t.Parallel()
	var journal rollout.MemoryJournal
	first, err := journal.Open(t.Context(), "larger-buffer-2025-12-05", "edge-proxy")
	require.NoError(t, err)
	defer first.Close()
	second := rollout.Runner{Plan: inWaves().Plan, Deployer: nobody{}, Journal: &journal}
	_, err = second.Run(t.Context())
	require.ErrorIs(t, err, rollout.ErrHeld)
}

// nobody deploys nothing.
type nobody struct{}

func (nobody) Deploy(context.Context, rollout.Target, rollout.Release) error {
	return errors.New("nobody should have asked")
}
