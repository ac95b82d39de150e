package rollout_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

func TestAPlanThatHasChangedIsNotResumed(t *testing.T) {
	fine := guard{"fine", func(context.Context, guardrails.Action) error { return nil }}
	for name, tc := range map[string]struct {
		change func(p *rollout.Plan)
		want   string // empty: it does not matter
	}{
		"nothing":         {func(*rollout.Plan) {}, ""},
		"another service": {func(p *rollout.Plan) { p.Release.Service, p.Locks = "basket", []string{"checkout"} }, `service "checkout", the plan says "basket"`},
		"another old one": {func(p *rollout.Plan) { p.Release.From = "v0" }, `old version "v1", the plan says "v0"`},
		"another new one": {func(p *rollout.Plan) { p.Release.To = "v3" }, `new version "v2", the plan says "v3"`},
		"fewer targets":   {func(p *rollout.Plan) { p.Targets = p.Targets[:15] }, "5 of its steps are not in the plan any more, such as [web-16 web-17 web-18]"},
		"no gate": {func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1], Ungated: "lazy"}, {Targets: p.Targets[1:], Ungated: "lazy"}}
			p.Gate = analysis.Gate{}
		}, "wave 1 had a gate, and has none in the plan"},
		"no guards":     {func(p *rollout.Plan) { p.Guards = nil }, "it was started under guards, and the plan has none"},
		"other waves":   {func(p *rollout.Plan) { p.Waves = rollout.Percent(50, 100) }, ""},
		"another order": {func(p *rollout.Plan) { p.Targets[0], p.Targets[19] = p.Targets[19], p.Targets[0] }, ""},
		"other limits":  {func(p *rollout.Plan) { p.Concurrency, p.StepTimeout = 1, time.Hour }, ""},
		"another guard": {func(p *rollout.Plan) { p.Guards = append(p.Guards, fine) }, ""},
		"a check more": {func(p *rollout.Plan) {
			p.Gate.Checks = append(p.Gate.Checks, p.Gate.Checks[0])
			p.Gate.Checks[1].Name = "more"
		}, ""},
		"a longer bake":   {func(p *rollout.Plan) { p.Gate.Bake.AtLeast = 2 * time.Minute }, ""},
		"an invalid plan": {func(p *rollout.Plan) { p.Concurrency = -1 }, "Concurrency"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				plan := aPlan(targets, 0.01)
				plan.Guards = []guardrails.Guard{fine}
				var j rollout.MemoryJournal
				r := aRunner(plan, f, &j)
				stopped(t, f, r, &j)
				before := len(f.touched())
				tc.change(&r.Plan)
				_, err := r.Run(t.Context())
				if tc.want == "" {
					require.NoError(t, err)
					requireAll(t, f, "v2")
					return
				}
				require.ErrorContains(t, err, tc.want)
				require.True(t, errors.Is(err, rollout.ErrPlanChanged) || errors.Is(err, rollout.ErrInvalidPlan))
				require.Len(t, f.touched(), before)
				// Nothing of that is on record, and the right plan goes on.
				r.Plan = aPlan(targets, 0.01)
				r.Plan.Guards = []guardrails.Guard{fine}
				_, err = r.Run(t.Context())
				require.NoError(t, err)
				requireAll(t, f, "v2")
			})
		})
	}
}

// The waves that were begun stand, whatever the plan says by now: none becomes
// larger by a resume.
func TestTheWavesOfTheJournalStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var j rollout.MemoryJournal
		r := aRunner(aPlan(targets, 0.01), f, &j)
		stopped(t, f, r, &j)
		r.Plan.Waves, r.Plan.AllowBigBang = rollout.Percent(100), "hurry"
		r.Plan.Concurrency = 20
		var seen folds
		r.Observers = []rollout.Observer{&seen}
		most := 0
		r.Observers = append(r.Observers, rollout.ObserverFunc(func(rollout.Event) {
			most = max(most, read(&seen, func(s *rollout.State) int { return s.Tally("", "").Unproven }))
		}))
		result, err := r.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 6, result.Waves)
		require.LessOrEqual(t, most, 6)
	})
}

