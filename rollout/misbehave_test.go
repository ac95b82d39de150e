package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

func TestADeployerThatPanicsHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		f.misbehave = func(_ context.Context, target, to string) error {
			if target == "web-02" && to == "v2" {
				panic("nil map")
			}
			return nil
		}
		result, err := aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Contains(t, err.Error(), "web-02")
		require.Contains(t, err.Error(), "panicked: nil map")
		require.Equal(t, 3, result.Undone, "the wave of the first, and its own")
		requireAll(t, f, "v1")
	})
}

// liar is a deployer whose targets run what was deployed only some time later.
type liar struct {
	*fleet
	after time.Duration // 0: never
	mu    sync.Mutex
	since map[string]time.Time
	asked int
}

func (l *liar) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	if err := l.fleet.Deploy(ctx, t, r); err != nil {
		return err
	}
	l.mu.Lock()
	l.since[t.Name+" "+r.To] = time.Now()
	l.mu.Unlock()
	return nil
}

func (l *liar) Version(ctx context.Context, t rollout.Target) (string, error) {
	v, err := l.fleet.Version(ctx, t)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if at, ok := l.since[t.Name+" v2"]; ok && v == "v2" && (l.after == 0 || time.Since(at) < l.after) {
		return "v1", err
	}
	return v, err
}

func TestAStepIsDoneOnlyWhenItsTargetSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		l := &liar{fleet: f, after: 90 * time.Second, since: make(map[string]time.Time)}
		var seen recorder
		_, err := aRunner(aPlan(targets, 0.01), l, &rollout.MemoryJournal{}, &seen).Run(t.Context())
		require.NoError(t, err)
		doing, did := seen.kinds(rollout.Doing), seen.kinds(rollout.Done)
		for i := range did {
			took := did[i].At.Sub(doing[i].At)
			require.GreaterOrEqual(t, took, 91*time.Second)
			require.LessOrEqual(t, took, 97*time.Second, "it is asked every 5 s at least")
		}
		require.Less(t, l.asked, 4*40, "but not all the time")
	})
}

func TestATargetThatNeverRunsWhatWasDeployedFailsAtTheStepTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		l := &liar{fleet: f, since: make(map[string]time.Time)}
		plan := aPlan(targets, 0.01)
		plan.StepTimeout = 3 * time.Minute
		at := time.Now()
		result, err := aRunner(plan, l, &rollout.MemoryJournal{}).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Contains(t, err.Error(), `it runs "v1", not "v2"`)
		require.Contains(t, err.Error(), "step timeout of 3m0s")
		require.Equal(t, 1, result.Undone)
		require.Equal(t, 3*time.Minute, result.TimeToDetect)
		require.Less(t, time.Since(at), 4*time.Minute)
		requireAll(t, f, "v1")
	})
}

func TestATargetThatRunsTheVersionAlreadyIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		f.versions["web-01"], f.versions["web-05"] = "v2", "v2"
		result, err := aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 7, result.Updated)
		require.Len(t, f.touched(), 5)
		requireAll(t, f, "v2")
	})
}

func TestAnUndoIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		tries := make(map[string]int)
		f.misbehave = func(_ context.Context, target, to string) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if to == "v1" {
				if tries[target]++; tries[target] < 3 {
					return errors.New("connection refused")
				}
			}
			return nil
		}
		var seen recorder
		_, err := aRunner(aPlan(targets, 0.20), f, &rollout.MemoryJournal{}, &seen).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, map[string]int{"web-01": 3}, tries)
		require.Equal(t, 3, seen.kinds(rollout.Undone)[0].Attempts)
		requireAll(t, f, "v1")
	})
}

func TestAnUndoThatNeverWorksIsIncompleteAndNamesItsTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		stuck := map[string]bool{"web-02": true, "web-05": true}
		f.misbehave = func(_ context.Context, target, to string) error {
			if to == "v1" && stuck[target] {
				return errors.New("no route to host")
			}
			if to == "v2" && target == "web-07" {
				return errors.New("disk full")
			}
			return nil
		}
		var j rollout.MemoryJournal
		var seen recorder
		r := aRunner(aPlan(targets, 0.01), f, &j, &seen)
		result, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "2 of 20 targets could not be undone")
		require.Equal(t, []string{"web-02", "web-05"}, result.InDoubt)
		require.Equal(t, 7, result.Undone+len(result.InDoubt))
		require.Equal(t, 2, f.count("v2"))
		for _, ev := range seen.kinds(rollout.UndoFailed) {
			require.Equal(t, 3, ev.Attempts)
			require.Contains(t, ev.Reason, "no route to host")
		}

		// Mended by hand, it is tried once more because a human says so.
		_, err = aRunner(aPlan(targets, 0.01), f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete, "it never loops by itself")
		clear(stuck)
		say(t, r, rollout.RollBack)
		result, err = aRunner(aPlan(targets, 0.01), f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Empty(t, result.InDoubt)
		requireAll(t, f, "v1")
	})
}

