package rollout_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// starts counts what a fleet is told to begin.
type starts struct {
	mu    sync.Mutex
	times []time.Time
	ends  []time.Time
}

func (s *starts) view(f *fleet) fleetView {
	return fleetView{
		fleet: f,
		before: func(context.Context, string, rollout.Release) {
			s.mu.Lock()
			s.times = append(s.times, time.Now())
			s.mu.Unlock()
		},
		after: func(string, rollout.Release, error) {
			s.mu.Lock()
			s.ends = append(s.ends, time.Now())
			s.mu.Unlock()
		},
	}
}

func (s *starts) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.times)
}

func TestAKillSwitchStopsAWaveWithinASecondAndForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 30 * time.Second
		var kill guardrails.KillSwitch
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&kill}
		plan.Concurrency = 3
		var j rollout.MemoryJournal
		var seen folds
		var began starts
		r := aRunner(plan, began.view(f), &j, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 4 }, "wave 4")
		time.Sleep(10 * time.Second)
		require.Equal(t, 3, f.inFlight)
		before, at := began.count(), time.Now()
		require.NoError(t, kill.Trip("ann", "the phones ring"))
		first := <-done
		require.LessOrEqual(t, time.Since(at), time.Second)
		require.ErrorIs(t, first.err, rollout.ErrHalted)
		require.ErrorContains(t, first.err, "tripped by ann: the phones ring")
		require.Equal(t, before, began.count(), "nothing is started, not even an undo")
		require.Len(t, first.result.InDoubt, 3)
		require.Zero(t, f.inFlight)

		// However often it is run.
		for range 3 {
			result, err := r.Run(t.Context())
			require.ErrorIs(t, err, rollout.ErrHalted)
			require.Equal(t, rollout.Halted, result.Phase)
		}
		// A reset alone starts nothing, and while the switch is tripped it does not last.
		say(t, r, rollout.Reset)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHalted)
		require.Equal(t, before, began.count())

		require.NoError(t, kill.Reset("ann", "false alarm"))
		say(t, r, rollout.Reset)
		done = inBackground(t.Context(), r)
		time.Sleep(time.Hour)
		require.Equal(t, before, began.count(), "it waits for resume")
		say(t, r, rollout.Resume)
		last := <-done
		require.NoError(t, last.err)
		requireAll(t, f, "v2")
	})
}

func TestAKillDuringARollbackStopsItAndItGoesOnAfterTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 10 * time.Second
		plan := aPlan(targets, 0.01)
		var kill guardrails.KillSwitch
		plan.Guards = []guardrails.Guard{&kill}
		var j rollout.MemoryJournal
		var seen folds
		var began starts
		r := aRunner(plan, began.view(f), &j, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 5 }, "wave 5")
		say(t, r, rollout.RollBack)
		time.Sleep(13 * time.Second)
		before := began.count()
		require.NoError(t, kill.Trip("ann", "the old version is worse"))
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrHalted)
		require.Equal(t, before, began.count())
		require.NotZero(t, f.count("v2"))

		require.NoError(t, kill.Reset("ann", "it is not"))
		say(t, r, rollout.Reset)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack, "a rollback goes on by itself")
		requireAll(t, f, "v1")
	})
}

func TestAKillSwitchThatRollsBackTakesTheChangeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 10 * time.Second
		kill := guardrails.KillSwitch{Mode: guardrails.Rollback}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&kill}
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
		time.Sleep(2 * time.Second)
		require.NoError(t, kill.Trip("ann", "the phones ring"))
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		require.ErrorContains(t, o.err, "the phones ring")
		requireAll(t, f, "v1")
	})
}

func TestATrippedKillSwitchRefusesTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		var kill guardrails.KillSwitch
		require.NoError(t, kill.Trip("ann", "no changes today"))
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&kill}
		var j rollout.MemoryJournal
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, guardrails.ErrBreach)
		require.ErrorContains(t, err, "nothing was touched")
		require.Empty(t, journalOf(t, &j, plan.Name))
		require.Empty(t, f.touched())
	})
}

