package rollout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

func TestAHealthyReleaseReachesEveryTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var seen recorder
		r := rollout.Runner{Plan: aPlan(targets, 0.01), Deployer: f, Journal: &rollout.MemoryJournal{}, Logger: quiet(), Observers: []rollout.Observer{&seen}}
		begin := time.Now()
		result, err := r.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, rollout.Completed, result.Phase)
		requireAll(t, f, "v2")
		require.Equal(t, 20, result.Updated)
		require.Equal(t, 20, result.PeakExposed)
		require.GreaterOrEqual(t, time.Since(begin), 6*time.Minute, "each of 6 waves bakes for a minute")
		require.Less(t, time.Since(begin), 8*time.Minute, "and no longer than it must")
		require.Len(t, seen.kinds(rollout.Judged), result.Waves)
		require.Len(t, seen.kinds(rollout.Ended), 1)
	})
}

func TestABadReleaseIsTakenBackFromTheFirstWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		r := rollout.Runner{Plan: aPlan(targets, 0.20), Deployer: f, Journal: &rollout.MemoryJournal{}, Logger: quiet()}
		result, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, 1, result.PeakExposed)
		require.Equal(t, 1, result.Undone)
		require.Equal(t, 19, result.Untouched)
		require.LessOrEqual(t, result.TimeToDetect, 15*time.Second)
		requireAll(t, f, "v1")
		require.Contains(t, err.Error(), "error rate 0.2 is above 0.03")
	})
}

func TestATargetThatHangsIsTimedOutCountedAndRolledBack(t *testing.T) {
	for _, tc := range []struct {
		name    string
		returns func(ctx context.Context) error // when the hanging deploy does
		err     error
		inDoubt []string
	}{
		{"it heeds its context", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, rollout.ErrRolledBack, nil},
		{"it returns late", func(context.Context) error { time.Sleep(150 * time.Second); return nil }, rollout.ErrRolledBack, nil},
		// Nobody can say that it will not take effect yet.
		{"it does not return", func(context.Context) error { time.Sleep(24 * time.Hour); return nil }, rollout.ErrRollbackIncomplete, []string{"web-03"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				f.misbehave = func(ctx context.Context, target, to string) error {
					if target != "web-03" || to != "v2" {
						return nil
					}
					return tc.returns(ctx) // nil: and it takes effect then
				}
				plan := aPlan(targets, 0.01)
				plan.StepTimeout = 2 * time.Minute
				r := rollout.Runner{Plan: plan, Deployer: f, Journal: &rollout.MemoryJournal{}, Logger: quiet()}
				result, err := r.Run(t.Context())
				require.ErrorIs(t, err, tc.err)
				require.Contains(t, err.Error(), "web-03")
				require.Equal(t, tc.inDoubt, result.InDoubt)
				require.Equal(t, 3, result.PeakExposed)
				requireAll(t, f, "v1")
				time.Sleep(25 * time.Hour) // let it come to its end
			})
		})
	}
}
