package rollout_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// An alarm that asks for a rollback rings on while it is under way. That is what it asked
// for, and holds up no undo.
func TestAnAlarmThatAsksForARollbackDoesNotHoldItUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		plan := aWayBack(targets, 99, rollback.Policy{})
		g := &toggle{name: "alarm"}
		plan.Guards = []guardrails.Guard{g}
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}))
		eventually(t, time.Hour, func() bool { return f.count("v2") == 7 }, "three waves")
		g.set(func(guardrails.Action) error {
			return &guardrails.Breach{Guard: "alarm", Reason: "it burns", Consequence: guardrails.Rollback}
		})
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		require.Less(t, o.result.TimeToRollBack, 3*time.Minute)
	})
}

// But a cap that it would break holds it, whatever else its guard asks for.
func TestACapHoldsARollbackWhateverItAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		plan := aWayBack(targets, 7, rollback.Policy{})
		g := &toggle{name: "floor"}
		plan.Guards = []guardrails.Guard{g}
		g.set(func(act guardrails.Action) error {
			if act.Verb != guardrails.Undo {
				return nil
			}
			return &guardrails.Breach{Guard: "floor", Reason: "too few serve", Consequence: guardrails.Rollback, Cap: true}
		})
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
		eventually(t, time.Hour, func() bool { return seen.held("guard:floor") }, "the hold")
		time.Sleep(10 * time.Minute)
		require.Empty(t, deploysOf(f, "v1"))
		g.set(nil)
		require.ErrorIs(t, (<-done).err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

// A breach, and a human, mean everything, also while one domain is being taken back.
func TestABreachAndAHumanWidenARollbackOfOneDomain(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, r *rollout.Runner, kill *guardrails.KillSwitch, g *toggle){
		"the kill switch": func(t *testing.T, _ *rollout.Runner, kill *guardrails.KillSwitch, _ *toggle) {
			require.NoError(t, kill.Trip("ann", "it burns"))
		},
		"an alarm": func(_ *testing.T, _ *rollout.Runner, _ *guardrails.KillSwitch, g *toggle) {
			g.set(func(guardrails.Action) error {
				return &guardrails.Breach{Guard: "alarm", Reason: "it burns", Consequence: guardrails.Rollback}
			})
		},
		"the verb": func(t *testing.T, r *rollout.Runner, _ *guardrails.KillSwitch, _ *toggle) {
			say(t, r, rollout.RollBack)
			require.ErrorIs(t, r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "again"}), rollout.ErrStale)
		},
	} {
		for stage, when := range map[string]func(f *fleet) bool{
			"the first undo": func(f *fleet) bool { return f.count("v1") == 5 },
			"the recovery":   func(f *fleet) bool { return f.count("v1") == 8 },
		} {
			t.Run(name+" at "+stage, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, plan := byRegion(8)
					f.takes = 5 * time.Second
					plan.Rollback.Verify = errorsOf(map[string]float64{"v1": 0.01})
					kill, g := &guardrails.KillSwitch{Mode: guardrails.Rollback}, &toggle{name: "alarm"}
					plan.Guards = []guardrails.Guard{kill, g}
					var j rollout.MemoryJournal
					var seen folds
					r := aRunner(plan, f, &j, &seen)
					done := inBackground(t.Context(), r)
					eventually(t, time.Hour, func() bool { return seen.phase() == rollout.RollingBack && when(f) }, stage)
					act(t, r, kill, g)
					o := <-done
					require.ErrorIs(t, o.err, rollout.ErrRolledBack)
					requireAll(t, f, "v1")
					require.Equal(t, 8, o.result.Undone)
					require.Len(t, deploysOf(f, "v1"), 8, "each once")
				})
			})
		}
	}
}

