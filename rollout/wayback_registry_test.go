package rollout_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

func aRegistry(t *testing.T) *rollback.Registry {
	return &rollback.Registry{Path: filepath.Join(t.TempDir(), "versions.jsonl"), Bake: time.Hour}
}

// A version that is marked bad is not rolled out, and nobody hears of the rollout.
func TestABadVersionIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		require.NoError(t, registry.MarkBad(t.Context(), "checkout", "v2", "", "ann", "it loses orders"))
		var j rollout.MemoryJournal
		plan := aWayBack(targets, 99, rollback.Policy{Registry: registry})
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollback.ErrBadVersion)
		require.ErrorContains(t, err, "was not started, nothing was touched")
		require.ErrorContains(t, err, "by ann: it loses orders")
		require.Empty(t, f.touched())
		require.Empty(t, journalOf(t, &j, plan.Name))

		require.NoError(t, registry.Clear(t.Context(), "checkout", "v2", "ben", "it was the database"))
		_, err = aRunner(plan, f, &j).Run(t.Context())
		require.NoError(t, err)
	})
}

// What a gate has failed is refused the next time, under another name too, until a human
// clears it. And when the first rollout is asked again how it ended, that stays cleared.
func TestAVersionThatFailedIsMarkedBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		var j rollout.MemoryJournal
		first := aRunner(aWayBack(targets, 7, rollback.Policy{Registry: registry}), f, &j)
		_, err := first.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorIs(t, registry.CheckVersion(t.Context(), "checkout", "v2"), rollback.ErrBadVersion)

		next := aWayBack(targets, 99, rollback.Policy{Registry: registry})
		next.Name = "checkout-v2-again"
		_, err = aRunner(next, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollback.ErrBadVersion)
		require.ErrorContains(t, err, "in rollout checkout-v2: gate 3 failed")

		require.NoError(t, registry.Clear(t.Context(), "checkout", "v2", "ben", "it was the database"))
		_, err = first.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.NoError(t, registry.CheckVersion(t.Context(), "checkout", "v2"))
		_, err = aRunner(next, f, &j).Run(t.Context())
		require.NoError(t, err)
	})
}

// That a human takes it back, or that the power fails, says nothing of the version.
func TestAHumansRollbackAndAnInterruptMarkNothingBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		var j rollout.MemoryJournal
		r := aRunner(aWayBack(targets, 99, rollback.Policy{Registry: registry}), f, &j)
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		_, err := r.Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
		require.NoError(t, registry.CheckVersion(t.Context(), "checkout", "v2"))

		say(t, r, rollout.RollBack)
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.NoError(t, registry.CheckVersion(t.Context(), "checkout", "v2"))

		other := aRunner(aWayBack(targets, 99, rollback.Policy{Registry: registry}), f, &j)
		other.Plan.Name, other.OnInterrupt = "checkout-v2-again", rollout.RollBackOnInterrupt
		ctx, cancel = context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		_, err = other.Run(ctx)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.NoError(t, registry.CheckVersion(t.Context(), "checkout", "v2"))
	})
}

// What completed has to run for its time, and is good then; what ran before it is what
// there is to go back to.
func TestACompletedRolloutIsRememberedAndBecomesKnownGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		require.NoError(t, registry.Deployed(t.Context(), "checkout", "v0", "before", time.Now()))
		time.Sleep(2 * time.Hour)
		require.NoError(t, registry.Deployed(t.Context(), "checkout", "v1", "before", time.Now()))
		time.Sleep(2 * time.Hour)
		result, err := runs(t, f, aWayBack(targets, 99, rollback.Policy{Registry: registry}))
		require.NoError(t, err)
		good := func() (ids []string) {
			known, err := registry.KnownGood(t.Context(), "checkout", time.Now())
			require.NoError(t, err)
			for _, v := range known {
				ids = append(ids, v.ID)
			}
			return ids
		}
		require.Equal(t, []string{"v1", "v0"}, good(), "v2 has its time to come")
		time.Sleep(2 * time.Hour)
		require.Equal(t, []string{"v2", "v1", "v0"}, good())
		known, err := registry.KnownGood(t.Context(), "checkout", time.Now())
		require.NoError(t, err)
		require.Equal(t, "checkout-v2", known[0].Rollout)
		require.True(t, known[0].Deployed.Equal(result.Times.Ended))
	})
}

