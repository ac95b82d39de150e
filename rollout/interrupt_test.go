package rollout_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

func TestAnInterruptLetsInFlightStepsFinishAndTheNextRunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 5 * time.Second
		var j rollout.MemoryJournal
		var seen folds
		ctx, cancel := context.WithCancel(t.Context())
		done := inBackground(ctx, aRunner(aPlan(targets, 0.01), f, &j, &seen))
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
		time.Sleep(2 * time.Second)
		before := len(f.touched())
		cancel()
		at := time.Now()
		first := <-done
		require.ErrorIs(t, first.err, rollout.ErrInterrupted)
		require.Contains(t, first.err.Error(), "run it again with the same journal")
		require.LessOrEqual(t, time.Since(at), 5*time.Second, "as long as what was in flight took")
		require.Equal(t, 4, len(f.touched())-before, "the wave's four steps were in flight")
		require.Empty(t, first.result.InDoubt)
		require.False(t, first.result.Phase.Final())
		events := journalOf(t, &j, "checkout-v2")
		require.Equal(t, rollout.Interrupted, events[len(events)-1].Kind)

		time.Sleep(time.Hour)
		require.Equal(t, 7, len(f.touched()), "nothing goes on by itself")

		result, err := aRunner(aPlan(targets, 0.01), f, &j).Run(t.Context())
		require.NoError(t, err)
		require.True(t, result.Resumed)
		requireAll(t, f, "v2")
		require.Len(t, f.touched(), 20, "nothing was deployed twice")
	})
}

func TestAnInterruptDuringABakeReturnsAtOnceAndTheBakeBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		var j rollout.MemoryJournal
		ctx, cancel := context.WithCancel(t.Context())
		done := inBackground(ctx, aRunner(aPlan(targets, 0.01), f, &j))
		time.Sleep(50 * time.Second)
		cancel()
		at := time.Now()
		require.ErrorIs(t, (<-done).err, rollout.ErrInterrupted)
		require.Zero(t, time.Since(at))
		require.Equal(t, 1, f.count("v2"))
		time.Sleep(24 * time.Hour)
		var seen recorder
		at = time.Now()
		_, err := aRunner(aPlan(targets, 0.01), f, &j, &seen).Run(t.Context())
		require.NoError(t, err)
		first := seen.kinds(rollout.Judged)[0]
		require.GreaterOrEqual(t, first.At.Sub(at), time.Minute, "time that nobody watched is no bake")
	})
}

func TestAnInterruptGivesUpOnWhatIsStillInFlightAfterTheGrace(t *testing.T) {
	for name, heeds := range map[string]bool{"heeding": true, "deaf": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				release := make(chan struct{})
				f.misbehave = func(ctx context.Context, _, _ string) error {
					if heeds {
						<-ctx.Done()
						return ctx.Err()
					}
					<-release
					return errors.New("too late")
				}
				var j rollout.MemoryJournal
				ctx, cancel := context.WithCancel(t.Context())
				r := aRunner(aPlan(targets, 0.01), f, &j)
				r.Grace = 3 * time.Second
				done := inBackground(ctx, r)
				time.Sleep(10 * time.Second)
				cancel()
				at := time.Now()
				first := <-done
				require.ErrorIs(t, first.err, rollout.ErrInterrupted)
				require.GreaterOrEqual(t, time.Since(at), 3*time.Second)
				require.LessOrEqual(t, time.Since(at), 8*time.Second, "one grace to finish, one to heed the cancelling, and the ticks")
				require.Equal(t, []string{"web-01"}, first.result.InDoubt)
				close(release)
				synctest.Wait()
				f.misbehave = nil
				result, err := aRunner(aPlan(targets, 0.01), f, &j).Run(t.Context())
				require.NoError(t, err, "a step that an interrupt cut short did not fail: it is done again")
				require.Empty(t, result.InDoubt)
				requireAll(t, f, "v2")
			})
		})
	}
}

func TestAnInterruptThatRollsBackTakesTheChangeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var seen folds
		ctx, cancel := context.WithCancelCause(t.Context())
		r := aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}, &seen)
		r.OnInterrupt = rollout.RollBackOnInterrupt
		done := inBackground(ctx, r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
		cancel(errors.New("the pipeline was cancelled"))
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		require.Contains(t, o.err.Error(), "the pipeline was cancelled")
		require.GreaterOrEqual(t, o.result.Undone, 3)
		requireAll(t, f, "v1")
	})
}

func TestARollbackGoesOnWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 5 * time.Second
		var seen folds
		ctx, cancel := context.WithCancel(t.Context())
		r := aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(ctx, r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 5 }, "wave 5")
		say(t, r, rollout.RollBack)
		eventually(t, time.Minute, func() bool { return seen.phase() == rollout.RollingBack }, "the rollback")
		cancel()
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

func TestAStepThatFailsAfterAnInterruptIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		f.takes = 5 * time.Second
		f.misbehave = func(_ context.Context, _, to string) error {
			if to == "v2" {
				return errors.New("disk full")
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := inBackground(ctx, aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}))
		time.Sleep(time.Second)
		cancel()
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack, "the plan's word on failures stands")
		requireAll(t, f, "v1")
	})
}

// Signals are of the process, not of a bubble: this test takes real time, but
// none of its waits is one that a slow machine could turn into a failure.
func TestASecondSignalStopsEvenARollbackAndLeavesItResumable(t *testing.T) {
	f, targets := newFleet(4, "v1")
	f.takes = time.Millisecond
	undoing, release := make(chan struct{}, 16), make(chan struct{})
	f.misbehave = func(ctx context.Context, _, to string) error {
		if to == "v2" {
			return nil
		}
		undoing <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	plan := aPlan(targets, 0.01)
	plan.Waves = rollout.Explicit{{Targets: targets[:2]}, {Targets: targets[2:]}}
	var j rollout.MemoryJournal
	var seen folds
	r := aRunner(plan, f, &j, &seen)
	r.Signals = []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2}
	r.OnInterrupt = rollout.RollBackOnInterrupt
	done := inBackground(t.Context(), r)
	require.Eventually(t, func() bool { return f.count("v2") == 2 }, time.Minute, time.Millisecond)

	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	<-undoing
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR2))
	o := <-done
	require.ErrorIs(t, o.err, rollout.ErrInterrupted)
	require.Equal(t, rollout.RollingBack, o.result.Phase)
	require.Contains(t, o.err.Error(), "rolling-back")
	require.Equal(t, []string{"web-02"}, o.result.InDoubt, "a third of four targets is undone at once, so one")
	require.Equal(t, 2, f.count("v2"))

	close(release)
	result, err := aRunner(plan, f, &j).Run(t.Context())
	require.ErrorIs(t, err, rollout.ErrRolledBack)
	require.Equal(t, 2, result.Undone)
	requireAll(t, f, "v1")
}

func TestASignalInterruptsLikeTheContext(t *testing.T) {
	f, targets := newFleet(4, "v1")
	f.takes = time.Millisecond
	var j rollout.MemoryJournal
	r := aRunner(aPlan(targets, 0.01), f, &j)
	r.Signals = []os.Signal{syscall.SIGUSR1}
	done := inBackground(t.Context(), r)
	require.Eventually(t, func() bool { return f.count("v2") == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	require.ErrorIs(t, (<-done).err, rollout.ErrInterrupted)
	require.Equal(t, 1, f.count("v2"))
	require.Contains(t, rollout.InterruptSignals(), os.Interrupt)
	require.Contains(t, rollout.InterruptSignals(), os.Signal(syscall.SIGTERM))
}

func TestAContextThatHasEndedTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var j rollout.MemoryJournal
		_, err := aRunner(aPlan(targets, 0.01), f, &j).Run(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, f.touched())
		require.Empty(t, journalOf(t, &j, "checkout-v2"))
	})
}

// eagerJournal opens whatever the context says.
type eagerJournal struct{ rollout.MemoryJournal }

func (j *eagerJournal) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	return j.MemoryJournal.Open(context.WithoutCancel(ctx), name, locks...)
}

// A context that ends while Run is starting: nothing is touched, and the next
// Run goes on.
func TestAContextThatEndsAtTheStartTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(3, "v1")
		r := aRunner(aPlan(targets, 0.01), f, &eagerJournal{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
		require.Empty(t, f.touched())
		_, err = r.Run(t.Context())
		require.NoError(t, err)
		requireAll(t, f, "v2")
	})
}

// The arms may be watched for an hour before anything begins. A signal need not wait
// for that.
func TestASignalEndsTheWatchBeforehand(t *testing.T) {
	f, targets := newFleet(4, "v1")
	good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
	asked := make(chan struct{}, 16)
	source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
		asked <- struct{}{}
		return good.Observe(ctx, w)
	})
	plan := tried(targets, analysis.Check{Name: "errors", Source: source, Judge: analysis.NotWorse{}})
	plan.Gate.Compare = time.Hour
	var j rollout.MemoryJournal
	r := aRunner(plan, f, &j)
	r.Signals = []os.Signal{syscall.SIGUSR1}
	done := inBackground(t.Context(), r)
	<-asked
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	o := <-done
	require.ErrorIs(t, o.err, rollout.ErrInterrupted)
	require.ErrorContains(t, o.err, "was not started, nothing was touched")
	require.ErrorContains(t, o.err, "signal: user defined signal 1")
	require.Empty(t, f.touched())
	require.Empty(t, journalOf(t, &j, plan.Name))
}
