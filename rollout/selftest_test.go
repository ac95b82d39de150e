package rollout_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// prover is a guard whose self-test comes out as it is told.
type prover struct {
	mu    sync.Mutex
	proof func(ctx context.Context) error
	seen  []guardrails.Action
}

func (p *prover) Check(_ context.Context, act guardrails.Action) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	act.Fleet = nil
	p.seen = append(p.seen, act)
	return nil
}

func (p *prover) SelfTest(ctx context.Context) error {
	p.mu.Lock()
	proof := p.proof
	p.mu.Unlock()
	return proof(ctx)
}

// A guard that cannot prove that it says no is not relied upon: nothing begins.
func TestAGuardThatFailsItsSelfTestRefusesTheRollout(t *testing.T) {
	for name, proof := range map[string]func(context.Context) error{
		"fails":  func(context.Context) error { return errors.New("it let through an empty record set") },
		"panics": func(context.Context) error { panic("index out of range") },
		"hangs":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				plan := aPlan(targets, 0.01)
				plan.Guards = []guardrails.Guard{&prover{proof: proof}}
				journal := &rollout.MemoryJournal{}
				_, err := aRunner(plan, f, journal).Run(t.Context())
				require.ErrorIs(t, err, guardrails.ErrSelfTest)
				require.ErrorContains(t, err, "was not started, nothing was touched")
				require.Empty(t, f.touched())
				require.Empty(t, journalOf(t, journal, plan.Name))
			})
		})
	}
}

// What was begun is not gone on with under a guard that fails; but it is taken back.
func TestAGuardThatFailsItsSelfTestHoldsUpNoRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		g := &prover{proof: func(context.Context) error { return nil }}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{g}
		journal := &rollout.MemoryJournal{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := aRunner(plan, f, journal).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)

		g.mu.Lock()
		g.proof = func(context.Context) error { return errors.New("broken since") }
		g.mu.Unlock()
		_, err = aRunner(plan, f, journal).Run(t.Context())
		require.ErrorIs(t, err, guardrails.ErrSelfTest)
		require.ErrorContains(t, err, "was not resumed")

		session, err := journal.Open(t.Context(), plan.Name)
		require.NoError(t, err)
		require.NoError(t, session.Append(t.Context(), rollout.Event{Kind: rollout.RollBack, At: time.Now().UTC(), Epoch: session.Epoch(), Actor: "ann", Reason: "enough"}))
		require.NoError(t, session.Close())
		_, err = aRunner(plan, f, journal).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

// What the plan as a whole is, every guard is told.
func TestGuardsAreToldOfThePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		g := &prover{proof: func(context.Context) error { return nil }}
		plan := aPlan(targets, 0.01)
		plan.Guards = []guardrails.Guard{g}
		plan.Release.Sequence, plan.Release.Issued = 7, time.Now().Add(-time.Hour)
		hash, err := plan.Hash()
		require.NoError(t, err)
		_, err = aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, g.seen)
		require.Equal(t, guardrails.Start, g.seen[0].Verb)
		for _, act := range g.seen {
			require.Equal(t, hash, act.Plan)
			require.EqualValues(t, 7, act.Sequence)
			require.Equal(t, plan.Release.Issued, act.Issued)
			require.NotZero(t, act.Fence)
			require.GreaterOrEqual(t, act.Longest, plan.Gate.Deadline())
		}
	})
}

// A plan's hash changes with what the plan would do, and with nothing else.
func TestPlanHash(t *testing.T) {
	_, targets := newFleet(8, "v1")
	hash := func(change func(*rollout.Plan)) string {
		plan := aPlan(append([]rollout.Target(nil), targets...), 0.01)
		change(&plan)
		h, err := plan.Hash()
		require.NoError(t, err)
		require.Len(t, h, 64)
		return h
	}
	same := hash(func(*rollout.Plan) {})
	require.Equal(t, same, hash(func(*rollout.Plan) {}))
	seen := map[string]string{same: "the plan"}
	for what, change := range map[string]func(*rollout.Plan){
		"another version":     func(p *rollout.Plan) { p.Release.To = "v3" },
		"a target less":       func(p *rollout.Plan) { p.Targets = p.Targets[1:] },
		"other waves":         func(p *rollout.Plan) { p.Waves = rollout.Percent(50, 100) },
		"a weight":            func(p *rollout.Plan) { p.Targets[0].Weight = 5 },
		"a label":             func(p *rollout.Plan) { p.Targets[0].Labels = map[string]string{"zone": "x"} },
		"more at once":        func(p *rollout.Plan) { p.Concurrency = 99 },
		"what a failure does": func(p *rollout.Plan) { p.OnFailure = rollout.Freeze },
		"a shorter bake":      func(p *rollout.Plan) { p.Gate.Bake.AtLeast++ },
		"a critical check": func(p *rollout.Plan) {
			p.Gate.Checks = slices.Clone(p.Gate.Checks)
			p.Gate.Checks[0].Critical = true
		},
		"a guard": func(p *rollout.Plan) { p.Guards = append(p.Guards, &guardrails.KillSwitch{}) },
		"a lock":  func(p *rollout.Plan) { p.Locks = []string{"other"} },
	} {
		h := hash(change)
		require.NotContains(t, seen, h, what)
		seen[h] = what
	}
	_, err := (&rollout.Plan{}).Hash()
	require.ErrorIs(t, err, rollout.ErrInvalidPlan)
}
