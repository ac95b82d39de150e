package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// theWholeWay is a way back that goes through every stage: relief, the first batch and
// its gate, the rest, the survey, the recovery gate that fails, the older version with
// all of that again, the fallback, and the page.
func theWholeWay(targets []rollout.Target, d *diary) rollout.Plan {
	takes := func(name string, err error) rollback.Mitigation {
		return rollback.Mitigation{Name: name, Do: func(ctx context.Context) error {
			d.add(name)
			select {
			case <-time.After(5 * time.Second):
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
	}
	page := takes(rollout.PageName, nil)
	plan := aWayBack(targets, 7, rollback.Policy{
		Fast:     []rollback.Mitigation{takes("shift", errors.New("no such region")), takes("flag-off", nil)},
		Canary:   errorsOf(map[string]float64{"v0": 0.01, "v1": 0.01, "v2": 0.2}),
		Verify:   errorsOf(map[string]float64{"v0": 0.6, "v1": 0.5}),
		Older:    []string{"v0"},
		Fallback: []rollback.Mitigation{takes("drain", errors.New("too many")), takes("shed-load", nil)},
		Page:     func(ctx context.Context, _ string) error { return page.Do(ctx) },
		Jitter:   -1,
	})
	return plan
}

// requireTheWholeWay asserts how it ends, whatever came between.
func requireTheWholeWay(t *testing.T, f *fleet, result rollout.Result, err error, words string) {
	t.Helper()
	require.ErrorIs(t, err, rollout.ErrRollbackIncomplete, words)
	require.ErrorContains(t, err, "everything is back on v0, but the metrics have not recovered", words)
	require.ErrorContains(t, err, "mitigated by shed-load", words)
	require.Equal(t, 7, result.Undone, words)
	require.Empty(t, result.InDoubt, words)
	require.Equal(t, 7, f.count("v0"), words)
	require.Equal(t, 13, f.count("v1"), words)
}

// onceMore tells what a second runner has to carry out, for a journal that a first one
// left: what is on record as begun, and what is not on record.
func onceMore(events []rollout.Event) []string {
	want := []string{}
	ended := map[string]bool{}
	for _, ev := range events {
		if ev.Kind == rollout.Mitigated || ev.Kind == rollout.MitigateFailed {
			ended[ev.Step] = true
		}
	}
	for _, name := range []string{"shift", "flag-off", "drain", "shed-load", rollout.PageName} {
		if !ended[name] {
			want = append(want, name)
		}
	}
	return want
}

// A runner is killed before, and after, each time that it makes something durable. The
// next one goes on where it stopped.
func TestACrashAtAnyRecordOfTheWayBackIsGoneOnFrom(t *testing.T) {
	crashes, stages := 0, map[rollout.Kind]int{}
	for n, over := 1, false; !over; n++ {
		for _, written := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				var d diary
				plan := theWholeWay(targets, &d)
				j := &faultyJournal{fault: func(k int, events []rollout.Event) (int, error) {
					if k != n {
						return len(events), nil
					}
					for _, ev := range events {
						stages[ev.Kind]++
					}
					if written {
						return len(events), errDisk
					}
					return 0, errDisk
				}}
				result, err := aRunner(plan, f, j).Run(t.Context())
				if over = j.count() < n; over {
					requireTheWholeWay(t, f, result, err, "undisturbed")
					return
				}
				if written && errors.Is(err, rollout.ErrRollbackIncomplete) {
					return
				}
				require.ErrorIs(t, err, errDisk)
				crashes++
				left := j.durable()
				before := len(d.read())
				time.Sleep(time.Hour)
				result, err = aRunner(plan, f, j).Run(t.Context())
				words := fmt.Sprintf("crashed at append %d, written %v", n, written)
				requireTheWholeWay(t, f, result, err, words)
				require.Equal(t, onceMore(left), append([]string{}, d.read()[before:]...), words)
			})
		}
	}
	t.Logf("%d crashes, at: %v", crashes, stages)
	require.Greater(t, crashes, 60)
	require.Positive(t, stages[rollout.Mitigating])
	require.Positive(t, stages[rollout.Undoing])
}

// A runner is fenced off at any moment, in the middle of whatever is in flight, and the
// journal is one of files.
func TestACrashAtAnyMomentOfTheWayBackIsGoneOnFrom(t *testing.T) {
	for after := time.Duration(0); after < 5*time.Minute; after += 7300 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(20, "v1")
			var d diary
			plan := theWholeWay(targets, &d)
			j := &mortal{Journal: filejournal.Dir(t.TempDir()), dead: make(chan struct{})}
			var seen folds
			r := aRunner(plan, f, j, &seen)
			done := inBackground(t.Context(), r)
			eventually(t, time.Hour, func() bool { return seen.phase() == rollout.RollingBack }, "the rollback")
			time.Sleep(after)
			synctest.Wait()
			close(j.dead)
			o := <-done
			words := fmt.Sprintf("crashed %v into the rollback", after)
			if errors.Is(o.err, rollout.ErrRollbackIncomplete) {
				requireTheWholeWay(t, f, o.result, o.err, words)
				return
			}
			left := journalOf(t, j.Journal, plan.Name)
			before := len(d.read())
			result, err := aRunner(plan, f, j.Journal).Run(t.Context())
			requireTheWholeWay(t, f, result, err, words)
			require.Equal(t, onceMore(left), append([]string{}, d.read()[before:]...), words)
		})
	}
}

// mortal is a journal whose runner is dropped, with whatever it has in flight, when dead
// is closed.
type mortal struct {
	rollout.Journal
	dead chan struct{}
}

func (m *mortal) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	s, err := m.Journal.Open(ctx, name, locks...)
	return mortalSession{s, m.dead}, err
}

type mortalSession struct {
	rollout.Session
	dead chan struct{}
}

func (s mortalSession) Lost() <-chan struct{} { return s.dead }

func (s mortalSession) Append(ctx context.Context, events ...rollout.Event) error {
	select {
	case <-s.dead:
		return rollout.ErrFenced
	default:
		return s.Session.Append(ctx, events...)
	}
}

// A gate that was taken out of the plan between two runs has not passed.
func TestAGateOfTheWayBackThatThePlanHasLostDoesNotPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		plan := aWayBack(targets, 7, rollback.Policy{Verify: errorsOf(map[string]float64{"v1": 0.9})})
		var j rollout.MemoryJournal
		done := inBackground(t.Context(), aRunner(plan, f, &j))
		eventually(t, time.Hour, func() bool { return len(deploysOf(f, "v1")) == 7 }, "all undone")
		j.Steal(plan.Name)
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
		plan.Rollback.Verify.Checks = nil
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "the plan has no checks for it any more")
		requireAll(t, f, "v1")
	})
}

// A mitigation that is due and not in the plan any more is nobody's to leave out.
func TestAMitigationThatThePlanHasLostIsNotLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		plan := theWholeWay(targets, &d)
		var j rollout.MemoryJournal
		done := inBackground(t.Context(), aRunner(plan, f, &j))
		eventually(t, time.Hour, func() bool { return len(d.read()) == 1 }, "the first mitigation")
		j.Steal(plan.Name)
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
		other := plan
		other.Rollback.Fast = nil
		_, err := aRunner(other, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrPlanChanged)
		require.ErrorContains(t, err, "shift")
		require.Empty(t, deploysOf(f, "v1"))
		result, err := aRunner(plan, f, &j).Run(t.Context())
		requireTheWholeWay(t, f, result, err, "with the right plan")
	})
}
