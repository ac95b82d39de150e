package amazon

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func TestTheFloorStopsItInWaveOne(t *testing.T) {
	o, err := Incident().With()
	require.NoError(t, err)
	assert.Equal(t, 1.0, o.Exposed, "percent: one cell of a hundred")
	assert.LessOrEqual(t, o.Detect, with().Plan.Gate.Interval+time.Second, "one interval, after the step's second")
	assert.LessOrEqual(t, o.Recover, 10*time.Second)
	assert.Equal(t, "taken back", o.Ending)
}

func TestAHealthyChangeGetsEverywhere(t *testing.T) {
	healthy := with()
	healthy.World.Signals["checkouts"] = simulate.Signal{PerSecond: 20, Old: 0.97, New: 0.97}
	o, err := healthy.Tell()
	require.NoError(t, err)
	assert.Equal(t, "completed: nobody stopped it", o.Ending)
}

func TestAsItWentItWasEverywhereForSixHours(t *testing.T) {
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed)
	assert.True(t, o.Sum, "when it was noticed is not public")
	assert.InDelta(t, (6 * time.Hour).Seconds(), o.Recover.Seconds(), 60)
}

// The servers answered: it was the checkouts that did not succeed.
func TestAGateOnErrorsAloneSeesNothing(t *testing.T) {
	blind := with()
	blind.Plan.Gate.Checks = []analysis.Check{
		{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.NotWorse{Detect: 2}},
	}
	blind.World.Signals["errors"] = simulate.Signal{PerSecond: 20, Old: 0.001, New: 0.001}
	o, err := blind.Tell()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed)
	assert.True(t, o.Never)
}
