package rollout_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// stopped leaves a rollout that was interrupted while it deployed wave 3.
func stopped(t *testing.T, f *fleet, r *rollout.Runner, j *rollout.MemoryJournal) {
	t.Helper()
	var seen folds
	first := aRunner(r.Plan, f, j, &seen)
	done := inBackground(t.Context(), first)
	eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
	j.Steal(r.Plan.Name)
	require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
}

func TestPauseAndResumeLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		f.takes = 10 * time.Second
		var seen folds
		r := aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
		say(t, r, rollout.Pause)
		require.ErrorIs(t, r.Command(t.Context(), rollout.Command{Verb: rollout.Pause, Actor: "bob", Reason: "me too"}), rollout.ErrStale)
		time.Sleep(24 * time.Hour)
		require.Equal(t, 7, f.count("v2"), "what was in flight has ended")
		require.Equal(t, 7, len(f.touched()))
		say(t, r, rollout.Resume)
		require.ErrorIs(t, r.Command(t.Context(), rollout.Command{Verb: rollout.Resume, Actor: "bob", Reason: "me too"}), rollout.ErrStale)
		require.NoError(t, (<-done).err)
		requireAll(t, f, "v2")
	})
}

func TestVerbsOffline(t *testing.T) {
	for name, tc := range map[string]struct {
		verbs   []rollout.Kind
		want    error
		version string // empty for a mix
	}{
		"rollback":                      {[]rollout.Kind{rollout.RollBack}, rollout.ErrRolledBack, "v1"},
		"abort":                         {[]rollout.Kind{rollout.Abort}, rollout.ErrAborted, ""},
		"kill":                          {[]rollout.Kind{rollout.Kill}, rollout.ErrHalted, ""},
		"kill, reset and resume":        {[]rollout.Kind{rollout.Kill, rollout.Reset, rollout.Resume}, nil, "v2"},
		"kill, reset and rollback":      {[]rollout.Kind{rollout.Kill, rollout.Reset, rollout.RollBack}, rollout.ErrRolledBack, "v1"},
		"kill, reset and abort":         {[]rollout.Kind{rollout.Kill, rollout.Reset, rollout.Abort}, rollout.ErrAborted, ""},
		"kill and abort":                {[]rollout.Kind{rollout.Kill, rollout.Abort}, rollout.ErrAborted, ""},
		"pause and resume":              {[]rollout.Kind{rollout.Pause, rollout.Resume}, nil, "v2"},
		"pause and rollback":            {[]rollout.Kind{rollout.Pause, rollout.RollBack}, rollout.ErrRolledBack, "v1"},
		"rollback and abort":            {[]rollout.Kind{rollout.RollBack, rollout.Abort}, rollout.ErrAborted, ""},
		"rollback, kill and reset":      {[]rollout.Kind{rollout.RollBack, rollout.Kill, rollout.Reset}, rollout.ErrRolledBack, "v1"},
		"kill, reset, kill, and resets": {[]rollout.Kind{rollout.Kill, rollout.Reset, rollout.Kill, rollout.Reset, rollout.Resume}, nil, "v2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				f.takes = 10 * time.Second
				var j rollout.MemoryJournal
				var seen folds
				r := aRunner(aPlan(targets, 0.01), f, &j, &seen)
				stopped(t, f, r, &j)
				for _, verb := range tc.verbs {
					say(t, r, verb)
				}
				before := len(f.touched())
				result, err := r.Run(t.Context())
				if tc.want == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, tc.want)
				}
				if tc.version == "" {
					require.Len(t, f.touched(), before, "everything is left as it is")
					require.Len(t, result.InDoubt, 4, "the crash had cut wave 3 short")
				} else {
					requireAll(t, f, tc.version)
				}
				require.NoError(t, seen.err)
				// It has ended: another Run does nothing.
				before = len(f.touched())
				again, err2 := r.Run(t.Context())
				if err == nil {
					require.NoError(t, err2)
				} else {
					require.EqualError(t, err2, err.Error())
				}
				require.Equal(t, result.Phase, again.Phase)
				require.Len(t, f.touched(), before)
			})
		})
	}
}

