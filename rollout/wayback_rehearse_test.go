package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// rehearsed is a plan that is all good, and rehearses its way back.
func rehearsed(targets []rollout.Target, policy rollback.Policy) rollout.Plan {
	plan := aPlan(targets, 0.01)
	policy.Rehearse = true
	if policy.Timeout == 0 {
		policy.Timeout = time.Minute
	}
	plan.Rollback = policy
	return plan
}

// The first target is updated, taken back, and updated again, and until then nothing
// else is touched.
func TestTheWayBackIsRehearsedOnTheFirstTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 5 * time.Second
		var calls []rollout.Release
		inFlight := 0
		view := fleetView{fleet: f, before: func(_ context.Context, target string, r rollout.Release) {
			if len(calls) < 3 {
				calls = append(calls, r)
				require.Equal(t, "web-01", target)
				require.Zero(t, inFlight)
				inFlight++
			}
		}, after: func(string, rollout.Release, error) { inFlight-- }}
		plan := rehearsed(targets, rollback.Policy{})
		plan.Waves = rollout.Explicit{{Targets: targets[:4]}, {Targets: targets[4:]}} // the first wave has others to do
		result, err := runs(t, view, plan)
		require.NoError(t, err)
		requireAll(t, f, "v2")
		require.Equal(t, []string{"web-01 v2", "web-01 v1", "web-01 v2"}, f.touched()[:3])
		require.Len(t, f.touched(), 22)
		require.Equal(t, 20, result.Updated)
		require.Equal(t, [3]bool{false, true, false}, [3]bool{calls[0].Undo, calls[1].Undo, calls[2].Undo})
		require.Equal(t, "v2", calls[1].From)
		require.Equal(t, "v1", calls[1].To)
		require.NotEqual(t, calls[0].Key, calls[2].Key, "a target that drops what it has done already must not drop this")
		require.NotEqual(t, calls[0].Key, calls[1].Key)
		require.NotEqual(t, calls[1].Key, calls[2].Key)
	})
}

// Once it was rehearsed, a real rollback undoes the first target as well, and its key
// is not the rehearsal's, which the target may have done already.
func TestARollbackAfterARehearsalUndoesTheFirstTargetToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		keys := map[string]int{}
		view := fleetView{fleet: f, before: func(_ context.Context, target string, r rollout.Release) {
			f.mu.Lock()
			defer f.mu.Unlock()
			keys[r.Key]++
		}}
		plan := aWayBack(targets, 7, rollback.Policy{Rehearse: true})
		result, err := runs(t, view, plan)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		require.Equal(t, 7, result.Undone)
		for key, n := range keys {
			require.Equal(t, 1, n, "%s was used for two different things", key)
		}
	})
}

// A way back that does not work is found out with one target touched.
func TestABrokenWayBackStopsTheRolloutAtOneTarget(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f, targets := newFleet(20, "v1")
				f.misbehave = func(ctx context.Context, _, to string) error {
					if to == "v1" {
						return way.do(ctx, release)
					}
					return nil
				}
				plan := rehearsed(targets, rollback.Policy{})
				plan.Waves = rollout.Explicit{{Targets: targets[:4]}, {Targets: targets[4:]}}
				result, err := runs(t, f, plan)
				require.ErrorIs(t, err, rollout.ErrRollbackIncomplete, "it tries to take it back, which does not work either")
				require.ErrorContains(t, err, "the way back does not work: rehearsing it on web-01")
				require.Equal(t, []string{"web-01 v2"}, f.touched())
				require.Equal(t, 19, result.Untouched)
				require.Equal(t, []string{"web-01"}, result.InDoubt)
			})
		})
	}
}

// A target that says that it was taken back, and was not, is found out as well.
func TestAWayBackThatOnlySaysThatItWorksIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		view := fleetView{fleet: f, after: func(target string, r rollout.Release, _ error) {
			if r.Undo {
				f.mu.Lock()
				f.versions[target] = "v2"
				f.mu.Unlock()
			}
		}}
		result, err := runs(t, view, rehearsed(targets, rollback.Policy{}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, `it runs "v2", not "v1"`)
		require.Equal(t, 19, result.Untouched)
	})
}

// A way back that works, but is too slow for a whole fleet, is found out too.
func TestAWayBackThatIsTooSlowStopsTheRolloutAtOneTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 30 * time.Second
		plan := rehearsed(targets, rollback.Policy{RTO: 2 * time.Minute, Jitter: -1})
		plan.Concurrency = 2
		plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:]}}
		result, err := runs(t, f, plan)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		// 1, 4, 6, 6, 2 and 1 targets, two at once, are 1+2+3+3+1+1 undos after one another.
		require.ErrorContains(t, err, "a rollback of all 20 targets would take 5m30s, and may take 2m0s: undoing web-01 took 30s, and 11 undos come after one another")
		requireAll(t, f, "v1")
		require.Equal(t, 19, result.Untouched)
		require.Equal(t, []string{"web-01 v2", "web-01 v1"}, f.touched(), "it is back already")
	})
}

func TestAWayBackThatIsQuickEnoughGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 10 * time.Second
		plan := rehearsed(targets, rollback.Policy{RTO: 2 * time.Minute, Jitter: -1})
		plan.Concurrency = 2
		_, err := runs(t, f, plan)
		require.NoError(t, err)
		requireAll(t, f, "v2")
	})
}

// A rehearsal that a crash cut short is gone on with, wherever that was.
func TestARehearsalThatACrashCutShortIsGoneOnWith(t *testing.T) {
	for n := 1; n < 12; n++ {
		for _, written := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				words := fmt.Sprintf("append %d, written %v", n, written)
				j := &faultyJournal{fault: func(k int, events []rollout.Event) (int, error) {
					switch {
					case k != n:
						return len(events), nil
					case written:
						return len(events), errDisk
					}
					return 0, errDisk
				}}
				plan := rehearsed(targets, rollback.Policy{})
				_, err := aRunner(plan, f, j).Run(t.Context())
				require.ErrorIs(t, err, errDisk, words)
				require.LessOrEqual(t, f.count("v2"), 1, words)
				time.Sleep(time.Hour)
				result, err := aRunner(plan, f, j).Run(t.Context())
				require.NoError(t, err, words)
				requireAll(t, f, "v2")
				require.Equal(t, 20, result.Updated, words)
				require.Equal(t, []rollout.Kind{rollout.Doing, rollout.Done, rollout.Undoing, rollout.Undone, rollout.Doing, rollout.Done},
					stepsOf(j.durable(), "web-01"), words)
				require.Contains(t, f.touched(), "web-01 v1", words)
			})
		}
	}
}

// stepsOf returns what happened to one step.
func stepsOf(events []rollout.Event, step string) (kinds []rollout.Kind) {
	for _, ev := range events {
		if ev.Step == step {
			kinds = append(kinds, ev.Kind)
		}
	}
	return kinds
}

// A crash in the middle of the rehearsal's undo, and a second one.
func TestARehearsalIsCutShortInTheMiddleOfAStep(t *testing.T) {
	for after := 2 * time.Second; after < 20*time.Second; after += 3 * time.Second {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(20, "v1")
			f.takes = 5 * time.Second
			plan := rehearsed(targets, rollback.Policy{})
			var j rollout.MemoryJournal
			for range 2 {
				done := inBackground(t.Context(), aRunner(plan, f, &j))
				time.Sleep(after)
				j.Steal(plan.Name)
				require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
			}
			_, err := aRunner(plan, f, &j).Run(t.Context())
			require.NoError(t, err)
			requireAll(t, f, "v2")
		})
	}
}

// An interrupt leaves the rehearsal where it is. The first target may be on either.
func TestAnInterruptInTheRehearsalLeavesItResumable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 5 * time.Second
		plan := rehearsed(targets, rollback.Policy{})
		var j rollout.MemoryJournal
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		_, err := aRunner(plan, f, &j).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
		require.Equal(t, []string{"web-01 v2", "web-01 v1"}, f.touched(), "what was in flight came to its end")
		_, err = aRunner(plan, f, &j).Run(t.Context())
		require.NoError(t, err)
		requireAll(t, f, "v2")
	})
}

// A first step that fails says nothing of the way back, and ends the rollout.
func TestAFirstStepThatFailsEndsTheRehearsal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.misbehave = func(_ context.Context, _, to string) error {
			if to == "v2" {
				return errors.New("disk full")
			}
			return nil
		}
		plan := rehearsed(targets, rollback.Policy{})
		plan.Failures = rollout.FailureBudget{PerWave: 1, Total: 3}
		_, err := runs(t, f, plan)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "the way back could not be rehearsed, since the first step failed: web-01: disk full")
		requireAll(t, f, "v1")
	})
}

// A guard that refuses the second apply, or the undo, of the rehearsal is asked about
// just that until it is content.
func TestAGuardThatHoldsTheRehearsalIsAskedUntilItIsContent(t *testing.T) {
	for name, minds := range map[string]func(act guardrails.Action, n int) bool{
		"the undo":         func(act guardrails.Action, _ int) bool { return act.Verb == guardrails.Undo },
		"the second apply": func(act guardrails.Action, undone int) bool { return act.Verb == guardrails.Deploy && undone > 0 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				open := time.Now().Add(10 * time.Minute)
				g := guard{"picky", func(_ context.Context, act guardrails.Action) error {
					if time.Now().Before(open) && minds(act, len(deploysOf(f, "v1"))) {
						return &guardrails.Breach{Guard: "picky", Reason: "not now"}
					}
					return nil
				}}
				plan := rehearsed(targets, rollback.Policy{})
				plan.Guards = []guardrails.Guard{g}
				var seen recorder
				_, err := runs(t, f, plan, &seen)
				require.NoError(t, err)
				requireAll(t, f, "v2")
				require.Equal(t, 1, len(seen.kinds(rollout.Breached)), "it holds once, and not again and again")
				require.Equal(t, 1, len(seen.kinds(rollout.Cleared)))
			})
		})
	}
}
