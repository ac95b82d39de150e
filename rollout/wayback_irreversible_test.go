package rollout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// aMigration is a plan whose third step, in wave 2, cannot be undone.
func aMigration(d *diary, failsAt int) rollout.Plan {
	step := func(id string) rollout.Step {
		return rollout.Step{ID: id, Do: func(context.Context) error { d.add("do " + id); return nil }, Undo: func(context.Context) error { d.add("undo " + id); return nil }}
	}
	drop := step("drop-column")
	drop.Undo, drop.Irreversible = nil, true
	plan := aPlan(nil, 0.01)
	plan.Waves = rollout.Explicit{
		{Steps: []rollout.Step{step("add-column"), step("copy")}},
		{Steps: []rollout.Step{drop}},
		{Steps: []rollout.Step{step("rename")}},
	}
	plan.Concurrency = 1
	return withSource(plan, badOnce(failsAt))
}

// What cannot be undone is only reached through a gate.
func TestWhatCannotBeUndoneNeedsAGateBeforeIt(t *testing.T) {
	var d diary
	plan := aMigration(&d, 99)
	require.NoError(t, plan.Validate())

	waves := plan.Waves.(rollout.Explicit)
	plan.Waves = rollout.Explicit{waves[1], waves[0], waves[2]}
	require.ErrorIs(t, plan.Validate(), rollout.ErrInvalidPlan)
	require.ErrorContains(t, plan.Validate(), `step "drop-column" of wave 1 cannot be undone, and no gate stands before it`)

	ungated := waves[0]
	ungated.Ungated = "hurry"
	plan.Waves = rollout.Explicit{ungated, waves[1], waves[2]}
	require.ErrorIs(t, plan.Validate(), rollout.ErrInvalidPlan)
	require.ErrorContains(t, plan.Validate(), `step "drop-column" of wave 2 cannot be undone, and the wave before it has no gate`)
}

// Before it, everything is taken back as ever.
func TestBeforeTheStepThatCannotBeUndoneEverythingIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		_, err := runs(t, nil, aMigration(&d, 2))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.Equal(t, []string{"do add-column", "do copy", "undo copy", "undo add-column"}, d.read())
	})
}

// Behind it, whatever goes wrong, nothing is touched: mend it forward.
func TestBehindTheStepThatCannotBeUndoneAFailureFreezes(t *testing.T) {
	for name, say := range map[string]func(t *testing.T, r *rollout.Runner, g *toggle){
		"a failed gate": nil,
		"a breach": func(_ *testing.T, _ *rollout.Runner, g *toggle) {
			g.set(func(guardrails.Action) error {
				return &guardrails.Breach{Guard: "alarm", Reason: "it burns", Consequence: guardrails.Rollback}
			})
		},
		"the verb": func(t *testing.T, r *rollout.Runner, _ *toggle) { say(t, r, rollout.RollBack) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				g := &toggle{name: "alarm"}
				plan := aMigration(&d, 99)
				if say == nil {
					plan = aMigration(&d, 3)
				}
				plan.Guards = []guardrails.Guard{g}
				r := aRunner(plan, nil, &rollout.MemoryJournal{})
				done := inBackground(t.Context(), r)
				if say != nil {
					eventually(t, time.Hour, func() bool { return len(d.read()) == 3 }, "the step")
					time.Sleep(20 * time.Second)
					say(t, r, g)
				}
				o := <-done
				require.ErrorIs(t, o.err, rollout.ErrHalted)
				require.ErrorContains(t, o.err, "step drop-column cannot be undone, so nothing is taken back: mend it forward")
				require.Equal(t, []string{"do add-column", "do copy", "do drop-column"}, d.read(), "nothing is undone")
			})
		})
	}
}

// A step that was begun and failed may have been carried out all the same.
func TestAStepThatCannotBeUndoneAndFailsFreezes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		plan := aMigration(&d, 99)
		plan.Waves.(rollout.Explicit)[1].Steps[0].Do = func(context.Context) error { d.add("do drop-column"); return errDisk }
		_, err := runs(t, nil, plan)
		require.ErrorIs(t, err, rollout.ErrHalted)
		require.ErrorContains(t, err, "cannot be undone")
		require.Equal(t, []string{"do add-column", "do copy", "do drop-column"}, d.read())
	})
}

// After the end the verb comes too late as well.
func TestACompletedRolloutThatCannotBeUndoneIsNotTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := aRunner(aMigration(&d, 99), nil, &rollout.MemoryJournal{})
		_, err := r.Run(t.Context())
		require.NoError(t, err)
		err = r.Command(t.Context(), rollout.Command{Verb: rollout.RollBack, Actor: "ann", Reason: "I changed my mind"})
		require.ErrorIs(t, err, rollout.ErrBadEvent)
		require.ErrorContains(t, err, "step drop-column cannot be undone: mend it forward")
		require.Len(t, d.read(), 4)
	})
}