func TestVerbsLive(t *testing.T) {
	for name, tc := range map[string]struct {
		verbs   []rollout.Kind
		want    error
		version string
	}{
		"rollback":           {[]rollout.Kind{rollout.RollBack}, rollout.ErrRolledBack, "v1"},
		"abort":              {[]rollout.Kind{rollout.Abort}, rollout.ErrAborted, ""},
		"kill":               {[]rollout.Kind{rollout.Kill}, rollout.ErrHalted, ""},
		"pause, rollback":    {[]rollout.Kind{rollout.Pause, rollout.RollBack}, rollout.ErrRolledBack, "v1"},
		"rollback and kill":  {[]rollout.Kind{rollout.RollBack, rollout.Kill}, rollout.ErrHalted, ""},
		"rollback and abort": {[]rollout.Kind{rollout.RollBack, rollout.Abort}, rollout.ErrAborted, ""},
		"abort and kill":     {[]rollout.Kind{rollout.Abort, rollout.Kill}, rollout.ErrHalted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				f.takes = 10 * time.Second
				var seen folds
				var began starts
				r := aRunner(aPlan(targets, 0.01), began.view(f), &rollout.MemoryJournal{}, &seen)
				done := inBackground(t.Context(), r)
				eventually(t, time.Hour, func() bool { return seen.wave() == 3 }, "wave 3")
				before := began.count()
				for _, verb := range tc.verbs {
					say(t, r, verb)
				}
				o := <-done
				require.ErrorIs(t, o.err, tc.want)
				require.ErrorContains(t, o.err, "by ann: the test says so")
				if tc.version == "" {
					require.LessOrEqual(t, began.count(), before+4)
				} else {
					requireAll(t, f, tc.version)
				}
			})
		})
	}
}

// After all waves are through, a human may still find that it was a mistake.
func TestRollbackAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var j rollout.MemoryJournal
		r := aRunner(aPlan(targets, 0.01), f, &j)
		_, err := r.Run(t.Context())
		require.NoError(t, err)
		requireAll(t, f, "v2")
		for _, verb := range []rollout.Kind{rollout.Pause, rollout.Resume, rollout.Approve, rollout.Abort, rollout.Kill, rollout.Reset} {
			require.ErrorIs(t, r.Command(t.Context(), rollout.Command{Verb: verb, Actor: "ann", Reason: "too late"}), rollout.ErrStale, verb)
		}
		time.Sleep(time.Hour)
		say(t, r, rollout.RollBack)

		other := aPlan(targets, 0.01)
		other.Name = "checkout-v3"
		_, err = aRunner(other, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrHeld, "the service is locked again")

		result, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, 20, result.Undone)
		requireAll(t, f, "v1")
		require.ErrorIs(t, r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "again"}), rollout.ErrStale)
	})
}

// While another rollout of the service is under way, the old one cannot be
// taken back under its feet.
func TestRollbackAfterTheEndIsRefusedWhileAnotherRolloutRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		var j rollout.MemoryJournal
		r := aRunner(aPlan(targets, 0.01), f, &j)
		_, err := r.Run(t.Context())
		require.NoError(t, err)
		other := aPlan(targets, 0.01)
		other.Name, other.Release.From, other.Release.To = "checkout-v3", "v2", "v3"
		done := inBackground(t.Context(), aRunner(other, f, &j))
		time.Sleep(30 * time.Second)
		require.ErrorIs(t, r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "too late"}), rollout.ErrHeld)
		<-done
	})
}

func TestAbortLeavesThingsAsTheyAreAndCanBeTakenBackLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var j rollout.MemoryJournal
		var seen folds
		r := aRunner(aPlan(targets, 0.01), f, &j, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 4 && seen.phase() == rollout.Gating }, "wave 4")
		say(t, r, rollout.Abort)
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrAborted)
		require.Empty(t, o.result.InDoubt)
		updated := f.count("v2")
		require.Equal(t, updated, o.result.Updated)
		say(t, r, rollout.RollBack)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

func TestAWaveThatNeedsApprovalWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		plan := aPlan(targets, 0.01)
		plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:], Approval: true}}
		var j rollout.MemoryJournal
		var seen folds
		r := aRunner(plan, f, &j, &seen)
		done := inBackground(t.Context(), r)
		time.Sleep(5 * time.Second)
		approve := rollout.Command{Verb: rollout.Approve, Actor: "ann", Reason: "looks good", Wave: 2}
		require.ErrorIs(t, r.Command(t.Context(), approve), rollout.ErrStale, "nobody can approve what has not been seen")
		eventually(t, 5*time.Minute, func() bool { return seen.held("approval") }, "the hold")
		time.Sleep(24 * time.Hour)
		require.Equal(t, 1, f.count("v2"))
		approve.Wave = 1
		require.ErrorIs(t, r.Command(t.Context(), approve), rollout.ErrStale)
		approve.Wave = 2
		require.NoError(t, r.Command(t.Context(), approve))
		require.NoError(t, (<-done).err)
		requireAll(t, f, "v2")
	})
}

func TestAVerbNeedsAnActorAndAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		r := aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{})
		check := func() {
			t.Helper()
			for _, c := range []rollout.Command{
				{Verb: rollout.Pause}, {Verb: rollout.Pause, Actor: "ann"}, {Verb: rollout.Pause, Reason: "because"},
			} {
				require.ErrorContains(t, r.Command(t.Context(), c), "needs an actor and a reason")
			}
			require.ErrorContains(t, r.Command(t.Context(), rollout.Command{Verb: rollout.Done, Actor: "ann", Reason: "because"}), "not a verb")
			require.ErrorContains(t, r.Command(t.Context(), rollout.Command{Actor: "ann", Reason: "because"}), "not a verb")
		}
		check()
		require.ErrorIs(t, r.Command(t.Context(), rollout.Command{Verb: rollout.Pause, Actor: "ann", Reason: "early"}), rollout.ErrStale, "never started")
		done := inBackground(t.Context(), r)
		time.Sleep(10 * time.Second)
		check()
		for _, c := range []rollout.Command{
			{Verb: rollout.Override, Actor: "ann", Reason: "because", Until: time.Now().Add(time.Hour)},
			{Verb: rollout.Override, Actor: "ann", Reason: "because", Guard: "freeze"},
			{Verb: rollout.Override, Actor: "ann", Reason: "because", Guard: "freeze", Until: time.Now()},
		} {
			require.ErrorIs(t, r.Command(t.Context(), c), rollout.ErrBadEvent)
		}
		require.NoError(t, (<-done).err)
	})
}

func TestACommandWithoutAJournalOrFromAnotherProcessIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		pause := rollout.Command{Verb: rollout.Pause, Actor: "ann", Reason: "because"}
		var j rollout.MemoryJournal
		require.ErrorIs(t, aRunner(aPlan(targets, 0.01), f, nil).Command(t.Context(), pause), rollout.ErrInvalidPlan)
		done := inBackground(t.Context(), aRunner(aPlan(targets, 0.01), f, &j))
		time.Sleep(10 * time.Second)
		require.ErrorIs(t, aRunner(aPlan(targets, 0.01), f, &j).Command(t.Context(), pause), rollout.ErrHeld)
		require.NoError(t, (<-done).err)
	})
}

func TestAHoldThatLastsTooLongIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		plan := aPlan(targets, 0.01)
		plan.HoldAtMost = 2 * time.Hour
		var seen folds
		r := aRunner(plan, f, &rollout.MemoryJournal{}, &seen)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 2 }, "wave 2")
		say(t, r, rollout.Pause)
		at := time.Now()
		o := <-done
		require.ErrorIs(t, o.err, rollout.ErrRolledBack)
		require.ErrorContains(t, o.err, "held for 2h0m0s, longer than the plan waits: pause by ann: the test says so")
		require.Less(t, time.Since(at), 2*time.Hour+time.Minute)
		requireAll(t, f, "v1")
	})
}

// Many people at once, up to the end and past it: every verb gets an answer.
func TestVerbsFromManyPeopleAtOnceAllGetAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		var j rollout.MemoryJournal
		r := aRunner(aPlan(targets, 0.01), f, &j)
		done := inBackground(t.Context(), r)
		time.Sleep(time.Millisecond)
		var people sync.WaitGroup
		for i := range 8 {
			people.Go(func() {
				verbs := []rollout.Kind{rollout.Pause, rollout.Resume}
				for k := range 100 {
					err := r.Command(t.Context(), rollout.Command{Verb: verbs[(i+k)%2], Actor: "ann", Reason: "why not"})
					if err != nil && !errors.Is(err, rollout.ErrStale) && !errors.Is(err, rollout.ErrHeld) {
						t.Errorf("verb %d of person %d: %v", k, i, err)
					}
					time.Sleep(time.Duration(i*7+k%13) * 100 * time.Millisecond)
				}
			})
		}
		people.Wait()
		_ = r.Command(t.Context(), rollout.Command{Verb: rollout.Resume, Actor: "ann", Reason: "enough"})
		require.NoError(t, (<-done).err)
		requireAll(t, f, "v2")
	})
}
