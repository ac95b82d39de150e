package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

func never(guardrails.Action) error { return &guardrails.Breach{Reason: "the test says no"} }

// noForward refuses what goes forward, as a freeze window does.
func noForward(act guardrails.Action) error {
	if act.Verb == guardrails.Deploy {
		return &guardrails.Breach{Reason: "the shop is open"}
	}
	return nil
}

func TestAGuardHoldsUntilItIsContent(t *testing.T) {
	for name, answer := range map[string]func(guardrails.Action) error{"always": never, "deployments": noForward} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				g := toggle{name: "freeze"}
				plan := aPlan(targets, 0.01)
				plan.Guards = []guardrails.Guard{&g}
				var seen folds
				var log recorder
				done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen, &log))
				eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
				g.set(answer)
				eventually(t, 5*time.Minute, func() bool { return seen.held("guard:freeze") }, "the hold")
				before := len(f.touched())
				time.Sleep(time.Hour)
				require.LessOrEqual(t, len(f.touched()), before+4, "what was in flight may end")
				before = len(f.touched())
				time.Sleep(time.Hour)
				require.Len(t, f.touched(), before)
				require.Len(t, log.kinds(rollout.Breached), 1, "it is said once")
				g.set(nil)
				require.NoError(t, (<-done).err)
				require.Len(t, log.kinds(rollout.Cleared), 1)
				requireAll(t, f, "v2")
			})
		})
	}
}

// What a guard has said of a step forward is no reason not to take it back.
func TestAFreezeThatHeldAStepDoesNotHoldTheRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		g := toggle{name: "freeze"}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&g}
		plan.HoldAtMost = 20 * time.Minute
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
		g.set(noForward)
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		require.ErrorContains(t, o.err, "held for 20m0s")
		require.Less(t, o.result.TimeToRollBack, time.Minute)
		requireAll(t, f, "v1")
	})
}

// A guard that did not mind the rest of the wave is asked about the step that
// it refused, and the tallies that it sees are those with that step counted.
func TestAGuardIsAskedAboutEveryStepWithTheStepsBeforeItCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(40, "v1")
		for i := range targets {
			targets[i].Weight = 10
		}
		var mu sync.Mutex
		exposed := make(map[string]guardrails.Tally) // by target, when it was asked about first
		zones := make(map[string]guardrails.Tally)
		raised := false
		g := guard{"cap", func(_ context.Context, act guardrails.Action) error {
			mu.Lock()
			defer mu.Unlock()
			if act.Verb != guardrails.Deploy {
				return nil
			}
			tally := act.Fleet.Tally("", "")
			if _, ok := exposed[act.Target]; !ok {
				exposed[act.Target] = tally
				zones[act.Target] = act.Fleet.Tally("zone", act.Labels["zone"])
			}
			if tally.Unproven > 7 && !raised {
				return &guardrails.Breach{Reason: "more than 7 unproven", Evidence: fmt.Sprint(tally.Unproven), Cap: true}
			}
			return nil
		}}
		plan := aPlan(targets, 0.01)
		plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:20]}, {Targets: targets[20:]}}
		plan.Guards = []guardrails.Guard{g}
		plan.Concurrency = 5
		var seen folds
		r := aRunner(plan, f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.held("guard:cap") }, "the hold")
		time.Sleep(time.Hour)
		require.Equal(t, 8, f.count("v2"), "the first, proven, and seven more")
		require.Equal(t, 8, seen.state.Tally("", "").Exposed)
		require.True(t, seen.held("guard:cap"))
		err := r.Command(t.Context(), rollout.Command{Verb: rollout.Override, Guard: "cap", Actor: "ann", Reason: "hurry", Until: time.Now().Add(time.Hour)})
		require.ErrorIs(t, err, rollout.ErrBadEvent)
		require.ErrorContains(t, err, "no override lifts a cap")
		mu.Lock()
		raised = true
		mu.Unlock()
		require.NoError(t, (<-done).err)
		for i, target := range targets {
			was := exposed[target.Name]
			require.Equal(t, 40, was.Targets)
			require.EqualValues(t, 400, was.Weight)
			require.EqualValues(t, 10*was.Exposed, was.ExposedWeight)
			require.EqualValues(t, 10*was.Unproven, was.UnprovenWeight)
			require.Equal(t, i+1, was.Exposed, "%s is the %dth", target.Name, i+1)
			require.Equal(t, i/3+1, zones[target.Name].Exposed, "in its zone")
		}
		require.Equal(t, 7, exposed["web-08"].Unproven)
		require.Equal(t, 8, exposed["web-09"].Unproven)
		require.Equal(t, 1, exposed["web-21"].Unproven)
	})
}

