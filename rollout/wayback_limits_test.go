package rollout_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// Each version has its own time. One that takes longer makes room for the next.
func TestAVersionThatTakesTooLongMakesRoomForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.misbehave = func(ctx context.Context, _, to string) error {
			if to == "v1" || to == "v0" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Deadline: 5 * time.Minute, Older: []string{"v0", "v-1"}}))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "back on v-1")
		require.GreaterOrEqual(t, result.TimeToRollBack, 10*time.Minute)
		require.Less(t, result.TimeToRollBack, 13*time.Minute)
		requireOn(t, f, map[string]int{"v-1": 7, "v0": 0, "v1": 13, "v2": 0})
	})
}

func TestAWayBackThatTakesTooLongIsIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.misbehave = func(ctx context.Context, _, to string) error {
			if to == "v1" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		var d diary
		result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Deadline: 5 * time.Minute, Page: d.page}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "not undone within 5m0s")
		require.Equal(t, []string{"web-06", "web-07"}, result.InDoubt, "one at a time: none has come back yet")
		require.Equal(t, 5, result.Updated)
		require.Len(t, d.read(), 1)
		require.Less(t, result.TimeToRollBack, 7*time.Minute)
	})
}

// ways are how what a user wrote may misbehave. wait tells how long until it is given
// up, for one with a limit of so long.
var ways = map[string]struct {
	do   func(ctx context.Context, release <-chan struct{}) error
	wait func(limit time.Duration) time.Duration
}{
	"an error": {func(context.Context, <-chan struct{}) error { return errors.New("no such region") }, func(time.Duration) time.Duration { return 0 }},
	"a panic":  {func(context.Context, <-chan struct{}) error { panic("nil map") }, func(time.Duration) time.Duration { return 0 }},
	"a goexit": {func(context.Context, <-chan struct{}) error { runtime.Goexit(); return nil }, func(time.Duration) time.Duration { return 0 }},
	"a hang": {func(ctx context.Context, _ <-chan struct{}) error {
		<-ctx.Done()
		return ctx.Err()
	}, func(limit time.Duration) time.Duration { return limit }},
	"deaf": {func(_ context.Context, release <-chan struct{}) error {
		<-release
		return nil
	}, func(limit time.Duration) time.Duration { return limit + rollout.DefaultGrace }},
}

// However a fast mitigation fails, the undoing begins; at once, or when its time is up.
func TestAFastMitigationThatFailsHoldsUpNothing(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				release := make(chan struct{})
				defer close(release)
				var d diary
				var seen recorder
				shift := rollback.Mitigation{Name: "shift", Timeout: 40 * time.Second, Do: func(ctx context.Context) error { return way.do(ctx, release) }}
				_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Fast: []rollback.Mitigation{shift, d.does("flag-off", nil)}}), &seen)
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				requireAll(t, f, "v1")
				begun, failed, undo := seen.kinds(rollout.Mitigating)[0], seen.kinds(rollout.MitigateFailed)[0], seen.kinds(rollout.Undoing)[0]
				require.Equal(t, "shift", failed.Step)
				require.NotEmpty(t, failed.Reason)
				require.InDelta(t, way.wait(40*time.Second).Seconds(), failed.At.Sub(begun.At).Seconds(), 2)
				require.LessOrEqual(t, undo.At.Sub(failed.At), time.Second)
				require.Equal(t, []string{"flag-off"}, d.read(), "the next one is tried")
			})
		})
	}
}

// However the fallback and the page fail, the rollback comes to its end.
func TestAFallbackAndAPageThatFailHoldUpNothing(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				release := make(chan struct{})
				defer close(release)
				var d diary
				var seen recorder
				drain := rollback.Mitigation{Name: "drain", Timeout: 40 * time.Second, Do: func(ctx context.Context) error { return way.do(ctx, release) }}
				result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
					Canary:   errorsOf(map[string]float64{"v1": 0.9, "v2": 0.2}),
					Fallback: []rollback.Mitigation{drain, d.does("flag-off", nil)},
					Page: func(ctx context.Context, message string) error {
						d.add("page")
						return way.do(ctx, release)
					},
				}), &seen)
				require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
				require.ErrorContains(t, err, "mitigated by flag-off")
				require.Equal(t, []string{"flag-off", "page"}, d.read())
				failed := seen.kinds(rollout.MitigateFailed)
				require.Len(t, failed, 2)
				require.Equal(t, rollout.PageName, failed[1].Step)
				limit := way.wait(40*time.Second) + way.wait(rollback.DefaultMitigationTimeout)
				require.InDelta(t, (limit + 10*time.Second).Seconds(), result.TimeToRollBack.Seconds(), 8)
			})
		})
	}
}

// A page that is answered late does not count against what comes after it.
func TestAMitigationThatWasLeftBehindSaysNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 30 * time.Second
		release := make(chan struct{})
		var seen recorder
		shift := rollback.Mitigation{Name: "shift", Timeout: 10 * time.Second, Do: func(context.Context) error {
			<-release
			return nil
		}}
		done := inBackground(t.Context(), aRunner(aWayBack(targets, 7, rollback.Policy{Fast: []rollback.Mitigation{shift}}), f, &rollout.MemoryJournal{}, &seen))
		eventually(t, time.Hour, func() bool { return len(seen.kinds(rollout.Undoing)) > 0 }, "the undoing")
		close(release)
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		require.Empty(t, seen.kinds(rollout.Mitigated))
		requireAll(t, f, "v1")
	})
}

// The undo itself is written by the user, too.
func TestAnUndoThatMisbehavesIsTriedAgainAndThenLeftToAHuman(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				release := make(chan struct{})
				defer close(release)
				f.misbehave = func(ctx context.Context, target, to string) error {
					if target == "web-05" && to == "v1" {
						return way.do(ctx, release)
					}
					return nil
				}
				result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Timeout: 30 * time.Second}))
				require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
				require.ErrorContains(t, err, "1 of 20 targets could not be undone")
				require.ErrorContains(t, err, "web-05 runs v2")
				require.Equal(t, []string{"web-05"}, result.InDoubt)
				require.Equal(t, []rollout.Astray{{Step: "web-05", Runs: "v2"}}, result.Astray)
				require.Equal(t, 6, result.Undone)
			})
		})
	}
}

// blind is a deployer that can do nothing but deploy: nobody can ask what runs.
type blind struct{ d rollout.Deployer }

func (b blind) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	return b.d.Deploy(ctx, t, r)
}

// Where nobody can ask a target what it runs, all hangs on the word of the deployer, and
// no word is no success.
func TestAnUndoThatEndsItsGoroutineIsNotUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.misbehave = func(_ context.Context, target, to string) error {
			if target == "web-05" && to == "v1" {
				runtime.Goexit()
			}
			return nil
		}
		result, err := runs(t, blind{f}, aWayBack(targets, 7, rollback.Policy{}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.Equal(t, []string{"web-05"}, result.InDoubt)
		require.Equal(t, 1, f.count("v2"))
	})
}