func TestAnUndoThatHangsEndsTheRollbackWithinItsDeadline(t *testing.T) {
	for name, heeds := range map[string]bool{"heeding": true, "deaf": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(7, "v1")
				release := make(chan struct{})
				defer close(release)
				f.misbehave = func(ctx context.Context, _, to string) error {
					if to == "v2" {
						return nil
					}
					if heeds {
						<-ctx.Done()
						return ctx.Err()
					}
					<-release
					return errors.New("too late")
				}
				plan := aPlan(targets, 0.20)
				plan.Rollback.Deadline = 2 * time.Minute
				at := time.Now()
				result, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
				require.ErrorContains(t, err, "not undone within 2m0s")
				require.Equal(t, []string{"web-01"}, result.InDoubt)
				require.Less(t, time.Since(at), 3*time.Minute)
			})
		})
	}
}

// sickly is a deployer that tells how its targets are.
type sickly struct {
	*fleet
	healthy func(target string) (bool, error)
}

func (s sickly) Healthy(_ context.Context, t rollout.Target) (bool, error) { return s.healthy(t.Name) }

func TestAStepIsDoneOnlyWhenItsTargetIsHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		begin := time.Now()
		s := sickly{f, func(target string) (bool, error) {
			if time.Since(begin) < 30*time.Second {
				return false, errors.New("connection refused")
			}
			return time.Since(begin) > time.Minute, nil
		}}
		var seen recorder
		_, err := aRunner(aPlan(targets, 0.01), s, &rollout.MemoryJournal{}, &seen).Run(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, seen.kinds(rollout.Done)[0].At.Sub(begin), time.Minute)
	})
}

func TestATargetThatStaysSickFailsAndSoDoesOneWhoseHealthPanics(t *testing.T) {
	for name, tc := range map[string]struct {
		healthy func() (bool, error)
		want    string
	}{
		"sick":   {func() (bool, error) { return false, nil }, "it is not healthy"},
		"error":  {func() (bool, error) { return true, errors.New("probe broke") }, "asking for its health: probe broke"},
		"panics": {func() (bool, error) { panic("probe of nothing") }, "panicked: probe of nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				s := sickly{f, func(string) (bool, error) {
					if f.count("v2") == 1 {
						return tc.healthy()
					}
					return true, nil
				}}
				plan := aPlan(targets, 0.01)
				plan.StepTimeout = time.Minute
				_, err := aRunner(plan, s, &rollout.MemoryJournal{}).Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				require.ErrorContains(t, err, tc.want)
				requireAll(t, f, "v1")
			})
		})
	}
}

func TestFailedStepsWithinTheBudgetArePartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.misbehave = func(_ context.Context, target, _ string) error {
			if target == "web-05" || target == "web-12" {
				return fmt.Errorf("%s: disk full", target)
			}
			return nil
		}
		plan := aPlan(targets, 0.01)
		plan.Failures = rollout.FailureBudget{PerWave: 1, Total: 2}
		var j rollout.MemoryJournal
		result, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrPartial)
		require.Equal(t, rollout.Partial, result.Phase)
		require.Equal(t, []string{"web-05", "web-12"}, result.InDoubt)
		require.Equal(t, 18, result.Updated)
		require.Equal(t, 18, f.count("v2"))
	})
}

func TestOneFailureMoreThanTheBudgetIsTakenBack(t *testing.T) {
	for name, budget := range map[string]rollout.FailureBudget{
		"wave": {PerWave: 1, Total: 10}, "rollout": {PerWave: 10, Total: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				bad := map[string]bool{"web-05": true, "web-08": true, "web-09": true}
				f.misbehave = func(_ context.Context, target, to string) error {
					if to == "v2" && bad[target] {
						return errors.New("disk full")
					}
					return nil
				}
				plan := aPlan(targets, 0.01)
				plan.Failures = budget
				_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				require.ErrorContains(t, err, "budget")
				requireAll(t, f, "v1")
			})
		})
	}
}

func TestAFailureThatFreezesTouchesNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.misbehave = func(_ context.Context, target, to string) error {
			if to == "v2" && target == "web-05" {
				return errors.New("disk full")
			}
			return nil
		}
		plan := aPlan(targets, 0.01)
		plan.OnFailure = rollout.Freeze
		var j rollout.MemoryJournal
		r := aRunner(plan, f, &j)
		result, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHalted)
		require.ErrorContains(t, err, "the plan says to freeze")
		require.Contains(t, result.InDoubt, "web-05")
		touched := len(f.touched())
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHalted)
		require.Len(t, f.touched(), touched)

		// A human decides.
		say(t, r, rollout.Reset)
		say(t, r, rollout.RollBack)
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}
