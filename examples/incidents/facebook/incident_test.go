package facebook

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestAnAuditThatIsBelievedLetsEverythingGo(t *testing.T) {
	t.Parallel()
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.InDelta(t, 100, o.Exposed, 0)
	assert.Equal(t, onSite, o.Recover)
	assert.False(t, o.Refused)
}

func TestAnAuditThatMustProveItselfIsFoundBroken(t *testing.T) {
	t.Parallel()
	o, err := Incident().With()
	require.NoError(t, err)
	assert.True(t, o.Refused)
	assert.Zero(t, o.Exposed)
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), audit{100}), guardrails.ErrSelfTest)
	assert.Contains(t, o.Story[0], "audit: it let through")
}

func TestTheSecondGuardCapsWhatGoesWhereTheFirstIsBlind(t *testing.T) {
	t.Parallel()
	o, err := run(newNetwork(), untested())
	require.NoError(t, err)
	assert.False(t, o.Refused)
	assert.InDelta(t, 10, o.Exposed, 0)
}

// Every name server is right to leave, and all of them together must not.
func TestTheSecondGuardCapsTheNameServersToo(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	n.up = 0
	second := pace()
	require.Error(t, n.withdraw(second.Plan))
	assert.Equal(t, 45, n.serving)
	assert.Equal(t, []string(nil), guardrails.Untested(second))
}

func TestWithoutEitherGuardNothingStopsIt(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	require.NoError(t, guardrails.Do(t.Context(), []guardrails.Guard{untested()}, func(context.Context) error {
		return n.assess(unhindered)
	}))
	assert.InDelta(t, 100, n.down(), 0)
}