func TestAGuardThatHangsHoldsWithinSecondsAndReleasesOnceItAnswers(t *testing.T) {
	for name, verbs := range map[string][]guardrails.Verb{
		"always": {guardrails.Bake, guardrails.Deploy}, "asked about steps": {guardrails.Deploy}, "asked in between": {guardrails.Bake},
	} {
		for patience, heeds := range map[string]bool{"heeding": true, "deaf": false} {
			t.Run(name+", "+patience, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, targets := newFleet(20, "v1")
					var mu sync.Mutex
					var release chan struct{}
					calls := 0
					g := guard{"oracle", func(ctx context.Context, act guardrails.Action) error {
						mu.Lock()
						hang := release
						if hang != nil && slices.Contains(verbs, act.Verb) {
							calls++
						} else {
							hang = nil
						}
						mu.Unlock()
						switch {
						case hang == nil:
						case heeds:
							select {
							case <-hang:
							case <-ctx.Done():
								return ctx.Err()
							}
						default:
							<-hang
						}
						return nil
					}}
					calm := guard{"calm", func(context.Context, guardrails.Action) error { return nil }}
					plan := aPlan(targets, 0.01)
					plan.Guards = []guardrails.Guard{calm, g, guardrails.Func(calm.check)}
					var seen folds
					done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
					eventually(t, time.Hour, func() bool { return seen.wave() == 3 && seen.phase() == rollout.Gating }, "wave 3 baking")
					mu.Lock()
					release = make(chan struct{})
					mu.Unlock()
					if slices.Contains(verbs, guardrails.Bake) {
						eventually(t, 8*time.Second, func() bool { return seen.held("guard:oracle") }, "the hold")
					}
					eventually(t, 70*time.Second, func() bool { return seen.held("guard:oracle") }, "the hold")
					before := len(f.touched())
					time.Sleep(10 * time.Minute)
					require.True(t, seen.held("guard:oracle"))
					require.False(t, seen.held("guard:calm"), "the others are not to blame")
					require.Len(t, f.touched(), before)
					mu.Lock()
					if !heeds {
						require.LessOrEqual(t, calls, 2, "one that hangs is not asked again and again")
					}
					close(release)
					release = nil
					mu.Unlock()
					eventually(t, 10*time.Second, func() bool { return !seen.held("guard:oracle") }, "the release")
					require.NoError(t, (<-done).err)
					requireAll(t, f, "v2")
				})
			})
		}
	}
}

func TestAnOverridePassesAGuardThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		release := make(chan struct{})
		defer close(release)
		g := guard{"oracle", func(_ context.Context, act guardrails.Action) error {
			if act.Verb == guardrails.Deploy && act.Wave == 2 {
				<-release
			}
			return nil
		}}
		var asked sync.Map
		other := guard{"other", func(_ context.Context, act guardrails.Action) error {
			asked.Store(act.Target, true)
			return nil
		}}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{g, other}
		var seen folds
		r := aRunner(plan, f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.held("guard:oracle") }, "the hold")
		time.Sleep(time.Hour)
		require.Equal(t, 1, f.count("v2"))
		require.NoError(t, r.Command(t.Context(), rollout.Command{
			Verb: rollout.Override, Guard: "oracle", Actor: "ann", Reason: "it hangs", Until: time.Now().Add(24 * time.Hour),
		}))
		require.NoError(t, (<-done).err)
		requireAll(t, f, "v2")
		for _, target := range targets {
			_, ok := asked.Load(target.Name)
			require.True(t, ok, "the other guard is asked about %s all the same", target.Name)
		}
	})
}

