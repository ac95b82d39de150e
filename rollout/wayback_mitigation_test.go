package rollout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// Traffic is shifted in seconds, a redeploy takes minutes: the fast relief comes first,
// one after the other, and each is on record before it is carried out.
func TestFastReliefComesBeforeTheFirstUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		j := &faultyJournal{}
		var d diary
		slow := func(name string) rollback.Mitigation {
			return rollback.Mitigation{Name: name, Do: func(ctx context.Context) error {
				events := j.durable()
				require.Equal(t, rollout.Mitigating, events[len(events)-1].Kind)
				require.Equal(t, name, events[len(events)-1].Step)
				time.Sleep(5 * time.Second)
				require.Zero(t, len(deploysOf(f, "v1")))
				d.add(name)
				return nil
			}}
		}
		plan := aWayBack(targets, 7, rollback.Policy{Fast: []rollback.Mitigation{slow("shift"), slow("flag-off")}})
		_, err := aRunner(plan, f, j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, []string{"shift", "flag-off"}, d.read())
		requireAll(t, f, "v1")
	})
}

// durable returns what is on record.
func (j *faultyJournal) durable() []rollout.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]rollout.Event(nil), j.events...)
}

// A kill stops a mitigation that is under way, and a human brings it back.
func TestAKillStopsAMitigation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		shift := rollback.Mitigation{Name: "shift", Timeout: time.Hour, Do: func(ctx context.Context) error {
			d.add("begun")
			select {
			case <-ctx.Done():
				d.add("stopped")
				return ctx.Err()
			case <-time.After(time.Minute):
				return nil
			}
		}}
		var seen folds
		r := aRunner(aWayBack(targets, 7, rollback.Policy{Fast: []rollback.Mitigation{shift}}), f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return len(d.read()) == 1 }, "the mitigation")
		say(t, r, rollout.Kill)
		require.ErrorIs(t, (<-done).err, rollout.ErrHalted)
		require.Equal(t, []string{"begun", "stopped"}, d.read())
		require.Empty(t, deploysOf(f, "v1"))

		say(t, r, rollout.Reset)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, []string{"begun", "stopped", "begun"}, d.read(), "it was begun, so it is carried out again")
		requireAll(t, f, "v1")
	})
}

// A guard that holds everything for ever keeps relief back for a while, but not the
// human: somebody has to be called.
func TestAGuardThatHoldsForEverDoesNotKeepAHumanFromBeingCalled(t *testing.T) {
	for name, policy := range map[string]func(d *diary) rollback.Policy{
		"with a fallback": func(d *diary) rollback.Policy {
			return rollback.Policy{Fallback: []rollback.Mitigation{d.does("drain", nil)}}
		},
		"with fast relief": func(d *diary) rollback.Policy {
			slow := rollback.Mitigation{Name: "shift", Do: func(context.Context) error {
				time.Sleep(30 * time.Second)
				return nil
			}}
			return rollback.Policy{Fast: []rollback.Mitigation{slow, d.does("flag-off", nil)}}
		},
		"with neither": func(*diary) rollback.Policy { return rollback.Policy{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				var d, pages diary
				p := policy(&d)
				p.Deadline, p.Page = 10*time.Minute, pages.page
				plan := aWayBack(targets, 7, p)
				plan.Guards = []guardrails.Guard{guard{"floor", func(_ context.Context, act guardrails.Action) error {
					if act.Verb.Backward() {
						return &guardrails.Breach{Guard: "floor", Reason: "nobody knows what is healthy", Cap: true}
					}
					return nil
				}}}
				r := aRunner(plan, f, &rollout.MemoryJournal{})
				done := inBackground(t.Context(), r)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				called := pages.read()
				_ = r.Command(t.Context(), rollout.Command{Verb: rollout.Kill, Actor: "ann", Reason: "it hangs"})
				require.ErrorIs(t, (<-done).err, rollout.ErrRollbackIncomplete)
				require.Len(t, called, 1)
			})
		})
	}
}
