package rollout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// batchesOf returns when the undos of each batch began, where batches have these sizes.
func batchesOf(t *testing.T, events []rollout.Event, sizes ...int) (all [][]time.Time) {
	t.Helper()
	for _, n := range sizes {
		require.GreaterOrEqual(t, len(events), n)
		var at []time.Time
		for _, ev := range events[:n] {
			at = append(at, ev.At)
		}
		all, events = append(all, at), events[n:]
	}
	require.Empty(t, events)
	return all
}

// A rollback begins with one target, and each batch is four times the one before.
func TestTheBatchesOfTheWayBackGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(90, "v1")
		plan := aWayBack(targets, 90, rollback.Policy{Jitter: -1})
		plan.Concurrency = 90
		plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:]}}
		var seen recorder
		_, err := runs(t, f, plan, &seen)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, "web-90", seen.kinds(rollout.Undoing)[0].Step, "the newest wave first")
		var last time.Time
		for i, batch := range batchesOf(t, seen.kinds(rollout.Undoing), 1, 4, 16, 29, 29, 10, 1) {
			for _, at := range batch {
				require.Equal(t, batch[0], at, "batch %d", i+1)
				require.True(t, at.After(last))
			}
			last = batch[0]
		}
	})
}

// The undos of a batch begin apart, the very first at once: what restarts all at once
// may stampede what it depends on.
func TestTheUndosOfABatchBeginApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(90, "v1")
		plan := aWayBack(targets, 90, rollback.Policy{Jitter: 20 * time.Second})
		plan.Concurrency = 90
		plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:]}}
		starts := map[string]time.Time{}
		view := watched{fleet: f, starts: starts}
		var seen recorder
		_, err := runs(t, &view, plan, &seen)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		undoing := seen.kinds(rollout.Undoing)
		spread := func(from, n int) (least, most time.Duration) {
			least = time.Hour
			for _, ev := range undoing[from : from+n] {
				d := starts[ev.Step].Sub(ev.At)
				least, most = min(least, d), max(most, d)
			}
			return least, most
		}
		_, first := spread(0, 1)
		require.Zero(t, first, "the canary begins at once")
		for _, batch := range [][2]int{{5, 16}, {21, 29}, {50, 29}} {
			least, most := spread(batch[0], batch[1])
			require.Less(t, least, 7*time.Second)
			require.Greater(t, most, 10*time.Second)
			require.LessOrEqual(t, most, 20*time.Second)
		}
		_, last := spread(89, 1)
		require.Zero(t, last, "a batch of one begins at once")
	})
}
