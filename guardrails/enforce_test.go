package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// says is a guard that answers the same to everything.
func says(err error) guardrails.Guard {
	return guardrails.Func(func(context.Context, guardrails.Action) error { return err })
}

func breach(c guardrails.Consequence, reason string) *guardrails.Breach {
	return &guardrails.Breach{Guard: "test", Consequence: c, Reason: reason}
}

// shy panics when it is asked for its name.
type shy struct{ guardrails.Guard }

func (shy) GuardName() string { panic("no name") }

func TestCheck(t *testing.T) {
	hold, rollback, halt := breach(guardrails.Hold, "wait"), breach(guardrails.Rollback, "back"), breach(guardrails.Halt, "freeze")
	var none *guardrails.Breach
	broken := errors.New("disk on fire")
	const name = "guardrails.Func"
	for _, tc := range []struct {
		story       string
		guards      []guardrails.Guard
		guard       string // empty: let through
		consequence guardrails.Consequence
		reason      string
	}{
		{"no guards, nothing to mind", nil, "", 0, ""},
		{"all content", []guardrails.Guard{says(nil), says(nil)}, "", 0, ""},
		{"one no is enough", []guardrails.Guard{says(nil), says(hold), says(nil)}, "test", guardrails.Hold, "wait"},
		{"the gravest of many, wherever it stands", []guardrails.Guard{says(hold), says(halt), says(rollback)}, "test", guardrails.Halt, "freeze"},
		{"a rollback matters more than a hold", []guardrails.Guard{says(hold), says(rollback), says(hold)}, "test", guardrails.Rollback, "back"},
		{"of equals the first", []guardrails.Guard{says(hold), says(breach(guardrails.Hold, "second"))}, "test", guardrails.Hold, "wait"},
		{"a broken guard holds", []guardrails.Guard{says(broken)}, name, guardrails.Hold, "the guard could not answer: disk on fire"},
		{"and does not hide a halt", []guardrails.Guard{says(broken), says(halt)}, "test", guardrails.Halt, "freeze"},
		{"a nil guard holds", []guardrails.Guard{nil}, "nil", guardrails.Hold, "the guard is nil, so it can let nothing through"},
		{"a nil function holds", []guardrails.Guard{guardrails.Func(nil)}, name, guardrails.Hold,
			"the guard panicked: runtime error: invalid memory address or nil pointer dereference"},
		{"a nil kill switch holds", []guardrails.Guard{(*guardrails.KillSwitch)(nil)}, "kill-switch", guardrails.Hold,
			"the guard panicked: runtime error: invalid memory address or nil pointer dereference"},
		{"a nil breach as an error is neither yes nor no", []guardrails.Guard{says(none)}, name, guardrails.Hold,
			"the guard returned a nil *Breach as an error, which is neither yes nor no"},
		{"a wrapped one too", []guardrails.Guard{says(fmt.Errorf("calendar: %w", error(none)))}, name, guardrails.Hold,
			"the guard returned a nil *Breach as an error, which is neither yes nor no"},
		{"a wrapped breach is the breach", []guardrails.Guard{says(fmt.Errorf("calendar: %w", halt))}, "test", guardrails.Halt, "freeze"},
		{"of joined ones the gravest", []guardrails.Guard{says(errors.Join(none, broken, hold, fmt.Errorf("and %w", halt), rollback))}, "test", guardrails.Halt, "freeze"},
		{"a breach that lacks everything", []guardrails.Guard{says(&guardrails.Breach{})}, name, guardrails.Hold, "the guard gave no reason"},
		{"a consequence that does not exist halts", []guardrails.Guard{says(breach(7, "wait")), says(halt)}, "test", guardrails.Halt,
			"wait (its consequence 7 does not exist, so it halts)"},
		{"a guard that can't even say its name", []guardrails.Guard{shy{says(&guardrails.Breach{Consequence: guardrails.Halt, Reason: "freeze"})}},
			"guardrails_test.shy", guardrails.Halt, "freeze"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			b := guardrails.Check(t.Context(), tc.guards, guardrails.Action{Verb: guardrails.Deploy})
			if tc.guard == "" {
				require.Nil(t, b)
				return
			}
			require.NotNil(t, b)
			require.Equal(t, tc.guard, b.Guard)
			require.Equal(t, tc.consequence, b.Consequence)
			require.Equal(t, tc.reason, b.Reason)
			require.ErrorIs(t, b, guardrails.ErrBreach)
			_, err := b.Consequence.MarshalText()
			require.NoError(t, err, "a breach has to fit into a journal")
		})
	}
}

func TestCheckAsksEveryGuard(t *testing.T) {
	asked := 0
	counting := guardrails.Func(func(_ context.Context, act guardrails.Action) error {
		asked++
		require.Equal(t, "a", act.Target)
		return nil
	})
	guardrails.Check(t.Context(), []guardrails.Guard{counting, says(breach(guardrails.Halt, "")), counting}, guardrails.Action{Target: "a"})
	require.Equal(t, 2, asked)
}

func TestCheckWithoutTimeHolds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("out of time"))
	b := guardrails.Check(ctx, []guardrails.Guard{says(nil)}, guardrails.Action{})
	require.Equal(t, "the guards were not given the time to answer: out of time", b.Reason)
	require.Equal(t, guardrails.Hold, b.Consequence)
	require.ErrorContains(t, b.Unwrap(), "out of time")

	b = guardrails.Check(ctx, []guardrails.Guard{says(breach(guardrails.Halt, "freeze"))}, guardrails.Action{})
	require.Equal(t, guardrails.Halt, b.Consequence, "what a guard could say still counts")
}

// A guard may answer with one Breach for ever, to several goroutines at once.
func TestCheckLeavesTheGuardsBreachAlone(t *testing.T) {
	theirs := &guardrails.Breach{Consequence: 9}
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "guardrails.Func", guardrails.Check(t.Context(), []guardrails.Guard{says(theirs)}, guardrails.Action{}).Guard)
		})
	}
	t.Cleanup(func() { require.Equal(t, &guardrails.Breach{Consequence: 9}, theirs) })
}

func TestCheckCause(t *testing.T) {
	broken := errors.New("disk on fire")
	b := guardrails.Check(t.Context(), []guardrails.Guard{says(broken)}, guardrails.Action{})
	require.ErrorIs(t, b, broken)
	require.ErrorIs(t, b, guardrails.ErrBreach)
}

func BenchmarkCheck(b *testing.B) {
	guards := []guardrails.Guard{says(nil), &guardrails.KillSwitch{}, guardrails.MaxExposure{Count: 5000}}
	act := deploy(tallies{"=": hosts(1000, 100_000)})
	b.ReportAllocs()
	for b.Loop() {
		if breach := guardrails.Check(b.Context(), guards, act); breach != nil {
			b.Fatal(breach)
		}
	}
}

func ExampleCheck() {
	noFridays := guardrails.Func(func(_ context.Context, act guardrails.Action) error {
		if act.Verb.Backward() {
			return nil
		}
		return &guardrails.Breach{Guard: "no-fridays", Reason: "nothing goes out on a Friday", Runbook: "Wait for Monday."}
	})
	kill := &guardrails.KillSwitch{}
	guards := []guardrails.Guard{noFridays, kill}
	ctx := context.Background()

	fmt.Println(guardrails.Check(ctx, guards, guardrails.Action{Verb: guardrails.Deploy}))
	fmt.Println(guardrails.Check(ctx, guards, guardrails.Action{Verb: guardrails.Undo}) == nil)
	// Output:
	// guardrails: no-fridays: nothing goes out on a Friday
	// true
}
