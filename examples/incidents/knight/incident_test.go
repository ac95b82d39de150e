package knight

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

func TestTheActivationIsRefused(t *testing.T) {
	o, err := Incident().With()
	require.NoError(t, err)
	assert.True(t, o.Refused)
	assert.Zero(t, o.Exposed)
	assert.Contains(t, strings.Join(o.Story, "\n"), `server-8 reports "old-code"`)

	act := guardrails.Action{Verb: guardrails.Deploy, Target: "server-1", To: flagOn}
	require.ErrorIs(t, with().Plan.Guards[0].Check(t.Context(), act), guardrails.ErrNotConverged)
}

func TestOnceAllServersHaveTheCodeTheFlagIsSet(t *testing.T) {
	converged := with()
	converged.Plan.Guards[0].(*guardrails.Converged).Report = func(context.Context, string) (string, error) { return "rlp-code", nil }
	converged.World.Happenings = []simulate.Happening{replay.Human(time.Hour, "ann", "the day is over")}
	o, err := converged.Tell()
	require.NoError(t, err)
	assert.False(t, o.Refused)
	assert.Equal(t, time.Hour, o.Detect)
}

func TestAsItWentTheWayBackMadeItWorse(t *testing.T) {
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed, "one of eight, and then all eight")
	assert.Equal(t, 45*time.Minute, o.Recover)
	assert.True(t, o.Sum)
}

func TestWithoutTheGuardOneServerOfEightGoesWild(t *testing.T) {
	unguarded := with()
	unguarded.Plan.Guards = nil
	o, err := unguarded.Tell()
	require.NoError(t, err)
	assert.False(t, o.Refused)
	assert.Equal(t, 12.5, o.Exposed)
}

func TestTheWayBackStopsAfterOneServer(t *testing.T) {
	o, err := forced().Tell()
	require.NoError(t, err)
	assert.Equal(t, 25.0, o.Exposed, "the one that was wild, and the first that was taken back")
	assert.False(t, o.Never)
	assert.LessOrEqual(t, o.Recover, time.Minute)
	assert.Equal(t, "taken back", o.Ending)
}

func TestAWayBackThatTastesNothingMakesItWorse(t *testing.T) {
	blind := forced()
	blind.Plan.Rollback.Canary = analysis.Gate{}
	o, err := blind.Tell()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed)
	assert.True(t, o.Never)
}
