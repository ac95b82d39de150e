package cloudflarefeature

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestWithoutGuardsEveryMachineCrashesUntilTheGeneratorIsStopped(t *testing.T) {
	t.Parallel()
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.InDelta(t, stopped, o.Detect, float64(time.Second))
	assert.Less(t, o.Recover, time.Minute)
	assert.False(t, o.Never)
}

func TestTheFileIsRefusedAndTheNextGoodOneDoesNotResumeThePipeline(t *testing.T) {
	t.Parallel()
	o, err := Incident().With()
	require.NoError(t, err)
	assert.True(t, o.Refused)
	assert.Zero(t, o.Exposed)
	require.Len(t, o.Story, 4)
	assert.Contains(t, o.Story[0], "max-diff says no (hold)")
	assert.Contains(t, o.Story[1], "flap says no (hold)")
	assert.Contains(t, o.Story[2], "flap says no (hold)")
	assert.Contains(t, o.Story[3], "features-1115")
}

func TestAHumanHasTheLastWord(t *testing.T) {
	t.Parallel()
	p := guarded()
	_, err := p.run()
	require.NoError(t, err)
	require.NoError(t, p.flap.Reset("ann", "the query is mended"))
	o, err := p.send(good("features-1440"))
	require.NoError(t, err)
	assert.Equal(t, "completed: nobody stopped it", o.Ending)
}

func TestWithoutMaxDiffTheFirstWaveCrashes(t *testing.T) {
	t.Parallel()
	p := guarded()
	p.guards = []guardrails.Guard{p.flap}
	o, err := p.run()
	require.NoError(t, err)
	assert.False(t, o.Refused)
	assert.InDelta(t, 1, o.Exposed, 0)
	assert.Contains(t, o.Story[1], "flap says no (hold)")
}

func TestWithoutFlapTheNextGoodFileGoesOut(t *testing.T) {
	t.Parallel()
	p := guarded()
	p.guards = []guardrails.Guard{p.diff}
	o, err := p.run()
	require.NoError(t, err)
	assert.Zero(t, o.Exposed)
	assert.Contains(t, o.Story[1], "completed")
}