// A version that can be restored nowhere sends the rollback down the chain, also where
// there are fewer targets than it would have tried.
func TestAVersionThatIsGoneSendsASmallRollbackDownTheChain(t *testing.T) {
	for _, n := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(20, "v1")
			f.misbehave = func(_ context.Context, _, to string) error {
				if to == "v1" {
					return errDisk
				}
				return nil
			}
			plan := aWayBack(targets, n, rollback.Policy{Older: []string{"v0"}})
			_, err := runs(t, f, plan)
			require.ErrorIs(t, err, rollout.ErrRolledBack, n)
			requireOn(t, f, map[string]int{"v0": n, "v1": 20 - n, "v2": 0})
		})
	}
}

// A rehearsal that a crash cut short has not measured how long an undo takes: neither is
// it held against the way back that nobody ran, nor is a half of it taken for all.
func TestARehearsalThatWasCutShortIsMeasuredAnew(t *testing.T) {
	for name, tc := range map[string]struct {
		takes time.Duration
		want  error
	}{"quick": {10 * time.Second, nil}, "slow": {40 * time.Second, rollout.ErrRolledBack}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				f.takes = tc.takes
				cut := false
				// A second undo of the same target has nothing left to do.
				view := fleetView{fleet: f, before: func(_ context.Context, target string, r rollout.Release) {
					f.mu.Lock()
					defer f.mu.Unlock()
					f.takes = tc.takes
					if f.versions[target] == r.To {
						f.takes = 0
					}
				}, after: func(_ string, r rollout.Release, _ error) {
					if r.Undo && !cut {
						cut = true
						time.Sleep(5 * time.Second)
					}
				}}
				plan := rehearsed(targets, rollback.Policy{RTO: 2 * time.Minute, Jitter: -1})
				plan.Concurrency = 4
				var j rollout.MemoryJournal
				done := inBackground(t.Context(), aRunner(plan, view, &j))
				eventually(t, time.Hour, func() bool { return f.count("v2") == 1 }, "the first apply")
				eventually(t, time.Hour, func() bool { return f.count("v1") == 20 }, "the undo")
				j.Steal(plan.Name)
				require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
				time.Sleep(time.Hour)
				_, err := aRunner(plan, view, &j).Run(t.Context())
				require.ErrorIs(t, err, tc.want)
			})
		})
	}
}

// A release that cannot be put on the first target has failed, rehearsed or not.
func TestAFirstStepThatFailsMarksTheVersionBadRehearsedOrNot(t *testing.T) {
	for _, rehearse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(20, "v1")
			f.misbehave = func(_ context.Context, _, to string) error {
				if to == "v2" {
					return errDisk
				}
				return nil
			}
			registry := aRegistry(t)
			_, err := runs(t, f, aWayBack(targets, 99, rollback.Policy{Registry: registry, Rehearse: rehearse}))
			require.ErrorIs(t, err, rollout.ErrRolledBack)
			require.ErrorIs(t, registry.CheckVersion(t.Context(), "checkout", "v2"), rollback.ErrBadVersion, rehearse)
		})
	}
}

// A plan does not go back to what is marked bad.
func TestAPlanThatWouldGoBackToABadVersionIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		require.NoError(t, registry.MarkBad(t.Context(), "checkout", "v0", "", "ann", "it leaks"))
		plan := aWayBack(targets, 99, rollback.Policy{Registry: registry, Older: []string{"v0"}})
		_, err := runs(t, f, plan)
		require.ErrorIs(t, err, rollback.ErrBadVersion)
		require.ErrorContains(t, err, "Rollback.Older")
		require.Empty(t, f.touched())
	})
}

// A version that has proved good, and whose artifact is not what it was, is not gone back
// to.
func TestAKnownGoodVersionWhoseArtifactHasChangedIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		changed := ""
		registry.Artifacts = rollback.ArtifactsFunc(func(_ context.Context, _, version string) (io.ReadCloser, error) {
			if version == changed {
				version += ", patched"
			}
			return io.NopCloser(strings.NewReader(version)), nil
		})
		for _, v := range []string{"v-1", "v0", "v1"} {
			require.NoError(t, registry.Deployed(t.Context(), "checkout", v, "before", time.Now()))
			time.Sleep(2 * time.Hour)
		}
		changed = "v0"
		var seen recorder
		_, err := runs(t, f, aWayBack(targets, 99, rollback.Policy{Registry: registry}), &seen)
		require.NoError(t, err)
		require.Equal(t, []string{"v-1"}, seen.kinds(rollout.Started)[0].Spec.Undo.Older)
	})
}

