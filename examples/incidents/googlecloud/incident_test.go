package googlecloud

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

const firstRegion = 100 * 40 / 480.0 // percent of all tasks

func TestEverywhereAtOnceTheRestartsStampedeTheDatabase(t *testing.T) {
	t.Parallel()
	story := asItWent()
	o, err := tell(story)
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.InDelta(t, 40*time.Minute, o.Detect, float64(time.Second))
	assert.Greater(t, story.restarts.most, 10*serves)
	assert.Greater(t, o.Recover, 20*time.Minute)
	assert.Contains(t, o.Ending, "taken back; up to 64 tasks")
}

func TestByRegionTheFirstOneStopsIt(t *testing.T) {
	t.Parallel()
	story := byRegion()
	o, err := tell(story)
	require.NoError(t, err)
	assert.InDelta(t, firstRegion, o.Exposed, 1e-9)
	assert.Less(t, o.Detect, time.Minute)
	assert.Less(t, o.Recover, 5*time.Minute)
	assert.LessOrEqual(t, story.restarts.most, serves)
	assert.Contains(t, o.Ending, "taken back")
}

func TestWithoutTheWavesEveryTaskHasIt(t *testing.T) {
	t.Parallel()
	story := byRegion()
	story.Plan.Waves, story.Plan.AllowBigBang = rollout.Percent(100), "it is only data"
	story.Plan.Concurrency = len(story.Plan.Targets)
	o, err := tell(story)
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
}

// The same outage, and only the way back is another one.
func TestTheRampSparesTheDatabaseAndIsFasterForIt(t *testing.T) {
	t.Parallel()
	stampede, ramped := asItWent(), asItWent()
	ramped.Plan.Rollback = ramp()
	slow, err := tell(stampede)
	require.NoError(t, err)
	fast, err := tell(ramped)
	require.NoError(t, err)
	assert.LessOrEqual(t, ramped.restarts.most, serves)
	assert.Greater(t, stampede.restarts.most, 10*ramped.restarts.most)
	assert.Less(t, fast.Recover, slow.Recover)
}

func TestTheGateDoesNotPassCodeThatNothingHasExercised(t *testing.T) {
	t.Parallel()
	o, err := unexercised().Tell()
	require.NoError(t, err)
	assert.InDelta(t, firstRegion, o.Exposed, 1e-9)
	assert.InDelta(t, gate().Bake.AtMost, o.Detect, float64(time.Minute))
	assert.Equal(t, "taken back", o.Ending)
}

func TestAGateThatLooksAtAllRequestsPassesIt(t *testing.T) {
	t.Parallel()
	story := byRegion()
	story.Plan.Gate.Checks = []analysis.Check{{Name: "all requests", Source: simulate.Unasked{}, Judge: analysis.NotWorse{}}}
	story.World.Signals = map[string]simulate.Signal{"all requests": {PerSecond: 5, Old: 0.0001, New: 0.0001}}
	o, err := story.Tell()
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.True(t, o.Never)
}
