package crowdstrike

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
)

func TestSilenceFailsWaveOne(t *testing.T) {
	o, err := Incident().With()
	require.NoError(t, err)
	assert.InDelta(t, 100.0/850, o.Exposed, 1e-9, "ten thousand of 8.5 million")
	assert.LessOrEqual(t, o.Detect, time.Minute)
	assert.True(t, o.Never, "a host that does not boot is not healed by a revert")
	assert.Equal(t, "could not be taken back: a human has to", o.Ending)
}

func TestAHealthyFileGetsEverywhere(t *testing.T) {
	healthy := with()
	healthy.Plan.Release.To = "content-292"
	o, err := healthy.Tell()
	require.NoError(t, err)
	assert.Equal(t, "completed: nobody stopped it", o.Ending)
}

func TestAsItWentTheRevertHealedNobody(t *testing.T) {
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed)
	assert.Equal(t, 78*time.Minute, o.Detect)
	assert.True(t, o.Never)
}

// A gate that reads rates has nothing to read of hosts that are silent. It does not pass
// on that either: it waits, up to its deadline.
func TestWithoutTheHeartbeatsItTakesTheDeadlineToNotice(t *testing.T) {
	deaf := with()
	deaf.Plan.Gate.Checks = deaf.Plan.Gate.Checks[:1]
	o, err := deaf.Tell()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, o.Detect, analysis.DefaultAtMost)
	assert.InDelta(t, 100.0/850, o.Exposed, 1e-9, "no data is never a pass")
}

func TestWithoutWavesTheGateComesTooLate(t *testing.T) {
	all := with()
	gate := all.Plan.Gate
	all.Plan = replay.AtOnce(all.Plan, "content is not staged")
	all.Plan.Gate = gate
	o, err := all.Tell()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed)
	assert.LessOrEqual(t, o.Detect, time.Minute)
}
