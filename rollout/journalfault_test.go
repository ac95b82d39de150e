package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// A disk that fails may have written what it was given, or not.
var faults = map[string]func(events []rollout.Event) (written int){
	"nothing written": func([]rollout.Event) int { return 0 },
	"all written":     func(events []rollout.Event) int { return len(events) },
	"half written":    func(events []rollout.Event) int { return len(events) / 2 },
}

var errDisk = errors.New("disk full")

// Whichever append fails, nothing was done that is not on record, and the next
// Run brings the fleet to one version. So does a crash after any event: the dead
// runner's steps are cut short, and another one takes over.
func TestTheJournalFailsAtEveryAppendInTurn(t *testing.T) {
	for name, fault := range faults {
		for release, rate := range map[string]float64{"good": 0.01, "bad": 0.20, "bad later": 0} {
			t.Run(name+", "+release, func(t *testing.T) {
				for n := 1; ; n++ {
					failed := false
					synctest.Test(t, func(t *testing.T) { failed = failAppend(t, n, fault, rate) })
					if !failed {
						require.Greater(t, n, 5, "there were no more appends than these")
						return
					}
				}
			})
		}
	}
}

// failAppend has the n-th append fail, and reports whether there was one.
func failAppend(t *testing.T, n int, fault func([]rollout.Event) int, rate float64) (failed bool) {
	f, targets := newFleet(7, "v1")
	var j faultyJournal
	j.fault = func(at int, events []rollout.Event) (int, error) {
		if at != n {
			return len(events), nil
		}
		failed = true
		return fault(events), errDisk
	}
	plan := aPlan(targets, rate)
	want, version := error(nil), "v2"
	if rate == 0 { // good, but for one target of the second wave
		f.misbehave = func(_ context.Context, target, to string) error {
			if target == "web-03" && to == "v2" {
				return errors.New("disk full")
			}
			return nil
		}
	}
	if rate != 0.01 {
		want, version = rollout.ErrRolledBack, "v1"
	}
	broken := func(format string, args ...any) { t.Errorf("append %d: "+format, append([]any{n}, args...)...) }
	d := recordedFirst(f, &j, broken)
	begun := 0
	var seen folds
	for run := 0; ; run++ {
		require.Less(t, run, 3, "append %d", n)
		_, err := aRunner(plan, d, &j, &seen).Run(t.Context())
		if errors.Is(err, errDisk) {
			require.Zero(t, f.inFlight, "append %d: Run returns when nothing is in flight any more", n)
			require.Equal(t, n, j.count(), "nothing is recorded after an append has failed")
			begun = len(f.touched())
			time.Sleep(time.Hour)
			require.Len(t, f.touched(), begun, "append %d", n)
			seen = folds{} // the next one sees it all from the start
			continue
		}
		if want == nil {
			require.NoError(t, err, "append %d", n)
		} else {
			require.ErrorIs(t, err, want, "append %d", n)
		}
		break
	}
	require.Equal(t, len(targets), f.count(version), "append %d: %v", n, f.versions)
	require.NoError(t, seen.err, "append %d", n)
	return failed
}

// A runner that was killed leaves no word. What it had begun goes on for a
// while, as a remote deployment does, while the next runner is at work.
func TestARunnerIsKilledAfterEveryAppendInTurn(t *testing.T) {
	for release, rate := range map[string]float64{"good": 0.01, "bad": 0.20} {
		t.Run(release, func(t *testing.T) {
			for n := 1; ; n++ {
				killed := false
				synctest.Test(t, func(t *testing.T) { killed = killAfter(t, n, rate) })
				if !killed {
					require.Greater(t, n, 5)
					return
				}
			}
		})
	}
}

