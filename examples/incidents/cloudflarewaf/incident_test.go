package cloudflarewaf

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func TestWithoutWavesTheRuleIsEverywhereUntilTheSwitchIsFound(t *testing.T) {
	t.Parallel()
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.InDelta(t, 25*time.Minute, o.Detect, float64(time.Second))
	assert.Positive(t, o.Recover)
	assert.Less(t, o.Recover, 2*time.Minute)
	assert.Equal(t, "taken back", o.Ending)
}

func TestInWavesTheProcessorsOfOnePlaceStopIt(t *testing.T) {
	t.Parallel()
	o, err := Incident().With()
	require.NoError(t, err)
	assert.InDelta(t, 1, o.Exposed, 0)
	assert.Less(t, o.Detect, 30*time.Second)
	assert.Less(t, o.Recover, 30*time.Second)
	assert.False(t, o.Never)
	assert.Equal(t, "taken back", o.Ending)
}

func TestAGateThatLooksAtErrorsAloneLetsTheRulePass(t *testing.T) {
	t.Parallel()
	telling := inWaves()
	telling.Plan.Gate.Checks = []analysis.Check{{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.NotWorse{}}}
	telling.World.Signals["errors"] = simulate.Signal{PerSecond: 1000, Old: 0.0001, New: 0.0001}
	o, err := telling.Tell()
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.True(t, o.Never)
}

func TestASwitchOutOfBandSavesTheTimeToFindIt(t *testing.T) {
	t.Parallel()
	telling, err := switched()
	require.NoError(t, err)
	o, err := telling.Tell()
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.InDelta(t, 3*time.Minute, o.Detect, float64(time.Second))
	assert.Equal(t, "taken back", o.Ending)
}