// Every line of a journal says who and why, whatever happens, online and off.
func TestEveryLineOfAJournalSaysWhoAndWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var d diary
		plan := aWayBack(targets, 7, rollback.Policy{
			Rehearse: true, Fast: []rollback.Mitigation{d.does("shift", nil)}, Page: d.page,
			Canary: errorsOf(map[string]float64{"v1": 0.01}), Verify: errorsOf(map[string]float64{"v1": 0.9}),
			Fallback: []rollback.Mitigation{d.does("drain", errDisk), d.does("off", nil)}, RTO: 10 * time.Second, Takes: time.Millisecond, Jitter: -1,
		})
		held := time.Now().Add(10 * time.Minute)
		plan.Guards = []guardrails.Guard{guard{"freeze", func(_ context.Context, act guardrails.Action) error {
			if time.Now().Before(held) && act.Verb == guardrails.Deploy && len(f.touched()) > 2 {
				return &guardrails.Breach{Guard: "freeze", Reason: "not now"}
			}
			return nil
		}}}
		var j rollout.MemoryJournal
		r := aRunner(plan, f, &j)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		say(t, r, rollout.Abort)
		seen := make(map[rollout.Kind]bool)
		for i, ev := range journalOf(t, &j, plan.Name) {
			require.NotEmpty(t, ev.Actor, "line %d, %v", i+1, ev.Kind)
			require.NotEmpty(t, ev.Reason, "line %d, %v", i+1, ev.Kind)
			seen[ev.Kind] = true
		}
		for _, kind := range []rollout.Kind{
			rollout.Observed, rollout.Judged, rollout.UndoJudged, rollout.Surveyed, rollout.Mitigated, rollout.MitigateFailed,
			rollout.Breached, rollout.Cleared, rollout.Elapsed, rollout.Abort, rollout.Ended,
		} {
			require.True(t, seen[kind], "%v", kind)
		}
	})
}

// interrupting is a journal whose Open is followed by an interrupt at once.
type interrupting struct {
	rollout.MemoryJournal
	interrupt context.CancelFunc
}

func (j *interrupting) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	s, err := j.MemoryJournal.Open(ctx, name, locks...)
	j.interrupt()
	return s, err
}

// An interrupt before the checks were tried leaves nothing on record that would let the
// next Run go on without trying them.
func TestAnInterruptBeforeThePreflightDoesNotSkipIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		plan := aWayBack(targets, 99, rollback.Policy{})
		plan.Gate.NoPreflight = ""
		plan.Gate.Checks[0].Source = errorRate(map[string]float64{"v1": 0.9, "v2": 0.01})
		ctx, cancel := context.WithCancel(t.Context())
		j := interrupting{interrupt: cancel}
		_, err := aRunner(plan, f, &j).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
		_, err = aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, analysis.ErrBurning)
		require.Empty(t, f.touched())
	})
}

// Artifacts may be large, and are read in full. A signal does not wait for that.
func TestArtifactsMayTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		registry := aRegistry(t)
		registry.Artifacts = rollback.ArtifactsFunc(func(ctx context.Context, _, version string) (io.ReadCloser, error) {
			select {
			case <-time.After(2 * time.Minute):
				return io.NopCloser(strings.NewReader(version)), nil
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		})
		plan := aWayBack(targets, 99, rollback.Policy{Registry: registry})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		at := time.Now()
		_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
		require.Equal(t, time.Minute, time.Since(at))
		require.Empty(t, f.touched())
		_, err = runs(t, f, plan)
		require.NoError(t, err)
	})
}
