package guardrails_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Namer      = (*guardrails.Validator)(nil)
	_ guardrails.SelfTester = (*guardrails.Validator)(nil)
	_ analysis.Problemer    = (*guardrails.Validator)(nil)
)

// Google Cloud, June 2025: a policy with blank fields goes to all regions, and what reads
// it crashes.
func TestValidatorStopsBlankFields(t *testing.T) {
	type policy struct{ Service, Limit string }
	rows := map[string]string{"good": `{"Service":"storage","Limit":"100"}`, "blank": `{"Service":"","Limit":""}`}
	run := func(row string, guards ...guardrails.Guard) (crashed int) {
		if guardrails.Check(t.Context(), guards, guardrails.Action{Verb: guardrails.Start}) != nil {
			return 0
		}
		for range 42 { // regions
			var p policy
			require.NoError(t, json.Unmarshal([]byte(rows[row]), &p))
			if p.Limit == "" {
				crashed++
			}
		}
		return crashed
	}
	validate := func(row string) func(context.Context) error {
		return func(context.Context) error {
			var p policy
			if err := json.Unmarshal([]byte(rows[row]), &p); err != nil {
				return err
			}
			if p.Service == "" || p.Limit == "" {
				return errors.New("a field is blank")
			}
			return nil
		}
	}
	require.Zero(t, run("blank", &guardrails.Validator{Validate: validate("blank")}))
	require.Equal(t, 42, run("blank"), "and without it")
	require.Zero(t, run("good", &guardrails.Validator{Validate: validate("good"), KnownBad: validate("blank")}))
	require.NoError(t, (&guardrails.Validator{Validate: validate("good"), KnownBad: validate("blank")}).SelfTest(t.Context()))
	require.ErrorContains(t, (&guardrails.Validator{Validate: validate("good"), KnownBad: validate("good")}).SelfTest(t.Context()),
		"it let through an artifact that is known to be bad")
}

// asks is a validation that counts, and says what it is told to.
type asks struct {
	n    atomic.Int32
	err  atomic.Pointer[error]
	slow time.Duration
}

func (a *asks) validate(ctx context.Context) error {
	a.n.Add(1)
	select {
	case <-time.After(a.slow):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := a.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (a *asks) fail(err error) { a.err.Store(&err) }

func TestValidatorAsksWhenItHasTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asks{}
		v := &guardrails.Validator{Validate: a.validate}
		ask := func(verb guardrails.Verb) error { return v.Check(t.Context(), guardrails.Action{Verb: verb}) }
		for _, verb := range []guardrails.Verb{guardrails.Bake, guardrails.Undo, guardrails.Recover} {
			require.NoError(t, ask(verb))
		}
		require.Zero(t, a.n.Load())
		require.NoError(t, ask(guardrails.Start))
		a.fail(errors.New("no longer"))
		for _, verb := range []guardrails.Verb{guardrails.Deploy, guardrails.Unknown, 99} {
			time.Sleep(24 * time.Hour)
			require.NoError(t, ask(verb), "a step goes by the verdict, however old it is")
		}
		require.EqualValues(t, 1, a.n.Load())

		b := refusal(t, v, ask(guardrails.Start))
		require.Equal(t, "no longer", b.Evidence, "a start does not")
		refusal(t, v, ask(guardrails.Deploy))
		require.EqualValues(t, 2, a.n.Load())
		a.fail(nil)
		require.Error(t, ask(guardrails.Deploy), "nothing is validated again unasked")
		require.NoError(t, v.Run(t.Context()))
		require.NoError(t, ask(guardrails.Deploy))
		require.NoError(t, ask(guardrails.Start), "Run has just done it")
		require.EqualValues(t, 3, a.n.Load())

		a.fail(errors.New("blank"))
		require.EqualError(t, v.Run(t.Context()), "guardrails: validator: blank")
		require.Error(t, ask(guardrails.Start))
		require.EqualValues(t, 5, a.n.Load(), "what failed is tried again at a start")

		after := &guardrails.Validator{Validate: a.validate} // after a crash
		refusal(t, after, after.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy}))
	})
}

func TestValidatorTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asks{slow: 30 * time.Second}
		v := &guardrails.Validator{Validate: a.validate}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		b := refusal(t, v, v.Check(ctx, guardrails.Action{Verb: guardrails.Start}))
		require.Equal(t, "the artifact is still being validated", b.Reason)
		require.ErrorIs(t, b, context.DeadlineExceeded)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if err := v.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.NoError(t, v.Check(t.Context(), guardrails.Action{Verb: guardrails.Start}))
		require.EqualValues(t, 1, a.n.Load())

		silent := &guardrails.Validator{Validate: func(context.Context) error { time.Sleep(time.Hour); return nil }, Timeout: time.Second}
		begun := time.Now()
		refusal(t, silent, silent.Check(t.Context(), guardrails.Action{Verb: guardrails.Start}))
		require.Equal(t, 9*time.Second, time.Since(begun), "it is deaf to its ctx")
		panics := &guardrails.Validator{Validate: func(context.Context) error { panic("nil map") }}
		require.Equal(t, "it panicked: nil map", refusal(t, panics, panics.Check(t.Context(), guardrails.Action{Verb: guardrails.Start})).Evidence)
		time.Sleep(time.Hour) // what hangs
	})
}

func TestValidatorProblems(t *testing.T) {
	sound := &guardrails.Validator{Validate: func(context.Context) error { panic("a self-test does not touch the artifact") }}
	require.Empty(t, problems(sound))
	require.NoError(t, sound.SelfTest(t.Context()))
	zero := &guardrails.Validator{}
	require.Equal(t, []string{"Validate is nil, so nothing would be validated"}, problems(zero))
	require.Equal(t, "there is nothing to validate it by", refusal(t, zero, zero.Check(t.Context(), guardrails.Action{Verb: guardrails.Start})).Evidence)
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), zero), guardrails.ErrSelfTest)
	require.Equal(t, []string{"Timeout is negative (-1ns)", "Fresh is negative (-1ns)"}, problems(&guardrails.Validator{Validate: sound.Validate, Timeout: -1, Fresh: -1}))
}