// killAfter has the runner stop for ever in its n-th append, and another one
// take over.
func killAfter(t *testing.T, n int, rate float64) (killed bool) {
	f, targets := newFleet(7, "v1")
	var j faultyJournal
	dead, grave := make(chan struct{}), make(chan struct{})
	j.fault = func(at int, events []rollout.Event) (int, error) {
		if at == n {
			killed = true
			close(dead)
			<-grave
		}
		return len(events), nil
	}
	plan := aPlan(targets, rate)
	done := inBackground(t.Context(), aRunner(plan, f, &j))
	var o outcome
	select {
	case o = <-done:
	case <-dead:
		j.Steal(plan.Name)
		o.result, o.err = aRunner(plan, f, &j).Run(t.Context())
		close(grave)
		require.Error(t, (<-done).err)
	}
	if rate > 0.03 {
		require.ErrorIs(t, o.err, rollout.ErrRolledBack, "append %d", n)
		require.Equal(t, len(targets), f.count("v1"), "append %d: %v", n, f.versions)
	} else {
		require.NoError(t, o.err, "append %d", n)
		require.Equal(t, len(targets), f.count("v2"), "append %d: %v", n, f.versions)
	}
	return killed
}

// An append fails while deployments are in flight that do not heed their
// context: Run waits for them for a grace, and does not spin meanwhile.
func TestRunDoesNotSpinWhileItWaitsAfterAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		release := make(chan struct{})
		f.misbehave = func(_ context.Context, target, _ string) error {
			if target == "web-02" {
				<-release
			}
			return nil
		}
		var j faultyJournal
		j.fault = func(_ int, events []rollout.Event) (int, error) {
			for _, ev := range events {
				if ev.Kind == rollout.Done && ev.Step == "web-03" {
					return 0, errDisk
				}
			}
			return len(events), nil
		}
		var seen folds
		done := inBackground(t.Context(), aRunner(aPlan(targets, 0.01), f, &j, &seen))
		eventually(t, time.Hour, func() bool { return f.count("v2") == 2 }, "the fault")
		at := time.Now()
		o := <-done
		require.ErrorIs(t, o.err, errDisk)
		require.LessOrEqual(t, time.Since(at), rollout.DefaultGrace+2*time.Second)
		close(release)
	})
}

func TestALostLeaseStopsTheRunnerAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 30 * time.Second
		var j faultyJournal
		var seen folds
		var began starts
		plan := aPlan(targets, 0.01)
		plan.Concurrency = 2
		done := inBackground(t.Context(), aRunner(plan, began.view(f), &j, &seen))
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
		time.Sleep(10 * time.Second)
		before, at, durable := began.count(), time.Now(), j.recorded()
		j.Steal(plan.Name)
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrFenced)
		require.Zero(t, time.Since(at), "what is in flight heeds its context")
		require.Equal(t, before, began.count())
		require.Equal(t, durable, j.recorded(), "it has nothing to say any more")
		require.Zero(t, f.inFlight)

		result, err := aRunner(plan, f, &j).Run(t.Context())
		require.NoError(t, err)
		require.True(t, result.Resumed)
		requireAll(t, f, "v2")
	})
}

// A lease that was lost without a word shows in the next append.
func TestALeaseLostWithoutAWordShowsInTheNextAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		j := deafJournal{new(rollout.MemoryJournal)}
		plan := aPlan(targets, 0.01)
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, j, &seen))
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 && seen.phase() == rollout.Gating }, "wave 3")
		j.Steal(plan.Name)
		before := len(f.touched())
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
		require.Len(t, f.touched(), before, "it was fenced off before it began a step of the next wave")
	})
}

type deafJournal struct{ *rollout.MemoryJournal }

func (j deafJournal) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	s, err := j.MemoryJournal.Open(ctx, name, locks...)
	return deafSession{s}, err
}

type deafSession struct{ rollout.Session }

func (deafSession) Lost() <-chan struct{} { return nil }

func TestOnlyOneRunnerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		var j rollout.MemoryJournal
		plan := aPlan(targets, 0.01)
		r := aRunner(plan, f, &j)
		done := inBackground(t.Context(), r)
		time.Sleep(30 * time.Second)

		var held *rollout.HeldError
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHeld)
		require.ErrorAs(t, err, &held)
		require.Equal(t, plan.Name, held.Rollout)
		require.Empty(t, held.Lock)
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHeld, "the same Runner")

		other := plan
		other.Name = "checkout-v3"
		other.Release.To = "v3"
		_, err = aRunner(other, f, &j).Run(t.Context())
		require.ErrorAs(t, err, &held)
		require.Equal(t, "checkout", held.Lock)
		require.Contains(t, held.Holder, plan.Name)

		other.Locks = []string{"another-service", "checkout"}
		_, err = aRunner(other, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHeld)
		require.NoError(t, (<-done).err)
		requireAll(t, f, "v2")
	})
}

func TestACrashKeepsTheServiceLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		var j rollout.MemoryJournal
		plan := aPlan(targets, 0.01)
		done := inBackground(t.Context(), aRunner(plan, f, &j))
		time.Sleep(30 * time.Second)
		j.Steal(plan.Name)
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)

		other := plan
		other.Name = "checkout-hotfix"
		_, err := aRunner(other, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHeld, "one that crashed is not over")

		_, err = aRunner(plan, f, &j).Run(t.Context())
		require.NoError(t, err)
		for name := range f.versions {
			f.versions[name] = "v1"
		}
		_, err = aRunner(other, f, &j).Run(t.Context())
		require.NoError(t, err)
	})
}

// Halted and incomplete rollouts wait for a human, and nobody else touches what
// they left behind.
func TestAHaltKeepsTheServiceLockedAndAnAbortFreesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		var j rollout.MemoryJournal
		r := aRunner(aPlan(targets, 0.01), f, &j)
		done := inBackground(t.Context(), r)
		time.Sleep(30 * time.Second)
		say(t, r, rollout.Kill)
		require.ErrorIs(t, (<-done).err, rollout.ErrHalted)
		other := aPlan(targets, 0.01)
		other.Name = "checkout-hotfix"
		_, err := aRunner(other, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHeld)
		say(t, r, rollout.Abort)
		_, err = aRunner(other, f, &j).Run(t.Context())
		require.NoError(t, err)
	})
}

func TestAJournalThatCannotBeReadRefusesTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		var j rollout.MemoryJournal
		s, err := j.Open(t.Context(), "checkout-v2")
		require.NoError(t, err)
		require.NoError(t, s.Append(t.Context(), rollout.Event{Kind: rollout.Doing, Step: "web-01"}))
		require.NoError(t, s.Close())
		r := aRunner(aPlan(targets, 0.01), f, &j)
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrCorrupt)
		require.Empty(t, f.touched())
		err = r.Command(t.Context(), rollout.Command{Verb: rollout.Pause, Actor: "ann", Reason: "why not"})
		require.ErrorIs(t, err, rollout.ErrCorrupt)
	})
}

// However a run was interrupted, and how often: it ends in one piece.
func TestManyFaultsInARow(t *testing.T) {
	for _, rate := range []float64{0.01, 0.20} {
		for every := 5; every < 12; every++ {
			t.Run(fmt.Sprintf("%v/every %d", rate, every), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, targets := newFleet(7, "v1")
					var j faultyJournal
					kinds := []string{"nothing written", "all written", "half written"}
					j.fault = func(n int, events []rollout.Event) (int, error) {
						if n%every == 0 {
							return faults[kinds[n/every%3]](events), errDisk
						}
						return len(events), nil
					}
					plan := aPlan(targets, rate)
					plan.Gate.Interval = 30 * time.Second // so that a bake fits between two faults
					d := recordedFirst(f, &j, t.Errorf)
					for run := 0; ; run++ {
						require.Less(t, run, 200)
						_, err := aRunner(plan, d, &j).Run(t.Context())
						if errors.Is(err, errDisk) {
							continue
						}
						if rate > 0.03 {
							require.ErrorIs(t, err, rollout.ErrRolledBack)
						} else {
							require.NoError(t, err)
						}
						break
					}
					requireOneVersion(t, f, "every %d", every)
				})
			})
		}
	}
}