func TestAGuardThatIsBrokenHolds(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(guardrails.Action) error
		want   string
	}{
		"panicking": {func(guardrails.Action) error { panic("index out of range") }, "panicked: index out of range"},
		"error":     {func(guardrails.Action) error { return errors.New("no such file") }, "could not answer: no such file"},
		"nil":       {func(guardrails.Action) error { var b *guardrails.Breach; return b }, "nil *Breach"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				g := toggle{name: "odd"}
				plan := aPlan(targets, 0.01)
				plan.Guards = []guardrails.Guard{&g}
				var seen folds
				var log recorder
				done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen, &log))
				time.Sleep(10 * time.Second)
				g.set(tc.answer)
				eventually(t, 3*time.Second, func() bool { return seen.held("guard:odd") }, "the hold")
				require.Contains(t, log.kinds(rollout.Breached)[0].Breach.Reason, tc.want)
				time.Sleep(time.Hour)
				require.Equal(t, 1, f.count("v2"))
				g.set(nil)
				require.NoError(t, (<-done).err)
				requireAll(t, f, "v2")
			})
		})
	}
}

func TestAGuardThatAsksForMoreThanAHoldGetsIt(t *testing.T) {
	for consequence, want := range map[guardrails.Consequence]error{
		guardrails.Rollback: rollout.ErrRolledBack, guardrails.Halt: rollout.ErrHalted, 77: rollout.ErrHalted,
	} {
		for _, verb := range []guardrails.Verb{guardrails.Bake, guardrails.Deploy} {
			t.Run(fmt.Sprint(consequence, " ", verb), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, targets := newFleet(4, "v1")
					plan := aPlan(targets, 0.01)
					plan.Guards = []guardrails.Guard{guard{"slo", func(_ context.Context, act guardrails.Action) error {
						if act.Verb == verb && act.Wave == 2 {
							return &guardrails.Breach{Consequence: consequence, Reason: "the error budget is spent"}
						}
						return nil
					}}}
					_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
					require.ErrorIs(t, err, want)
					require.ErrorContains(t, err, "guard slo: the error budget is spent")
				})
			})
		}
	}
}

func TestAnOverridePassesAHoldUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		g := toggle{name: "freeze"}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&g}
		var seen folds
		r := aRunner(plan, f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		time.Sleep(10 * time.Second)
		g.set(noForward)
		eventually(t, 3*time.Minute, func() bool { return seen.held("guard:freeze") }, "the hold")
		time.Sleep(time.Hour)
		override := rollout.Command{Verb: rollout.Override, Guard: "freeze", Actor: "ann", Reason: "urgent", Until: time.Now().Add(150 * time.Second)}
		require.NoError(t, r.Command(t.Context(), override))
		eventually(t, time.Second, func() bool { return !seen.held("guard:freeze") }, "the pass")
		expires := override.Until
		eventually(t, 10*time.Minute, func() bool { return seen.held("guard:freeze") }, "the hold, again")
		require.True(t, time.Now().After(expires))
		after := f.count("v2")
		require.Greater(t, after, 1)
		time.Sleep(time.Hour)
		require.Equal(t, after, f.count("v2"))
		g.set(nil)
		require.NoError(t, (<-done).err)
		requireAll(t, f, "v2")
	})
}

// An override for the last wave expires while that bakes: the guard minds steps
// alone, and there is none left that it could hold.
func TestAnOverrideThatExpiresAfterTheLastStepHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(2, "v1")
		g := toggle{name: "freeze"}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&g}
		var seen folds
		r := aRunner(plan, f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		time.Sleep(10 * time.Second)
		g.set(noForward)
		eventually(t, 3*time.Minute, func() bool { return seen.held("guard:freeze") }, "the hold")
		require.NoError(t, r.Command(t.Context(), rollout.Command{
			Verb: rollout.Override, Guard: "freeze", Actor: "ann", Reason: "urgent", Until: time.Now().Add(20 * time.Second),
		}))
		at := time.Now()
		require.NoError(t, (<-done).err)
		require.Less(t, time.Since(at), 2*time.Minute)
		requireAll(t, f, "v2")
	})
}

