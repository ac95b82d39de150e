package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// witness is a fleet whose targets may say something else than the truth.
type witness struct {
	*fleet
	says func(ctx context.Context, target, runs string) (string, error)
}

func (w witness) Version(ctx context.Context, t rollout.Target) (string, error) {
	runs, err := w.fleet.Version(ctx, t)
	if err != nil {
		return "", err
	}
	return w.says(ctx, t.Name, runs)
}

// surveys returns what was found, one survey after the other.
func surveys(r *recorder) (all [][]rollout.Astray) {
	for _, ev := range r.kinds(rollout.Surveyed) {
		all = append(all, ev.Survey.Astray)
	}
	return all
}

// drifts is a fleet where one target gets the new version again, by other hands, some
// time after each of its first undos.
func drifts(f *fleet, target string, times int) fleetView {
	return fleetView{fleet: f, after: func(name string, r rollout.Release, _ error) {
		if name != target || !r.Undo || times == 0 {
			return
		}
		times--
		time.AfterFunc(3*time.Second, func() {
			f.mu.Lock()
			f.versions[name] = "v2"
			f.mu.Unlock()
		})
	}}
}

// What changes after its undo was verified, such as a deploy that comes late, is found,
// and undone once more.
func TestWhatChangesAfterItsUndoIsFoundAndUndoneOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 2 * time.Second
		var seen recorder
		result, err := runs(t, drifts(f, "web-07", 1), aWayBack(targets, 7, rollback.Policy{}), &seen)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		require.Equal(t, [][]rollout.Astray{{{Step: "web-07", Runs: "v2"}}, nil}, surveys(&seen))
		require.Len(t, deploysOf(f, "v1"), 8, "one of them twice")
		require.Equal(t, 7, result.Undone)
		require.Empty(t, result.Astray)
	})
}

// Once more, and not for ever.
func TestWhatChangesAgainAndAgainMakesTheRollbackIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 2 * time.Second
		var seen recorder
		var d diary
		surveyed := once()
		w := witness{f, func(_ context.Context, target, runs string) (string, error) {
			if target == "web-03" && surveyed(f, target) {
				return "v2-hotfix", nil
			}
			return runs, nil
		}}
		result, err := runs(t, w, aWayBack(targets, 7, rollback.Policy{Page: d.page, Attempts: 1, Timeout: 10 * time.Second}), &seen)
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "web-03 runs v2-hotfix")
		require.Equal(t, []string{"web-03"}, result.InDoubt)
		require.Equal(t, []rollout.Astray{{Step: "web-03", Runs: "v2-hotfix"}}, result.Astray)
		require.Equal(t, 6, result.Undone)
		require.Equal(t, 2, count(deploysOf(f, "v1"), "web-03"))
		require.Len(t, d.read(), 1)
		require.Contains(t, d.read()[0], "web-03 runs v2-hotfix")
	})
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// However a target fails to say what it runs, it is astray, it holds up nobody else's
// answer, and the rollback is incomplete.
func TestATargetThatDoesNotSayWhatItRunsIsAstray(t *testing.T) {
	release := make(chan struct{})
	for name, says := range map[string]func(ctx context.Context) (string, error){
		"an error": func(context.Context) (string, error) { return "", errors.New("no route to host") },
		"a hang": func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		},
		"deaf":      func(context.Context) (string, error) { <-release; return "v1", nil },
		"a panic":   func(context.Context) (string, error) { panic("nil map") },
		"a goexit":  func(context.Context) (string, error) { runtime.Goexit(); return "", nil },
		"no answer": func(context.Context) (string, error) { return "", nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release = make(chan struct{})
				defer close(release)
				f, targets := newFleet(20, "v1")
				var seen recorder
				surveyed := once()
				w := witness{f, func(ctx context.Context, target, runs string) (string, error) {
					if target == "web-03" && surveyed(f, target) {
						return says(ctx)
					}
					return runs, nil
				}}
				plan := aWayBack(targets, 7, rollback.Policy{Attempts: 1})
				plan.Concurrency = 4
				result, err := runs(t, w, plan, &seen)
				require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
				require.ErrorContains(t, err, "web-03")
				requireAll(t, f, "v1")
				require.Len(t, result.Astray, 1, "%v", result.Astray)
				require.Equal(t, "web-03", result.Astray[0].Step)
				require.Empty(t, result.Astray[0].Runs)
				require.NotEmpty(t, result.Astray[0].Err)
				require.Less(t, result.TimeToRollBack, 10*time.Minute)
			})
		})
	}
}

// once is true when a target that is back on v1 has said so before: its undo is verified,
// and the question is the survey's, or comes later.
func once() func(f *fleet, target string) bool {
	var mu sync.Mutex
	said := map[string]bool{}
	return func(f *fleet, target string) bool {
		if !slices.Contains(deploysOf(f, "v1"), target) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		defer func() { said[target] = true }()
		return said[target]
	}
}

// A fleet of thousands takes its time to answer. That is no reason to undo it again.
func TestASurveyOfAManyTargetsMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(200, "v1")
		var mu sync.Mutex
		busy, peak := 0, 0
		w := witness{f, func(_ context.Context, _, runs string) (string, error) {
			mu.Lock()
			busy++
			peak = max(peak, busy)
			mu.Unlock()
			time.Sleep(2 * time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
			return runs, nil
		}}
		plan := aWayBack(targets, 127, rollback.Policy{Timeout: 10 * time.Second, Batch: 100, Parallel: 200})
		plan.Concurrency = 2
		var seen recorder
		_, err := runs(t, w, plan, &seen)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, [][]rollout.Astray{nil}, surveys(&seen))
		require.Equal(t, 127, seen.kinds(rollout.Surveyed)[0].Survey.Asked)
	})
}

// The journal holds what is astray in one order, whoever answered first.
func TestASurveyIsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var seen recorder
		surveyed := once()
		w := witness{f, func(_ context.Context, target, runs string) (string, error) {
			if surveyed(f, target) {
				var n int
				_, _ = fmt.Sscanf(target, "web-%d", &n)
				time.Sleep(time.Duration(10-n) * time.Second)
				return "", errors.New("not me")
			}
			return runs, nil
		}}
		result, err := runs(t, w, aWayBack(targets, 7, rollback.Policy{Attempts: 1}), &seen)
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.Len(t, result.Astray, 7)
		require.True(t, slices.IsSortedFunc(result.Astray, func(a, b rollout.Astray) int {
			return slices.Index(order(targets), a.Step) - slices.Index(order(targets), b.Step)
		}), "%v", result.Astray)
	})
}

func order(targets []rollout.Target) (names []string) {
	for _, t := range targets {
		names = append(names, t.Name)
	}
	return names
}
