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
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// historians are the journals that can look back.
var historians = map[string]func(t *testing.T) rollout.Journal{
	"memory": func(*testing.T) rollout.Journal { return new(rollout.MemoryJournal) },
	"files":  func(t *testing.T) rollout.Journal { return filejournal.Dir(t.TempDir()) },
}

// release is a runner that brings a version to the fleet.
func release(f *fleet, targets []rollout.Target, j rollout.Journal, from, to string) *rollout.Runner {
	plan := aPlan(targets, 0.01)
	plan.Name, plan.Release.From, plan.Release.To = "checkout-"+to, from, to
	return aRunner(withSource(plan, errorRate(nil)), f, j)
}

// takeBack gives the rollback verb.
func takeBack(t *testing.T, r *rollout.Runner) error {
	return r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "orders are down"})
}

func TestWhatALaterRolloutHasReplacedIsNotTakenBack(t *testing.T) {
	for name, journal := range historians {
		t.Run(name, func(t *testing.T) {
			j := journal(t)
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(5, "v1")
				first, second := release(f, targets, j, "v1", "v2"), release(f, targets, j, "v2", "v3")
				for _, r := range []*rollout.Runner{first, second} {
					_, err := r.Run(t.Context())
					require.NoError(t, err)
					time.Sleep(time.Hour)
				}
				before := len(journalOf(t, j, "checkout-v2"))
				err := takeBack(t, first)
				require.ErrorIs(t, err, rollout.ErrTooLate)
				require.ErrorContains(t, err, "checkout-v3 has been rolled out since (v2 to v3, begun ")
				require.ErrorContains(t, err, "completed): take that one back, or roll v1 out anew")
				require.Len(t, journalOf(t, j, "checkout-v2"), before, "nothing was written")

				// The later one can be taken back, but that does not open the way for the other:
				// nobody knows whether all of the fleet is as it was.
				require.NoError(t, takeBack(t, second))
				_, err = second.Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				requireAll(t, f, "v2")
				require.ErrorIs(t, takeBack(t, first), rollout.ErrTooLate)
			})
		})
	}
}

func TestWhatWasNotReplacedIsTakenBack(t *testing.T) {
	for name, journal := range historians {
		t.Run(name, func(t *testing.T) {
			j := journal(t)
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(5, "v0")
				_, err := release(f, targets, j, "v0", "v1").Run(t.Context()) // an earlier one
				require.NoError(t, err)
				time.Sleep(time.Minute)
				r := release(f, targets, j, "v1", "v2")
				_, err = r.Run(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Minute)
				g, others := newFleet(5, "v7")
				other := release(g, others, j, "v7", "v8") // a later one of another service
				other.Plan.Release.Service = "search"
				_, err = other.Run(t.Context())
				require.NoError(t, err)

				require.NoError(t, takeBack(t, r))
				_, err = r.Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				requireAll(t, f, "v1")
			})
		})
	}
}

// Two rollouts of a service can have locks of their own: the later one counts as soon as
// it has begun.
func TestALaterRolloutCountsAsSoonAsItHasBegun(t *testing.T) {
	for name, journal := range historians {
		t.Run(name, func(t *testing.T) {
			j := journal(t)
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(5, "v1")
				first, second := release(f, targets, j, "v1", "v2"), release(f, targets, j, "v2", "v3")
				second.Plan.Locks = []string{"another"}
				_, err := first.Run(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				_, err = second.Run(ctx)
				require.ErrorIs(t, err, rollout.ErrInterrupted)
				err = takeBack(t, first)
				require.ErrorIs(t, err, rollout.ErrTooLate)
				require.ErrorContains(t, err, "unended")
			})
		})
	}
}

// forgetful is a journal with a history that misbehaves.
type forgetful struct {
	rollout.Journal
	past func(ctx context.Context) ([]guardrails.Past, error)
}

func (j forgetful) Past(ctx context.Context, _ string, _ time.Time) ([]guardrails.Past, error) {
	return j.past(ctx)
}

func TestAHistoryThatCannotAnswerRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		past func(ctx context.Context) ([]guardrails.Past, error)
		want string
	}{
		"an error": {func(context.Context) ([]guardrails.Past, error) { return nil, errDisk }, errDisk.Error()},
		"a panic":  {func(context.Context) ([]guardrails.Past, error) { panic("no index") }, "the history panicked: no index"},
		"it hangs": {func(ctx context.Context) ([]guardrails.Past, error) { <-ctx.Done(); return nil, ctx.Err() }, "no answer within 30s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var memory rollout.MemoryJournal
				f, targets := newFleet(5, "v1")
				r := release(f, targets, forgetful{&memory, tc.past}, "v1", "v2")
				_, err := r.Run(t.Context())
				require.NoError(t, err)
				before := len(journalOf(t, &memory, "checkout-v2"))
				err = takeBack(t, r)
				require.ErrorContains(t, err, "checkout-v2 is not taken back, since nobody knows whether checkout has been rolled out since: ")
				require.ErrorContains(t, err, tc.want)
				require.NotErrorIs(t, err, rollout.ErrTooLate)
				require.Len(t, journalOf(t, &memory, "checkout-v2"), before)

				// A journal that has no history cannot know, and does not refuse.
				r.Journal = struct{ rollout.Journal }{&memory}
				require.NoError(t, takeBack(t, r))
			})
		})
	}
}

