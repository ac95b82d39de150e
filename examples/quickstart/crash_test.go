package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// asQuickstart makes the test binary be the quickstart, so that it can be
// killed, and is checked for races.
const asQuickstart = "TIDEGATE_QUICKSTART_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asQuickstart) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command is a quickstart with a small demo, in a process of its own.
func command(t *testing.T, cfg config, args ...string) *exec.Cmd {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs the signals of a Unix")
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	settings, err := json.Marshal(cfg)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), asQuickstart+"=yes", testSettings+"="+string(settings))
	return cmd
}

func TestACrashInWave2IsResumed(t *testing.T) {
	cfg := small(t)
	out, err := command(t, cfg, "--crash").CombinedOutput()
	killed := &exec.ExitError{}
	require.ErrorAs(t, err, &killed, "%s", out)
	require.Equal(t, -1, killed.ExitCode(), "a signal has ended it: %v\n%s", killed, out)

	v3, err := place(cfg.Dir).past("quickstart-1-v3")
	require.NoError(t, err)
	require.False(t, v3.Phase().Final())
	require.Equal(t, 2, v3.Wave())
	require.Equal(t, 3, v3.Tally("", "").Exposed)

	out, err = command(t, cfg).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "An earlier run was cut short in wave 2, with 3 of 12 servers on v3.")
	assert.Contains(t, string(out), "12 of 12 say v3")

	v3, err = place(cfg.Dir).past("quickstart-1-v3")
	require.NoError(t, err)
	assert.Equal(t, rollout.Completed, v3.Phase())
}

func TestCtrlCStopsInGoodOrderAndIsResumed(t *testing.T) {
	cfg := small(t)
	cmd := command(t, cfg)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr safeBuffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.Contains(lines.Text(), "v3  wave 2") {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout)
	stopped := &exec.ExitError{}
	require.ErrorAs(t, cmd.Wait(), &stopped)
	require.Equal(t, 1, stopped.ExitCode())
	require.Contains(t, stderr.String(), "stopped in good order")

	out, err := command(t, cfg).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "Going on from its journal.")
	assert.Contains(t, string(out), "12 of 12 say v3")
}
