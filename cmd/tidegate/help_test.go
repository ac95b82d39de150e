package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The help of each verb is all that one needs to know.
func TestHelpOfVerbs(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	for _, verb := range []string{"each", "exec", "kill", "reset", "unwind", "drill", "audit"} {
		code, stdout, stderr := runs("", verb, "--help")
		require.Equal(t, exitDone, code)
		require.Empty(t, stderr)
		compare(t, "help-"+verb, stdout)
	}
	code, stdout, stderr := runs("", "--help")
	require.Equal(t, exitDone, code)
	require.Empty(t, stderr)
	compare(t, "help-all", stdout)
}
