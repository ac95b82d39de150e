package guardrails_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestBreachText(t *testing.T) {
	b := &guardrails.Breach{Guard: "calendar", Reason: "the window is closed", Evidence: "Sat 03:00", Err: errors.New("cause")}
	require.EqualError(t, b, "guardrails: calendar: the window is closed (Sat 03:00)")
	require.EqualError(t, b.Unwrap(), "cause")
	require.ErrorIs(t, b, guardrails.ErrBreach)

	var none *guardrails.Breach
	require.EqualError(t, none, "guardrails: nil breach")
	require.NoError(t, none.Unwrap())
}

// A breach goes into journals as words, and comes back as it was.
func TestBreachJSON(t *testing.T) {
	b := guardrails.Breach{Guard: "max-exposure", Consequence: guardrails.Rollback, Reason: "too much", Evidence: "14 of 40", Runbook: "wait", Cap: true}
	text, err := json.Marshal(b)
	require.NoError(t, err)
	require.JSONEq(t, `{"guard":"max-exposure","consequence":"rollback","reason":"too much","evidence":"14 of 40","runbook":"wait","cap":true}`, string(text))
	var back guardrails.Breach
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, b, back)

	require.ErrorContains(t, json.Unmarshal([]byte(`{"consequence":"shrug"}`), &back), `unknown consequence "shrug"`)
	_, err = json.Marshal(guardrails.Breach{Consequence: 9})
	require.ErrorContains(t, err, "unknown consequence 9")
}

func TestWords(t *testing.T) {
	for c, word := range map[guardrails.Consequence]string{guardrails.Hold: "hold", guardrails.Rollback: "rollback", guardrails.Halt: "halt", 9: "consequence(9)"} {
		require.Equal(t, word, c.String())
	}
	for v, want := range map[guardrails.Verb]struct {
		word     string
		backward bool
	}{
		guardrails.Unknown: {"unknown", false}, guardrails.Start: {"start", false}, guardrails.Deploy: {"deploy", false},
		guardrails.Bake: {"bake", false}, guardrails.Undo: {"undo", true}, guardrails.Recover: {"recover", true}, 42: {"verb(42)", false},
	} {
		require.Equal(t, want.word, v.String())
		require.Equal(t, want.backward, v.Backward())
	}
}

func TestName(t *testing.T) {
	require.Equal(t, "kill-switch", guardrails.Name(&guardrails.KillSwitch{}))
	require.Equal(t, "guardrails.Func", guardrails.Name(says(nil)))
}
