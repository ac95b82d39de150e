package rollout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// dedupes is a fleet that does nothing for a key that it has done already, which is what
// keys are for.
func dedupes(f *fleet) rollout.Deployer {
	done := map[string]bool{}
	return deduping{fleetView{fleet: f, after: func(_ string, r rollout.Release, err error) {
		f.mu.Lock()
		done[r.Key] = err == nil
		f.mu.Unlock()
	}}, done}
}

type deduping struct {
	fleetView
	done map[string]bool
}

func (d deduping) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	d.mu.Lock()
	done := d.done[r.Key]
	d.mu.Unlock()
	if done {
		return nil
	}
	return d.fleetView.Deploy(ctx, t, r)
}

// What is to be done once more, on purpose, has another key than what was done.
func TestWhatIsDoneOnceMoreHasAKeyOfItsOwn(t *testing.T) {
	for name, tale := range map[string]func(t *testing.T, f *fleet, targets []rollout.Target) error{
		"after a rehearsal": func(t *testing.T, f *fleet, targets []rollout.Target) error {
			_, err := runs(t, dedupes(f), aWayBack(targets, 7, rollback.Policy{Rehearse: true}))
			return err
		},
		"after the survey has found it astray": func(t *testing.T, f *fleet, targets []rollout.Target) error {
			f.takes = 2 * time.Second
			d := dedupes(f).(deduping)
			drift, after := drifts(f, "web-07", 1), d.after
			d.after = func(target string, r rollout.Release, err error) {
				after(target, r, err)
				drift.after(target, r, err)
			}
			_, err := runs(t, d, aWayBack(targets, 7, rollback.Policy{}))
			return err
		},
		"when a human tries again": func(t *testing.T, f *fleet, targets []rollout.Target) error {
			metrics := map[string]float64{"v1": 0.9}
			r := aRunner(aWayBack(targets, 7, rollback.Policy{Verify: errorsOf(metrics)}), dedupes(f), &rollout.MemoryJournal{})
			_, err := r.Run(t.Context())
			require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
			metrics["v1"] = 0.01
			say(t, r, rollout.RollBack)
			_, err = r.Run(t.Context())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				require.ErrorIs(t, tale(t, f, targets), rollout.ErrRolledBack)
				requireAll(t, f, "v1")
			})
		})
	}
}

// The older version replaces what runs, and that is not the new version any more.
func TestTheReleaseOfAnUndoSaysWhatItReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		view := fleetView{fleet: f, before: func(_ context.Context, target string, r rollout.Release) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if r.Undo {
				require.Equal(t, f.versions[target], r.From, target)
			}
		}}
		_, err := runs(t, view, aWayBack(targets, 7, rollback.Policy{
			Verify: errorsOf(map[string]float64{"v1": 0.5, "v0": 0.01}), Older: []string{"v0"},
		}))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
	})
}

// The word for why says what is so: all is undone, and only the metrics were waited for.
func TestADeadlineInTheRecoveryDoesNotSayThatNothingIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Deadline: 5 * time.Minute, Verify: gateOn(noAnswers(nil)["no data"])}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		requireAll(t, f, "v1")
		require.NotContains(t, err.Error(), "not undone")
	})
}
