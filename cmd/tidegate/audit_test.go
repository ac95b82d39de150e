package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a journal says cannot play tricks with the terminal of who reads it.
func TestAuditOfHostileText(t *testing.T) {
	path := filepath.Join("..", "..", "rollout", "filejournal", "testdata", "format0", "completed.jsonl")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	code, stdout, stderr := runs("", "audit", path)
	require.Equal(t, exitPass, code, stderr)
	require.Contains(t, stdout, `pause by "ann": "<the ticket says \"so\">"`)

	hostile := filepath.Join(t.TempDir(), "r.jsonl")
	require.NoError(t, os.WriteFile(hostile, []byte(strings.Replace(string(whole), `"seq":2,`, "\"seq\":\x1b[2J,", 1)), 0o600))
	code, stdout, _ = runs("", "audit", hostile)
	require.Equal(t, exitFail, code)
	require.Contains(t, stdout, "r.jsonl:2: altered: ")
	require.NotContains(t, stdout, "\x1b")
}
