package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The real program reads its stdin, and exits as it should.
func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "tidegate")
	said, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", said)
	for input, want := range map[string]int{
		`{"canary":{"value":1}}`: exitPass,
		`{"canary":{"value":9}}`: exitFail,
		`{}`:                     exitInconclusive,
		``:                       exitBadInput,
	} {
		cmd := exec.Command(program, "analyze", "--judge", "below", "--limit", "5", "-")
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			require.NoError(t, err)
		}
		require.Equal(t, want, cmd.ProcessState.ExitCode(), input)
		require.Equal(t, want != exitBadInput, strings.HasPrefix(string(out), `{"observation":1,`), input)
	}
}