// The switch was tripped while no runner was there to see it: what the crash
// cut short is not begun again either.
func TestAKillSwitchTrippedAfterACrashLetsNothingBeginAgain(t *testing.T) {
	for name, mode := range map[string]guardrails.Consequence{"halt": guardrails.Halt, "rollback": guardrails.Rollback} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				f.takes = 10 * time.Second
				kill := guardrails.KillSwitch{Mode: mode}
				plan := aPlan(targets, 0.01)
				plan.Guards = []guardrails.Guard{&kill}
				var j rollout.MemoryJournal
				var seen folds
				done := inBackground(t.Context(), aRunner(plan, f, &j, &seen))
				eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
				time.Sleep(2 * time.Second)
				j.Steal(plan.Name)
				o := <-done
				require.ErrorIs(t, o.err, rollout.ErrFenced)
				require.NotEmpty(t, o.result.InDoubt)

				require.NoError(t, kill.Trip("ann", "the phones ring"))
				forward := 0
				view := fleetView{fleet: f, before: func(_ context.Context, _ string, r rollout.Release) {
					if r.To == "v2" {
						forward++
					}
				}}
				_, err := aRunner(plan, view, &j).Run(t.Context())
				require.Zero(t, forward)
				if mode == guardrails.Halt {
					require.ErrorIs(t, err, rollout.ErrHalted)
					return
				}
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				requireAll(t, f, "v1")
			})
		})
	}
}

// What does not heed its context cannot be stopped, but Run does not wait for it
// for ever, and says that it is in doubt.
func TestAKillLeavesBehindWhatDoesNotHeedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		release := make(chan struct{})
		f.misbehave = func(context.Context, string, string) error { <-release; return nil }
		var kill guardrails.KillSwitch
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{&kill}
		var j rollout.MemoryJournal
		r := aRunner(plan, f, &j)
		done := inBackground(t.Context(), r)
		time.Sleep(5 * time.Second)
		at := time.Now()
		require.NoError(t, kill.Trip("ann", "the phones ring"))
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrHalted)
		require.Equal(t, []string{"web-01"}, o.result.InDoubt)
		require.LessOrEqual(t, time.Since(at), rollout.DefaultGrace+2*time.Second)
		close(release)
		synctest.Wait()

		require.NoError(t, kill.Reset("ann", "false alarm"))
		say(t, r, rollout.Reset)
		say(t, r, rollout.RollBack)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

// A kill and its reset, while a step is still on its way out: that the kill cut
// it short is not the step's failure.
func TestAStepThatAKillCutShortDoesNotFailAfterAQuickReset(t *testing.T) {
	for name, tc := range map[string]struct {
		v2    float64 // its error rate
		slow  string  // deploys of this version take a while to stop
		first time.Duration
		want  string
		end   error
	}{
		"forward": {0.01, "v2", 5 * time.Second, "v2", nil},
		"back":    {0.20, "v1", 20 * time.Second, "v1", rollout.ErrRolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				f.takes = 0
				first := true
				f.misbehave = func(ctx context.Context, _, to string) error {
					if to != tc.slow || !first {
						return nil
					}
					first = false
					<-ctx.Done()
					time.Sleep(5 * time.Second)
					return ctx.Err()
				}
				r := aRunner(aPlan(targets, tc.v2), f, &rollout.MemoryJournal{})
				done := inBackground(t.Context(), r)
				time.Sleep(tc.first)
				say(t, r, rollout.Kill)
				time.Sleep(time.Second)
				say(t, r, rollout.Reset)
				if tc.end == nil {
					say(t, r, rollout.Resume)
				}
				require.ErrorIs(t, (<-done).err, tc.end)
				requireAll(t, f, tc.want)
			})
		})
	}
}
