package rollout_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// The previous version makes it worse: nothing more goes back to it, and all that was
// started goes to the one before.
func TestWhereThePreviousVersionMakesItWorseTheOlderOneIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
			Canary: errorsOf(map[string]float64{"v0": 0.01, "v1": 0.5, "v2": 0.2}),
			Older:  []string{"v0", "v-1"},
		}))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "back on v0")
		require.Equal(t, []string{"web-07"}, deploysOf(f, "v1"), "nothing more is undone to what makes it worse")
		require.Len(t, deploysOf(f, "v0"), 7)
		requireOn(t, f, map[string]int{"v0": 7, "v1": 13, "v2": 0, "v-1": 0})
		require.Equal(t, 7, result.Undone)
		require.Equal(t, 13, result.Untouched)
		require.Empty(t, result.InDoubt)
	})
}

// No version helps: relief is given until something gives it, and a human is called.
func TestWhereNoVersionHelpsTheFallbackIsTriedAndAHumanIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
			Canary:   errorsOf(map[string]float64{"v0": 0.6, "v1": 0.5, "v2": 0.2}),
			Older:    []string{"v0"},
			Fallback: []rollback.Mitigation{d.does("drain", errors.New("no such region")), d.does("flag-off", nil), d.does("shed-load", nil)},
			Page:     d.page,
		}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "v0 made things worse on the first target")
		require.ErrorContains(t, err, "error rate 0.6 is above 0.3")
		require.ErrorContains(t, err, "error rate 0.5 is above 0.03", "what it began with")
		require.ErrorContains(t, err, "mitigated by flag-off")
		require.Equal(t, []string{"web-07"}, deploysOf(f, "v1"))
		require.Equal(t, []string{"web-07"}, deploysOf(f, "v0"))
		require.Equal(t, 6, result.Updated)
		require.Equal(t, 1, result.Undone)
		require.Equal(t, 13, result.Untouched)
		requireOn(t, f, map[string]int{"v0": 1, "v1": 13, "v2": 6})

		lines := d.read()
		require.Len(t, lines, 3)
		require.Equal(t, []string{"drain", "flag-off"}, lines[:2], "up to the first that succeeds")
		require.Contains(t, lines[2], "The rollback of checkout-v2 from v2 to v1 is incomplete")
		require.Contains(t, lines[2], "v0 made things worse")
		require.Contains(t, lines[2], "mitigated by flag-off")
	})
}

// On 1 August 2012 Knight Capital took the good code off the seven servers that had
// it, and made it worse on all of them. One is enough to see that.
func TestUndoingThatMakesItWorseStopsAfterOneTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
			Canary: errorsOf(map[string]float64{"v1": 0.9, "v2": 0.2}),
		}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "v1 made things worse on the first target")
		require.Equal(t, []string{"web-07"}, deploysOf(f, "v1"))
		require.Equal(t, 6, result.Updated)
	})
}

// A human may try again, and then it begins with what was tried last.
func TestTheChainIsNotGoneUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		rates := map[string]float64{"v0": 0.6, "v1": 0.5, "v2": 0.2}
		plan := aWayBack(targets, 7, rollback.Policy{Canary: errorsOf(rates), Older: []string{"v0"}})
		r := aRunner(plan, f, &rollout.MemoryJournal{})
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		rates["v0"] = 0.01 // somebody has mended what v0 needs
		say(t, r, rollout.RollBack)
		result, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, 7, result.Undone)
		require.Len(t, deploysOf(f, "v1"), 1)
		requireOn(t, f, map[string]int{"v0": 7, "v1": 13, "v2": 0})
	})
}

// A version that cannot be restored on the first targets is not tried on all of them.
func TestAVersionThatCannotBeRestoredIsGivenUpEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		tries := 0
		f.misbehave = func(_ context.Context, _, to string) error {
			if to == "v1" {
				tries++
				return errors.New("the artifact is gone")
			}
			return nil
		}
		at := time.Now()
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Older: []string{"v0"}, Attempts: 2}))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "back on v0")
		require.LessOrEqual(t, tries, 2*3)
		require.Less(t, time.Since(at), time.Hour)
		requireOn(t, f, map[string]int{"v0": 7, "v1": 13, "v2": 0})
	})
}
