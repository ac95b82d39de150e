package frontdoor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
)

func TestAGateThatIsShorterThanTheEffectPassesIt(t *testing.T) {
	t.Parallel()
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.True(t, o.Sum)
	assert.Equal(t, whole, o.Recover)
	assert.Contains(t, o.Ending, "all gates passed")
	assert.Contains(t, o.Story[len(o.Story)-1], "leads to "+bad)
}

func TestABakeLongerThanTheEffectStopsItInTheFirstWave(t *testing.T) {
	t.Parallel()
	o, err := Incident().With()
	require.NoError(t, err)
	assert.InDelta(t, 1, o.Exposed, 0)
	assert.Greater(t, o.Detect, slowest)
	assert.Less(t, o.Detect, slowest+time.Minute)
	assert.Less(t, o.Recover, time.Minute)
	assert.Equal(t, "taken back", o.Ending)
}

func TestTheWayBackLeadsToWhatHasProvedGood(t *testing.T) {
	t.Parallel()
	_, known, err := tell(baked(), rollback.DefaultGoodAfter)
	require.NoError(t, err)
	assert.Equal(t, good, known)

	o, known, err := tell(asItWent(), rollback.DefaultGoodAfter)
	require.NoError(t, err)
	assert.Equal(t, good, known, "with the short gate too")
	assert.InDelta(t, 100, o.Exposed, 0)

	_, known, err = tell(asItWent(), time.Minute)
	require.NoError(t, err)
	assert.Equal(t, bad, known, "the gate's bake is not enough to be known for good")
}
