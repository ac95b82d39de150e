package awsdns

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestTheStaleWriteIsRefused(t *testing.T) {
	o, err := Incident().With()
	require.NoError(t, err)
	assert.True(t, o.Refused)
	assert.Zero(t, o.Exposed)
	assert.Equal(t, "the endpoint kept its addresses, and the next plan was applied", o.Ending)
}

func TestAsItWentNoAddressWasLeft(t *testing.T) {
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed)
	assert.Equal(t, 2*time.Hour+52*time.Minute, o.Recover)
	assert.True(t, o.Sum)
}

// A worker is paused between its check and its write.
func TestALateWriteIsStale(t *testing.T) {
	ctx, e := context.Background(), newEndpoint(100)
	e.plan(101)
	e.plan(102)
	require.NoError(t, e.apply(ctx, guarded(), 102))
	require.ErrorIs(t, e.apply(ctx, guarded(), 101), guardrails.ErrStale)
	require.Error(t, e.remove(guarded(), 102), "it is the active one")
	assert.Equal(t, perPlan, e.addresses())
	e.plan(103)
	require.NoError(t, e.apply(ctx, guarded(), 103))
}

// fenceOnly and floorOnly have one guard each.
type fenceOnly struct{ both }

func (fenceOnly) remove(int, int) error { return nil }

type floorOnly struct{ both }

func (floorOnly) apply(context.Context, uint64, uint64) error { return nil }

func TestEachGuardStopsItAlone(t *testing.T) {
	for name, g := range map[string]guards{"the fence": fenceOnly{guarded()}, "the floor": floorOnly{guarded()}} {
		t.Run(name, func(t *testing.T) {
			o, err := tell(g)
			require.NoError(t, err)
			assert.Zero(t, o.Exposed)
			assert.False(t, o.Sum, "nothing had to be repaired")
		})
	}
}