func TestAGuardThatRefusesTheStartLeavesNoTrace(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(ctx context.Context) error
		want   string
	}{
		"hold":     {func(context.Context) error { return &guardrails.Breach{Reason: "it is Friday"} }, "it is Friday"},
		"halt":     {func(context.Context) error { return &guardrails.Breach{Consequence: guardrails.Halt, Reason: "no"} }, "no"},
		"panic":    {func(context.Context) error { panic("nil map") }, "nil map"},
		"hangs":    {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "picky"},
		"is stuck": {nil, "picky: the guard did not answer within 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				answer := tc.answer
				if answer == nil {
					release := make(chan struct{})
					defer close(release)
					answer = func(context.Context) error { <-release; return nil }
				}
				plan := aPlan(targets, 0.01)
				plan.Guards = []guardrails.Guard{
					guard{"fine", func(context.Context, guardrails.Action) error { return nil }},
					guard{"picky", func(ctx context.Context, act guardrails.Action) error {
						if act.Verb != guardrails.Start {
							return nil
						}
						return answer(ctx)
					}},
				}
				var j rollout.MemoryJournal
				at := time.Now()
				result, err := aRunner(plan, f, &j).Run(t.Context())
				require.ErrorIs(t, err, guardrails.ErrBreach)
				require.ErrorContains(t, err, tc.want)
				require.ErrorContains(t, err, "picky")
				require.Zero(t, result.Targets)
				require.Empty(t, f.touched())
				require.LessOrEqual(t, time.Since(at), 20*time.Second)
				require.Empty(t, journalOf(t, &j, plan.Name))
				// Nor does it keep the service's lock.
				plan.Name, plan.Guards = "another", nil
				_, err = aRunner(plan, f, &j).Run(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

func TestTwoGuardsOfOneNameAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		a, b := toggle{name: "twin"}, toggle{name: "twin"}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&a, &b}
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
		time.Sleep(5 * time.Second)
		b.set(never)
		eventually(t, 3*time.Second, func() bool { return seen.held("guard:twin (2)") }, "the hold")
		a.set(never)
		eventually(t, 3*time.Second, func() bool { return seen.held("guard:twin") }, "the other hold")
		b.set(nil)
		time.Sleep(time.Minute)
		require.True(t, seen.held("guard:twin"))
		require.False(t, seen.held("guard:twin (2)"))
		a.set(nil)
		require.NoError(t, (<-done).err)
	})
}

// A guard may hold a rollback too, and a human may pass that.
func TestAGuardHoldsARollbackUntilItIsContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		g := toggle{name: "capacity"}
		plan := aPlan(targets, 0.20)
		plan.Guards = []guardrails.Guard{&g}
		g.set(func(act guardrails.Action) error {
			if act.Verb.Backward() {
				return &guardrails.Breach{Reason: "too few are healthy"}
			}
			return nil
		})
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
		eventually(t, time.Minute, func() bool { return seen.held("guard:capacity") }, "the hold")
		time.Sleep(10 * time.Minute)
		require.Equal(t, 1, f.count("v2"))
		g.set(nil)
		require.ErrorIs(t, (<-done).err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

// A plan whose every step is refused shows that in one hold, with the words of
// the guard.
func TestTheWordsOfABreachReachTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		plan := aPlan(targets, 0.01)
		plan.HoldAtMost = time.Minute
		plan.Guards = []guardrails.Guard{guard{"freeze", func(_ context.Context, act guardrails.Action) error {
			if act.Verb == guardrails.Deploy && act.Target == "web-02" {
				return &guardrails.Breach{Reason: "the shop is open", Evidence: "09:00 to 18:00", Runbook: "https://wiki/freeze"}
			}
			return nil
		}}}
		var log recorder
		_, err := aRunner(plan, f, &rollout.MemoryJournal{}, &log).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		breach := log.kinds(rollout.Breached)[0].Breach
		require.Equal(t, guardrails.Breach{Guard: "freeze", Reason: "the shop is open", Evidence: "09:00 to 18:00", Runbook: "https://wiki/freeze"}, *breach)
		require.ErrorContains(t, err, "the shop is open")
	})
}
