//go:build unix

package guardrails_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestValidateBy(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "validate")
	require.NoError(t, os.WriteFile(script, []byte(`
case $1 in
good) ;;
bad) echo "line 3: blank" >&2; exit 1 ;;
plain) echo "line 3: blank"; exit 1 ;;
silent) exit 7 ;;
flood) yes ;;
hang) trap "" TERM; sleep 600 & wait; sleep 600 ;;
esac
`), 0o600))
	for _, tc := range []struct{ artifact, want string }{
		{"good", ""},
		{"bad", `procgroup: sh: exit status 1 (it said "line 3: blank")`},
		{"plain", `procgroup: sh: exit status 1 (it said "line 3: blank")`},
		{"silent", "procgroup: sh: exit status 7"},
		{"flood", "the output is too large"},
	} {
		err := guardrails.ValidateBy("sh", script, tc.artifact)(t.Context())
		if tc.want == "" {
			require.NoError(t, err, tc.artifact)
		} else {
			require.ErrorContains(t, err, tc.want, tc.artifact)
			require.Less(t, len(err.Error()), 500)
		}
	}
	require.Error(t, guardrails.ValidateBy()(t.Context()))
	require.Error(t, guardrails.ValidateBy(filepath.Join(t.TempDir(), "no-such-program"))(t.Context()))
	long := strings.Repeat("x", 5000)
	err := guardrails.ValidateBy("sh", "-c", "echo "+long+"; exit 1")(t.Context())
	require.Less(t, len(err.Error()), 500)

	v := &guardrails.Validator{
		Validate: guardrails.ValidateBy("sh", script, "good"), KnownBad: guardrails.ValidateBy("sh", script, "bad"), Timeout: 30 * time.Second,
	}
	require.NoError(t, v.SelfTest(t.Context()))
	require.NoError(t, v.Check(t.Context(), guardrails.Action{Verb: guardrails.Start}))
	hang := &guardrails.Validator{Validate: guardrails.ValidateBy("sh", script, "hang"), Timeout: 100 * time.Millisecond}
	require.Contains(t, refusal(t, hang, hang.Check(t.Context(), guardrails.Action{Verb: guardrails.Start})).Evidence, "it said nothing within 100ms")
}
