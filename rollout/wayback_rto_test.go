package rollout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// A plan whose way back is known to be too long is refused, with the arithmetic.
func TestAWayBackThatIsTooLongIsRefused(t *testing.T) {
	_, targets := newFleet(20, "v1")
	plan := aWayBack(targets, 7, rollback.Policy{Takes: 30 * time.Second, RTO: 2 * time.Minute, Jitter: -1})
	plan.Concurrency = 2
	plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:]}}
	err := plan.Validate()
	require.ErrorIs(t, err, rollout.ErrInvalidPlan)
	// 1, 4, 6, 6 and 2 of the second wave, and the first one, two at once.
	require.ErrorContains(t, err, "Rollback.RTO: a rollback of all 20 targets takes 5m30s, and may take 2m0s: 6 batches of at most 6, 2 at once, are 11 undos of 30s after one another: enlarge")

	plan.Rollback.RTO = 5*time.Minute + 30*time.Second
	require.NoError(t, plan.Validate())
	plan.Rollback.RTO, plan.Rollback.Parallel = 3*time.Minute, 6
	require.NoError(t, plan.Validate(), "each batch at once makes 6 undos")
	plan.Rollback.RTO, plan.Rollback.Jitter = 3*time.Minute+30*time.Second, 6*time.Second
	require.NoError(t, plan.Validate(), "and five times 6 s")
	plan.Rollback.Jitter++
	require.ErrorIs(t, plan.Validate(), rollout.ErrInvalidPlan)
	require.ErrorContains(t, plan.Validate(), "6 undos of 30s after one another, and each batch but the first begins within 6.000000001s")
}

// What was declared holds: a rollback takes no longer than the plan says.
func TestARollbackKeepsTheTimeThatThePlanDeclares(t *testing.T) {
	for _, parallel := range []int{1, 2, 6} {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(20, "v1")
			plan := aWayBack(targets, 20, rollback.Policy{Parallel: parallel, Jitter: 3 * time.Second})
			plan.Concurrency = 20
			plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:]}}
			result, err := runs(t, f, plan)
			require.ErrorIs(t, err, rollout.ErrRolledBack)
			require.Equal(t, 20, result.Undone)
			// One undo takes its second, and what the runner adds to that.
			declared := rollback.Estimate([]int{1, 19}, 6, parallel, time.Second+50*time.Millisecond, 3*time.Second)
			require.LessOrEqual(t, result.TimeToRollBack, declared, "%d at once", parallel)
		})
	}
}

// A rollback that takes longer than it may is one that a human hears of while it goes on.
func TestAHumanIsCalledWhenTheWayBackTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		var seen recorder
		plan := aWayBack(targets, 7, rollback.Policy{Takes: time.Second, RTO: time.Minute, Page: d.page})
		r := aRunner(plan, f, &rollout.MemoryJournal{}, &seen)
		var folded folds
		r.Observers = append(r.Observers, &folded)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return folded.phase() == rollout.RollingBack }, "the rollback")
		f.mu.Lock()
		f.takes = 40 * time.Second // each undo is slower than anybody knew
		f.mu.Unlock()
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		require.Greater(t, o.result.TimeToRollBack, 2*time.Minute)
		require.Len(t, d.read(), 1, "once, however long it takes")
		require.Contains(t, d.read()[0], "The rollback of checkout-v2 from v2 to v1 takes longer than 1m0s; it goes on. It was begun because of: gate 3 failed")
		paged := seen.kinds(rollout.Mitigating)[0]
		require.InDelta(t, 60, paged.At.Sub(o.result.Times.Failed).Seconds(), 2)
	})
}

// Who was told that it goes on has to be told when it does not.
func TestAHumanIsCalledAgainWhenALateRollbackIsIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		f.takes = 20 * time.Second
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
			Takes: time.Second, RTO: time.Minute, Verify: errorsOf(map[string]float64{"v1": 0.9}), Page: d.page,
		}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.Len(t, d.read(), 2)
		require.Contains(t, d.read()[0], "takes longer than 1m0s; it goes on")
		require.Contains(t, d.read()[1], "is incomplete")
	})
}
