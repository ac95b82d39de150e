package rollout_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// A gate of the way back that could see nothing is found before anything is touched:
// when it is needed there is no time to mend it.
func TestTheGatesOfTheWayBackAreTriedBeforehand(t *testing.T) {
	for name, policy := range map[string]func(analysis.Gate) rollback.Policy{
		"Rollback.Canary": func(g analysis.Gate) rollback.Policy { return rollback.Policy{Canary: g} },
		"Rollback.Verify": func(g analysis.Gate) rollback.Policy { return rollback.Policy{Verify: g} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				gate := gateOn(noAnswers(nil)["down"])
				gate.NoPreflight = ""
				_, err := runs(t, f, aWayBack(targets, 7, policy(gate)))
				require.ErrorIs(t, err, analysis.ErrPreflight)
				require.ErrorContains(t, err, name)
				require.ErrorContains(t, err, "nothing was touched")
				require.Empty(t, deploysOf(f, "v2"))
			})
		})
	}
}

// That the service is in trouble already is no reason against a way back.
func TestAServiceInTroubleHasAWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		gate := errorsOf(map[string]float64{"v1": 0.9, "v2": 0.9})
		gate.NoPreflight = ""
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Verify: gate}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete, "it was begun, and its recovery is another question")
	})
}
