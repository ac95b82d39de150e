package simulate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// revertible is a plan that may be taken back for so long after its end, and how long it
// takes when all goes well.
func revertible(t *testing.T, window time.Duration) (*rollout.Plan, time.Duration) {
	plan := shop(10)
	plan.Rollback.RevertWindow = window
	trace, err := simulate.Play(plan, world(1), 3)
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, trace.State.Phase())
	return plan, trace.Took
}

func saysRollBack(at time.Duration) []simulate.Happening {
	return []simulate.Happening{{At: at, Verb: rollout.Event{Kind: rollout.RollBack, Actor: "ann", Reason: "carts are empty"}}}
}

func kinds(events []rollout.Event) (all []rollout.Kind) {
	for _, ev := range events {
		all = append(all, ev.Kind)
	}
	return all
}

// It went out everywhere, and 78 minutes later a human takes it back: the verb comes onto
// the record, and a new runner goes on from there.
func TestWhatIsCompletedIsTakenBackWithinItsWindow(t *testing.T) {
	plan, took := revertible(t, 2*time.Hour)
	w := world(1)
	w.Happenings = saysRollBack(took + 78*time.Minute)
	trace, err := simulate.Play(plan, w, 3)
	require.NoError(t, err, simulate.Story(trace))
	require.Equal(t, rollout.RolledBack, trace.State.Phase(), simulate.Story(trace))
	require.Equal(t, 2, trace.Runners)
	require.Greater(t, trace.Took, took+78*time.Minute)
	for name, version := range trace.World() {
		require.Equal(t, "v1", version, name)
	}
	all := kinds(trace.Events)
	require.Subset(t, all, []rollout.Kind{rollout.Ended, rollout.RollBack})
	for n, kind := range all {
		if kind == rollout.RollBack {
			require.Equal(t, []rollout.Kind{rollout.Ended, rollout.RollBack, rollout.Resumed}, all[n-1:n+2])
		}
	}
}

// When the window is over it is too late: nothing is recorded, and the story tells.
func TestWhatIsCompletedIsNotTakenBackAfterItsWindow(t *testing.T) {
	plan, took := revertible(t, time.Hour)
	w := world(1)
	w.Happenings = saysRollBack(took + 78*time.Minute)
	trace, err := simulate.Play(plan, w, 3)
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, trace.State.Phase())
	require.Equal(t, rollout.Ended, trace.Events[len(trace.Events)-1].Kind)
	require.Contains(t, simulate.Story(trace), rollout.ErrTooLate.Error())
	require.Equal(t, took, trace.Took, "the rollout took no longer for it")
}

// Other hands come when they come, too.
func TestOtherHandsComeAfterTheEnd(t *testing.T) {
	plan, took := revertible(t, 2*time.Hour)
	w := world(1)
	w.Happenings = []simulate.Happening{{At: took + time.Hour, Target: "host-0004", Version: "v0-by-hand"}}
	trace, err := simulate.Play(plan, w, 3)
	require.NoError(t, err)
	require.Equal(t, "v0-by-hand", trace.Runs("host-0004"))
	require.Equal(t, took, trace.Took)

	w.Happenings = append(w.Happenings, saysRollBack(took+78*time.Minute)...)
	trace, err = simulate.Play(plan, w, 3)
	require.NoError(t, err, simulate.Story(trace))
	require.Equal(t, "v1", trace.Runs("host-0004"))
}

// A halt is an end that a human may undo, and stop for good as well: each is on record.
func TestAHumanComesBackToAHalt(t *testing.T) {
	plan := shop(10)
	w := world(1)
	halt := simulate.Happening{At: 30 * time.Second, Breach: &guardrails.Breach{Guard: "x", Consequence: guardrails.Halt, Reason: "stop"}}
	says := func(kind rollout.Kind, at time.Duration) simulate.Happening {
		return simulate.Happening{At: at, Verb: rollout.Event{Kind: kind}}
	}
	w.Happenings = []simulate.Happening{halt, says(rollout.Reset, time.Hour), says(rollout.Resume, 2*time.Hour)}
	trace, err := simulate.Play(plan, w, 3)
	require.NoError(t, err, simulate.Story(trace))
	require.Equal(t, rollout.Completed, trace.State.Phase(), simulate.Story(trace))

	w.Happenings = []simulate.Happening{halt, says(rollout.Abort, time.Hour)}
	trace, err = simulate.Play(plan, w, 3)
	require.NoError(t, err, simulate.Story(trace))
	require.Equal(t, rollout.Aborted, trace.State.Phase(), simulate.Story(trace))
	require.Equal(t, []rollout.Kind{rollout.Ended, rollout.Abort, rollout.Ended}, kinds(trace.Events[len(trace.Events)-3:]))
}

// Nobody runs it when the human speaks: the verb is on record before the next runner
// resumes.
func TestAVerbIsHeardWhileNoRunnerLives(t *testing.T) {
	w := world(1)
	w.Happenings = append([]simulate.Happening{{At: 30 * time.Second, Crash: true}}, saysRollBack(30*time.Second)...)
	trace, err := simulate.Play(shop(10), w, 3)
	require.NoError(t, err, simulate.Story(trace))
	require.Equal(t, rollout.RolledBack, trace.State.Phase(), simulate.Story(trace))
	require.Equal(t, 2, trace.Runners)
}

// Whatever humans say, and whenever, every invariant holds.
func TestHumansSpeakAtAnyTime(t *testing.T) {
	verbs := []rollout.Kind{rollout.RollBack, rollout.RollBack, rollout.Abort, rollout.Kill, rollout.Reset, rollout.Resume, rollout.Pause}
	reopened := 0
	for seed := range uint64(min(*rollouts, 500)) {
		r := rand.New(rand.NewPCG(seed, 7))
		sc := simulate.Random(seed)
		for range 1 + r.IntN(4) {
			sc.Happenings = append(sc.Happenings, simulate.Happening{
				At: time.Duration(r.Int64N(int64(3 * time.Hour))), Verb: rollout.Event{Kind: verbs[r.IntN(len(verbs))]},
			})
		}
		trace, err := sc.Run()
		require.NoError(t, err, "seed %d\n%s", seed, simulate.Story(trace))
		for n, ev := range trace.Events[:len(trace.Events)-1] {
			if ev.Kind == rollout.Ended && trace.Events[n+1].Kind.IsVerb() {
				reopened++
			}
		}
	}
	require.Positive(t, reopened)
}
