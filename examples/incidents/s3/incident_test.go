package s3

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestThePlaybookIsStopped(t *testing.T) {
	o, err := Incident().With()
	require.NoError(t, err)
	assert.Zero(t, o.Exposed)
	assert.Equal(t, 10*time.Second, o.Detect, "ten servers, one a second, and no eleventh")
	assert.Equal(t, "stopped, with every subsystem above its floor", o.Ending)
}

func TestThePlaybookRunsAsItWasMeant(t *testing.T) {
	o, err := tell(newSafety(), meant)
	require.NoError(t, err)
	assert.Zero(t, o.Exposed)
	assert.Zero(t, o.Detect, "nobody said no")
}

func TestAsItWentBothSubsystemsWereDown(t *testing.T) {
	o, err := Incident().Without()
	require.NoError(t, err)
	assert.Equal(t, 100.0, o.Exposed)
	assert.Equal(t, 4*time.Hour+17*time.Minute, o.Recover)
	assert.True(t, o.Sum)
}

func TestEachGuardStopsItAlone(t *testing.T) {
	capOnly, floorsOnly := newSafety(), newSafety()
	capOnly.floors, floorsOnly.cap = nil, nil
	for name, s := range map[string]safety{"the cap": capOnly, "the floors": floorsOnly} {
		t.Run(name, func(t *testing.T) {
			o, err := tell(s, typed)
			require.NoError(t, err)
			assert.Zero(t, o.Exposed)
			assert.NotZero(t, o.Detect)
		})
	}
}

// The playbook was meant for billing. A floor under billing alone does not see what else
// stands on its servers.
func TestAFloorUnderTheNamedGroupAloneIsNotEnough(t *testing.T) {
	named := newSafety()
	named.cap = nil
	named.floors = map[string]*guardrails.NeverEmpty{"billing": named.floors["billing"]}
	o, err := tell(named, typed)
	require.NoError(t, err)
	assert.NotZero(t, o.Exposed)
}
