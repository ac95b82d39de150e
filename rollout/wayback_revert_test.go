package rollout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// What is over can be taken back for three days.
func TestACompletedRolloutIsTakenBackWithinItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		plan := aWayBack(targets, 99, rollback.Policy{
			Fast: []rollback.Mitigation{d.does("flag-off", nil)}, Verify: errorsOf(map[string]float64{"v1": 0.01}),
		})
		r := aRunner(plan, f, &rollout.MemoryJournal{})
		_, err := r.Run(t.Context())
		require.NoError(t, err)
		time.Sleep(71 * time.Hour)
		at := time.Now()
		say(t, r, rollout.RollBack)
		result, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "rollback by ann: the test says so")
		requireAll(t, f, "v1")
		require.Equal(t, 20, result.Undone)
		require.Equal(t, []string{"flag-off"}, d.read())
		require.Less(t, time.Since(at), 10*time.Minute)
		require.Less(t, result.TimeToRollBack, 10*time.Minute, "from the verb, not from the start")

		err = r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "once more"})
		require.ErrorIs(t, err, rollout.ErrStale, "it is back already")
	})
}

func TestACompletedRolloutIsNotTakenBackAfterItsWindow(t *testing.T) {
	for name, window := range map[string]time.Duration{"the default": 0, "an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				r := aRunner(aWayBack(targets, 99, rollback.Policy{RevertWindow: window}), f, &rollout.MemoryJournal{})
				_, err := r.Run(t.Context())
				require.NoError(t, err)
				if window == 0 {
					window = rollback.DefaultRevertWindow
				}
				time.Sleep(window + time.Minute)
				err = r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "late"})
				require.ErrorIs(t, err, rollout.ErrTooLate)
				require.ErrorContains(t, err, "roll v1 out anew")
				_, err = r.Run(t.Context())
				require.NoError(t, err, "it stays completed")
				requireAll(t, f, "v2")
			})
		})
	}
}