// Only what began after the end is later: not the rollout itself, were it over at once,
// nor one of the same service that went on beside it.
func TestWhatBeganBeforeTheEndIsNotLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var memory rollout.MemoryJournal
		var all []guardrails.Past
		f, targets := newFleet(5, "v1")
		r := release(f, targets, forgetful{&memory, func(context.Context) ([]guardrails.Past, error) { return all, nil }}, "v1", "v2")
		result, err := r.Run(t.Context())
		require.NoError(t, err)
		ended := result.Times.Ended
		later := guardrails.Past{Rollout: "checkout-v3", Service: "checkout", Started: ended}
		all = []guardrails.Past{later}
		require.ErrorIs(t, takeBack(t, r), rollout.ErrTooLate)
		all = []guardrails.Past{
			{Rollout: "checkout-v2", Service: "checkout", Started: ended},
			{Rollout: "checkout-eu", Service: "checkout", Started: ended.Add(-1)},
			{Rollout: "search-v3", Service: "search", Started: ended.Add(time.Minute)},
		}
		require.NoError(t, takeBack(t, r))
	})
}

// A rollback that did not work is not refused: what it left is not to be left to others.
func TestOnlyWhatHasEndedWellCanBeSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var memory rollout.MemoryJournal
		f, targets := newFleet(5, "v1")
		f.misbehave = func(_ context.Context, _, to string) error {
			if to == "v1" {
				return errors.New("no such image")
			}
			return nil
		}
		r := release(f, targets, forgetful{&memory, func(context.Context) ([]guardrails.Past, error) { return nil, errDisk }}, "v1", "v2")
		r.Plan = aPlan(targets, 0.5)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		f.misbehave = nil
		require.NoError(t, takeBack(t, r))
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

func TestBothJournalsTellTheSamePast(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	spec := func(name, service string) *rollout.Spec {
		return &rollout.Spec{
			Rollout: name, Service: service, From: "v1", To: "v2", Concurrency: 1, Undo: rollout.SpecUndo{Batch: 1, Parallel: 1},
			Waves: []rollout.SpecWave{{Steps: []rollout.SpecStep{{ID: "a"}}, Ungated: "x"}},
		}
	}
	for name, journal := range historians {
		t.Run(name, func(t *testing.T) {
			j := journal(t)
			for i, end := range []rollout.Phase{rollout.Completed, rollout.RolledBack, rollout.Halted, rollout.Pending} {
				id := fmt.Sprint("r", i)
				s, err := j.Open(t.Context(), id)
				require.NoError(t, err)
				service := []string{"checkout", "search"}[i%2]
				at := start.Add(time.Duration(-i) * time.Hour) // the last one began first
				require.NoError(t, s.Append(t.Context(), rollout.Event{At: at, Kind: rollout.Started, Spec: spec(id, service)}))
				if end != rollout.Pending {
					require.NoError(t, s.Append(t.Context(), rollout.Event{At: at.Add(time.Minute), Kind: rollout.Ended, Outcome: end}))
				}
				require.NoError(t, s.Close())
			}
			empty, err := j.Open(t.Context(), "never-begun")
			require.NoError(t, err)
			require.NoError(t, empty.Close())

			past := func(rollout, service string, began, took time.Duration, ending guardrails.Ending) guardrails.Past {
				p := guardrails.Past{Rollout: rollout, Service: service, From: "v1", To: "v2", Started: start.Add(began), Ending: ending}
				if took > 0 {
					p.Ended = p.Started.Add(took)
				}
				return p
			}
			r0 := past("r0", "checkout", 0, time.Minute, guardrails.Completed)
			r1 := past("r1", "search", -time.Hour, time.Minute, guardrails.RolledBack)
			r2 := past("r2", "checkout", -2*time.Hour, time.Minute, guardrails.Failed)
			r3 := past("r3", "search", -3*time.Hour, 0, guardrails.Unended)

			history := j.(guardrails.History)
			for _, tc := range []struct {
				service string
				since   time.Time
				want    []guardrails.Past
			}{
				{"", time.Time{}, []guardrails.Past{r3, r2, r1, r0}},
				{"checkout", time.Time{}, []guardrails.Past{r2, r0}},
				{"search", start, []guardrails.Past{r3}},
				{"", start.Add(time.Minute), []guardrails.Past{r3, r0}},
				{"", start.Add(time.Minute + 1), []guardrails.Past{r3}},
				{"payment", time.Time{}, nil},
			} {
				got, err := history.Past(t.Context(), tc.service, tc.since)
				require.NoError(t, err)
				require.Equal(t, tc.want, got)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = history.Past(ctx, "", time.Time{})
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

func TestAMemoryJournalWithoutABeginningHasNoAnswer(t *testing.T) {
	var j rollout.MemoryJournal
	s, err := j.Open(t.Context(), "r")
	require.NoError(t, err)
	require.NoError(t, s.Append(t.Context(), rollout.Event{Kind: rollout.Doing}))
	_, err = j.Past(t.Context(), "", time.Time{})
	require.ErrorIs(t, err, rollout.ErrCorrupt)
}
