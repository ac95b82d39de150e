package guardrails_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// proven is a guard whose self-test comes out as it is told.
type proven struct {
	name  string
	proof func() error
}

func (p proven) GuardName() string                              { return p.name }
func (p proven) Check(context.Context, guardrails.Action) error { return nil }
func (p proven) SelfTest(context.Context) error                 { return p.proof() }

func TestSelfTestNamesEveryGuardThatFails(t *testing.T) {
	content := guardrails.Func(func(context.Context, guardrails.Action) error { return nil })
	good := proven{"good", func() error { return nil }}
	bad := proven{"bad", func() error { return errors.New("it let through an empty set") }}
	broken := proven{"broken", func() error { panic("index out of range") }}
	require.NoError(t, guardrails.SelfTest(t.Context()))
	require.NoError(t, guardrails.SelfTest(t.Context(), good, content, nil))

	err := guardrails.SelfTest(t.Context(), bad, good, broken)
	require.ErrorIs(t, err, guardrails.ErrSelfTest)
	require.ErrorContains(t, err, "bad: it let through an empty set")
	require.ErrorContains(t, err, "broken: it panicked: index out of range")
	require.NotContains(t, err.Error(), "good")

	for name, g := range map[string]guardrails.Guard{
		"all": guardrails.All(good, bad), "first": guardrails.First(good, bad),
		"leashed": guardrails.Leashed(bad, func(guardrails.Action, *guardrails.Breach) {}),
	} {
		require.ErrorContains(t, guardrails.SelfTest(t.Context(), g), "bad: it let through", name)
	}
	require.Equal(t, []string{"guardrails.Func"}, guardrails.Untested(good, content, nil))
}