// A step is carried out again under the key that it had, with a higher fence.
func TestKeysAreStableAndFencesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		f.takes = 10 * time.Second
		var j rollout.MemoryJournal
		var releases []rollout.Release
		view := fleetView{fleet: f, before: func(_ context.Context, target string, r rollout.Release) {
			if target == "web-01" {
				releases = append(releases, r)
			}
		}}
		plan := aPlan(targets, 0.20)
		plan.Release.Issued, plan.Release.Sequence = time.Now(), 7
		for range 2 {
			done := inBackground(t.Context(), aRunner(plan, view, &j))
			time.Sleep(5 * time.Second)
			j.Steal(plan.Name)
			require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
		}
		_, err := aRunner(plan, view, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Len(t, releases, 4, "twice cut short, then done, then undone")
		for i, r := range releases[:3] {
			require.Equal(t, "checkout-v2/do/web-01", r.Key)
			require.Equal(t, uint64(i+1), r.Fence)
			require.Equal(t, uint64(7), r.Sequence)
		}
		undo := releases[3]
		require.Equal(t, "checkout-v2/undo/web-01", undo.Key)
		require.Equal(t, "v2", undo.From)
		require.Equal(t, "v1", undo.To)
	})
}

func TestARolloutThatHasEndedIsNotBegunAgain(t *testing.T) {
	for rate, want := range map[float64]error{0.01: nil, 0.20: rollout.ErrRolledBack} {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(7, "v1")
			var j rollout.MemoryJournal
			r := aRunner(aPlan(targets, rate), f, &j)
			first, err := r.Run(t.Context())
			require.ErrorIs(t, err, want)
			before, events := len(f.touched()), len(journalOf(t, &j, "checkout-v2"))
			again, err := r.Run(t.Context())
			require.ErrorIs(t, err, want)
			require.True(t, again.Resumed)
			again.Resumed = false
			require.Equal(t, first, again)
			require.Len(t, f.touched(), before)
			require.Len(t, journalOf(t, &j, "checkout-v2"), events)
		})
	}
}

func TestAFailThatWasSeenBeforeTheCrashIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		var j faultyJournal
		judged := false
		j.fault = func(_ int, events []rollout.Event) (int, error) {
			for i, ev := range events {
				if ev.Kind == rollout.Judged && !judged {
					judged = true
					return i, errDisk // the observation is on record, the decision is not
				}
			}
			return len(events), nil
		}
		r := aRunner(aPlan(targets, 0.20), f, &j)
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, errDisk)
		// The metrics are fine by now: but what was seen was seen.
		r.Plan = aPlan(targets, 0.01)
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "error rate 0.2 is above 0.03")
		requireAll(t, f, "v1")
	})
}

// A guard that holds is not got rid of by leaving it out of the plan: nobody
// could say when it is content again.
func TestAHoldIsNotLostWithItsGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(7, "v1")
		g := toggle{name: "freeze"}
		var j rollout.MemoryJournal
		var seen folds
		r := aRunner(aPlan(targets, 0.01), f, &j, &seen)
		r.Plan.Guards = []guardrails.Guard{&g}
		done := inBackground(t.Context(), r)
		time.Sleep(10 * time.Second)
		g.set(never)
		eventually(t, 3*time.Second, func() bool { return seen.held("guard:freeze") }, "the hold")
		j.Steal(r.Plan.Name)
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)

		other := aRunner(aPlan(targets, 0.01), f, &j)
		other.Plan.Guards = []guardrails.Guard{&guardrails.KillSwitch{}}
		_, err := other.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrPlanChanged)
		require.ErrorContains(t, err, "held by guard freeze, which the plan does not have")
		require.Equal(t, 1, f.count("v2"))

		g.set(nil)
		other.Plan.Guards = append(other.Plan.Guards, &g)
		_, err = other.Run(t.Context())
		require.NoError(t, err)
		requireAll(t, f, "v2")
	})
}

// A driver runs its rollouts one after the other, and all again after a crash:
// the one that is over says how it ended, though the next one has the service.
func TestARolloutThatIsOverNeedsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(5, "v1")
		journal := &rollout.MemoryJournal{}
		bad := aRunner(aPlan(targets, 0.20), f, journal)
		first, err := bad.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)

		plan := aPlan(targets, 0.01)
		plan.Name, plan.Release.To = "checkout-v3", "v3"
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = aRunner(plan, f, journal).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)

		again, err := bad.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		first.Resumed = true
		require.Equal(t, first, again)
		require.Equal(t, rollout.Completed, func() rollout.Phase {
			result, err := aRunner(plan, f, journal).Run(t.Context())
			require.NoError(t, err)
			return result.Phase
		}())
	})
}
