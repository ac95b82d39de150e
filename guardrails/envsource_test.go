package guardrails_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestEnv(t *testing.T) {
	const name = "TIDEGATE_TEST_STOP"
	source := guardrails.Env(name)
	require.Equal(t, "environment "+name, source.Name())
	for value, trips := range map[string]bool{"": false, "bad orders, bob": true, "0": true, "false": true} {
		t.Setenv(name, value)
		tripped, reason, err := source.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, trips, tripped)
		require.Equal(t, value, reason)
	}
	for _, none := range []string{"", "A=B", "A\x00B"} {
		_, _, err := guardrails.Env(none).Read(t.Context())
		require.Error(t, err)
	}
}

// A process that sets the variable for itself is stopped, at the next read.
func TestEnvTripsASwitch(t *testing.T) {
	const name = "TIDEGATE_TEST_STOP"
	t.Setenv(name, "")
	kill := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.Env(name)}, Every: 300 * time.Millisecond}
	require.NoError(t, kill.Check(t.Context(), guardrails.Action{}))
	t.Setenv(name, "enough")
	require.Eventually(t, func() bool { return kill.Check(t.Context(), guardrails.Action{}) != nil }, 10*time.Second, time.Millisecond)
	require.Equal(t, "enough", kill.Records()[0].Reason)
}

func TestAny(t *testing.T) {
	company, service := &guardrails.KillSwitch{}, &guardrails.KillSwitch{Mode: guardrails.Rollback}
	both := guardrails.Any(company, service)
	deploy, undo := guardrails.Action{Verb: guardrails.Deploy}, guardrails.Action{Verb: guardrails.Undo}
	require.NoError(t, both.Check(t.Context(), deploy))

	require.NoError(t, service.Trip("alice", "orders are down"))
	require.ErrorContains(t, both.Check(t.Context(), deploy), "orders are down")
	require.NoError(t, both.Check(t.Context(), undo), "that is what it asked for")

	require.NoError(t, company.Trip("bob", "the data centre burns"))
	require.ErrorContains(t, both.Check(t.Context(), deploy), "the data centre burns", "a halt matters more")
	require.ErrorContains(t, both.Check(t.Context(), undo), "the data centre burns")

	require.NoError(t, company.Reset("bob", "it was a drill"))
	require.NoError(t, service.Reset("alice", "they are up"))
	require.NoError(t, both.Check(t.Context(), deploy))

	require.Error(t, guardrails.Any().Check(t.Context(), deploy))
	require.Error(t, guardrails.Any(company, nil).Check(t.Context(), deploy))
}
