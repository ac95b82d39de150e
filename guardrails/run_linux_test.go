package guardrails_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// ended tells whether a process has. Nobody may have reaped it: in a container,
// process 1 often does not, and it answers to signal 0 for good.
func ended(t *testing.T, pid int) bool {
	t.Helper()
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return true
	}
	require.NoError(t, err)
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// written waits for a file with a line of process numbers.
func written(t *testing.T, path string) (all []int) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return false
		}
		all = all[:0]
		for _, word := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(word)
			require.NoError(t, err)
			all = append(all, pid)
		}
		return true
	}, 20*time.Second, 2*time.Millisecond)
	return all
}

// A file that is touched while a script runs ends the script, whatever that does, and
// all that it has started.
func TestRunStopsAScript(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		grace  time.Duration
		err    string
	}{
		"that waits":              {"echo $$ >$PIDS; exec sleep 600", time.Minute, "signal: terminated"},
		"that forks":              {"sleep 600 & (sleep 600 & echo $$ $! >$PIDS; wait)", time.Minute, "signal: terminated"},
		"that ignores TERM":       {"trap '' TERM; sleep 600 & echo $$ $! >$PIDS; while :; do sleep 600; done", 100 * time.Millisecond, "signal: killed"},
		"whose child does":        {"trap '' TERM; sleep 600 & trap - TERM; echo $$ $! >$PIDS; wait", 100 * time.Millisecond, "signal: terminated"},
		"that floods its output":  {"echo $$ >$PIDS; exec cat /dev/zero", time.Minute, "signal: terminated"},
		"that cleans up":          {"trap 'exit 3' TERM; sleep 600 & echo $$ $! >$PIDS; wait", time.Minute, "exit status 3"},
		"that ends well, if late": {"trap 'sleep 0.1; exit 0' TERM; sleep 600 & echo $$ $! >$PIDS; wait", time.Minute, "without an error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			stop, numbers := filepath.Join(dir, "stop"), filepath.Join(dir, "pids")
			kill := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.File(stop)}, Every: 500 * time.Millisecond}
			cmd := exec.Command("sh", "-c", test.script)
			cmd.Env = append(os.Environ(), "PIDS="+numbers)
			cmd.Stdout = new(counting)
			result := make(chan error, 1)
			go func() {
				g := guardrails.Guarded{Guards: []guardrails.Guard{kill}, Grace: test.grace}
				result <- g.Run(t.Context(), cmd)
			}()
			all := written(t, numbers)
			require.NoError(t, os.WriteFile(stop+".new", []byte("bad orders, bob\n"), 0o600))
			require.NoError(t, os.Rename(stop+".new", stop))
			err := <-result
			require.ErrorIs(t, err, guardrails.ErrStopped)
			require.ErrorContains(t, err, "bad orders, bob")
			require.ErrorContains(t, err, test.err)
			var exit *exec.ExitError
			require.Equal(t, test.err != "without an error", errors.As(err, &exit))
			for _, pid := range all {
				require.Eventually(t, func() bool { return ended(t, pid) }, 10*time.Second, time.Millisecond, "process %d of %v", pid, all)
			}
		})
	}
}

// counting takes all that is written.
type counting struct{ n int }

func (c *counting) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func TestRunEnds(t *testing.T) {
	t.Parallel()
	var kill guardrails.KillSwitch
	for name, test := range map[string]struct {
		cmd     *exec.Cmd
		err     string
		status  int
		refused bool
	}{
		"at once":             {cmd: exec.Command("true")},
		"with a status":       {cmd: exec.Command("sh", "-c", "exit 3"), err: "exit status 3", status: 3},
		"by a signal":         {cmd: exec.Command("sh", "-c", "kill -KILL $$"), err: "signal: killed", status: -1},
		"before it begins":    {cmd: exec.Command("no-such-program"), err: "executable file not found", refused: true},
		"without a command":   {err: "there is no program to run", refused: true},
		"with a child behind": {cmd: exec.Command("sh", "-c", "sleep 600 &")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := guardrails.Run(t.Context(), []guardrails.Guard{&kill}, test.cmd)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
			require.Equal(t, test.refused, errors.Is(err, guardrails.ErrRefused))
			require.NotErrorIs(t, err, guardrails.ErrStopped)
			var exit *exec.ExitError
			if require.Equal(t, test.status != 0, errors.As(err, &exit)); exit != nil {
				require.Equal(t, test.status, exit.ExitCode())
			}
		})
	}
}

func TestRunKeepsInputAndOutput(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	cmd := exec.Command("sh", "-c", "cat; echo why >&2")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(strings.Repeat("tide\n", 100_000)), &out, &errs
	require.NoError(t, guardrails.Run(t.Context(), []guardrails.Guard{&guardrails.KillSwitch{}}, cmd))
	require.Equal(t, 500_000, out.Len())
	require.Equal(t, "why\n", errs.String())
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	ran := filepath.Join(t.TempDir(), "ran")
	var kill guardrails.KillSwitch
	require.NoError(t, kill.Trip("alice", "orders are down"))
	err := guardrails.Run(t.Context(), []guardrails.Guard{&kill}, exec.Command("touch", ran))
	require.ErrorIs(t, err, guardrails.ErrRefused)
	require.ErrorContains(t, err, "orders are down")
	require.NoFileExists(t, ran)
}

// When the caller's context ends, so does the program, and the error says why.
func TestRunWithAContextThatEnds(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"and fails":      "echo $$ >$PIDS; exec sleep 600",
		"and ends well":  "trap 'exit 0' TERM; sleep 600 & echo $$ $! >$PIDS; wait",
		"and has a pipe": "sleep 600 | sleep 600 & echo $$ $! >$PIDS; wait",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			numbers := filepath.Join(t.TempDir(), "pids")
			cmd := exec.Command("sh", "-c", script)
			cmd.Env = append(os.Environ(), "PIDS="+numbers)
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := errors.New("ctrl-C")
			result := make(chan error, 1)
			go func() { result <- guardrails.Run(ctx, []guardrails.Guard{&guardrails.KillSwitch{}}, cmd) }()
			all := written(t, numbers)
			cancel(stop)
			err := <-result
			require.ErrorIs(t, err, stop)
			require.NotErrorIs(t, err, guardrails.ErrStopped)
			for _, pid := range all {
				require.Eventually(t, func() bool { return ended(t, pid) }, 10*time.Second, time.Millisecond)
			}
		})
	}
}

// One file stops all that share a switch, and nothing begins after it.
func TestRunStopsMany(t *testing.T) {
	t.Parallel()
	const scripts = 20
	dir := t.TempDir()
	stop := filepath.Join(dir, "stop")
	guards := []guardrails.Guard{&guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.File(stop)}}}
	results := make(chan error, scripts)
	for i := range scripts {
		cmd := exec.Command("sh", "-c", `echo $$ >"$0"; sleep 600 & wait`, filepath.Join(dir, "pid-"+strconv.Itoa(i)))
		go func() { results <- guardrails.Run(t.Context(), guards, cmd) }()
	}
	for i := range scripts {
		written(t, filepath.Join(dir, "pid-"+strconv.Itoa(i)))
	}
	require.NoError(t, os.Mkdir(stop, 0o700)) // anything that is there counts
	for range scripts {
		require.ErrorIs(t, <-results, guardrails.ErrStopped)
	}
	ran := filepath.Join(dir, "ran")
	require.ErrorIs(t, guardrails.Run(t.Context(), guards, exec.Command("touch", ran)), guardrails.ErrRefused)
	require.NoFileExists(t, ran)
}