// The versions that have proved good follow those that the plan names, and not one that
// is in the plan already.
func TestTheKnownGoodVersionsAreTheEndOfTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		for _, v := range []string{"v-2", "v-1", "v0", "v1"} {
			require.NoError(t, registry.Deployed(t.Context(), "checkout", v, "before", time.Now()))
			time.Sleep(2 * time.Hour)
		}
		require.NoError(t, registry.MarkBad(t.Context(), "checkout", "v-1", "", "ann", "it leaks"))
		older := make([]string, 1, 8)
		older[0] = "v0"
		plan := aWayBack(targets, 7, rollback.Policy{
			Registry: registry, Older: older,
			Canary: errorsOf(map[string]float64{"v-2": 0.01, "v0": 0.8, "v1": 0.9, "v2": 0.2}),
		})
		var seen recorder
		_, err := runs(t, f, plan, &seen)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "back on v-2")
		require.Equal(t, []string{"v0", "v-2"}, seen.kinds(rollout.Started)[0].Spec.Undo.Older)
		require.Equal(t, []string{"", ""}, older[1:3], "the caller's slice is the caller's")
		requireOn(t, f, map[string]int{"v-2": 7, "v1": 13, "v2": 0, "v0": 0, "v-1": 0})

		known, err := registry.KnownGood(t.Context(), "checkout", time.Now().Add(2*time.Hour))
		require.NoError(t, err)
		require.Equal(t, "v1", known[0].ID, "the fleet is not of one piece, so nobody says that it runs v-2")
	})
}

// Who cannot read whether a version is bad does not roll it out.
func TestARegistryThatCannotBeReadRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		require.NoError(t, os.WriteFile(registry.Path, []byte("{\"kind\":\"rubbish\"}\n{}\n"), 0o600))
		var j rollout.MemoryJournal
		plan := aWayBack(targets, 99, rollback.Policy{Registry: registry})
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollback.ErrRegistryCorrupt)
		require.ErrorContains(t, err, "nothing was touched")
		require.Empty(t, f.touched())
		require.Empty(t, journalOf(t, &j, plan.Name))
	})
}

// A registry that fails at the end does not change how the rollout ended; nor does one
// that has failed meanwhile keep anybody from going back.
func TestARegistryThatFailsAtTheEndChangesNothing(t *testing.T) {
	for name, n := range map[string]int{"completed": 99, "rolled back": 7} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				registry := aRegistry(t)
				var seen folds
				r := aRunner(aWayBack(targets, n, rollback.Policy{Registry: registry}), f, &rollout.MemoryJournal{}, &seen)
				done := inBackground(t.Context(), r)
				eventually(t, time.Hour, func() bool { return seen.wave() == 2 }, "wave 2")
				require.NoError(t, os.RemoveAll(registry.Path))
				require.NoError(t, os.Mkdir(registry.Path, 0o700))
				o := <-done
				if n == 99 {
					require.NoError(t, o.err)
					requireAll(t, f, "v2")
					return
				}
				require.ErrorIs(t, o.err, rollout.ErrRolledBack)
				requireAll(t, f, "v1")
			})
		})
	}
}

// A runner that dies between the end of a rollout and its registry: the next one, which
// finds the rollout ended, tells it.
func TestTheRegistryIsToldOnTheNextRunAsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		var j rollout.MemoryJournal
		_, err := aRunner(aWayBack(targets, 7, rollback.Policy{}), f, &j).Run(t.Context()) // as if it had died there
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		_, err = aRunner(aWayBack(targets, 7, rollback.Policy{Registry: registry}), f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorIs(t, registry.CheckVersion(t.Context(), "checkout", "v2"), rollback.ErrBadVersion)
	})
}
