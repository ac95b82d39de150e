package procgroup_test

import (
	"bufio"
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

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

var errStop = errors.New("the gate closed")

// gone tells whether a process has ended. Nobody may have reaped it: in a
// container, process 1 often does not.
func gone(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return true
	}
	require.NoError(t, err)
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}

// a fifo from which a script's words can be awaited.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	return path
}

// pids reads one line of process numbers from a fifo, in which the script that
// writes it says that it is set up.
func pids(t *testing.T, path string) (all []int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		t.Error(err)
	}
	for _, word := range strings.Fields(line) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Error(err)
		}
		all = append(all, pid)
	}
	return all
}

// stopped runs a script until it has told its numbers, and stops it.
func stopped(t *testing.T, script string, grace time.Duration) (procgroup.Output, []int, error) {
	t.Helper()
	path := fifo(t)
	c := shell(script)
	c.Grace, c.Env = grace, append(os.Environ(), "FIFO="+path)
	ctx, cancel := context.WithCancelCause(t.Context())
	told := make(chan []int)
	go func() {
		told <- pids(t, path)
	}()
	type result struct {
		out procgroup.Output
		err error
	}
	ended := make(chan result, 1)
	go func() {
		out, err := c.Run(ctx)
		ended <- result{out, err}
	}()
	all := <-told
	cancel(errStop)
	r := <-ended
	return r.out, all, r.err
}

func TestStop(t *testing.T) {
	t.Parallel()
	const brief, ample = 100 * time.Millisecond, time.Minute
	for name, test := range map[string]struct {
		script string
		grace  time.Duration
		stdout string
	}{
		"a program":                          {"echo $$ >$FIFO; exec sleep 600", ample, ""},
		"a grandchild with the pipe":         {"sleep 600 & echo $$ $! >$FIFO; wait", ample, ""},
		"a grandchild without":               {"sleep 600 >/dev/null 2>&1 & echo $$ $! >$FIFO; wait", ample, ""},
		"one that cleans up":                 {"sleep 600 & trap 'echo tidy; exit 0' TERM; echo $$ $! >$FIFO; wait", ample, "tidy\n"},
		"a grandchild that cleans up":        {"sh -c 'trap \"sleep 0.2; echo tidy; exit\" TERM; echo $PPID $$ >$FIFO; while :; do sleep 0.02; done' & wait", ample, "tidy\n"},
		"one that ignores TERM":              {"trap '' TERM; echo $$ >$FIFO; exec sleep 600", brief, ""},
		"a grandchild that ignores TERM":     {"(trap '' TERM; exec sleep 600) & (trap '' TERM; exec sleep 600) & g=$!; trap '' TERM; echo $$ $g >$FIFO; wait", brief, ""},
		"an orphan that ignores TERM":        {"trap '' TERM; sleep 600 & trap - TERM; echo $$ $! >$FIFO; wait", brief, ""},
		"one that is stopped by a signal":    {"echo $$ >$FIFO; kill -STOP $$", brief, ""},
		"one that closed its output":         {"exec >/dev/null 2>&1; echo $$ >$FIFO; exec sleep 600", ample, ""},
		"a tree of them":                     {"for i in 1 2 3; do sh -c 'sleep 600 & wait' & done; echo $$ $! >$FIFO; wait", ample, ""},
		"one that writes and writes to both": {"trap '' TERM; echo $$ >$FIFO; while :; do echo x >&2; done", brief, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, all, err := stopped(t, test.script, test.grace)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errStop)
			require.Equal(t, test.stdout, string(out.Stdout))
			require.NotEmpty(t, all)
			for _, pid := range all {
				require.Eventually(t, func() bool { return gone(t, pid) }, 10*time.Second, time.Millisecond, "process %d of %v", pid, all)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := shell("sleep 600 & wait").Run(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// What a program leaves in its group ends with it, at once.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"with the pipe":    "sleep 600 & echo $!",
		"without":          "sleep 600 >/dev/null 2>&1 & echo $!",
		"that ignore TERM": "trap '' TERM; sleep 600 & echo $!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := shell(script).Run(t.Context())
			require.NoError(t, err)
			pid, err := strconv.Atoi(strings.TrimSpace(string(out.Stdout)))
			require.NoError(t, err)
			require.Eventually(t, func() bool { return gone(t, pid) }, 10*time.Second, time.Millisecond)
		})
	}
}

// One that has left the group can't be found, but Run ends, and says so.
func TestEscape(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"setsid", "ps"} {
		if _, err := exec.LookPath(tool); err != nil {
			require.Empty(t, os.Getenv("CI"), "nothing may be skipped in CI: %v", err)
			t.Skip(err)
		}
	}
	c := shell("setsid sleep 600 & echo $!; while [ $(ps -o pgid= -p $! | tr -d ' ') != $! ]; do :; done")
	c.Grace = 100 * time.Millisecond
	out, err := c.Run(t.Context())
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(out.Stdout)))
	require.NoError(t, convErr)
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	require.ErrorIs(t, err, procgroup.ErrHeld)
	require.False(t, gone(t, pid))
}

// A program that has closed its output has its grace, too.
func TestGraceInSilence(t *testing.T) {
	t.Parallel()
	tidy := filepath.Join(t.TempDir(), "tidy")
	_, _, err := stopped(t, "exec >/dev/null 2>&1; trap 'sleep 0.1; touch "+tidy+"; exit' TERM; echo $$ >$FIFO; while :; do sleep 0.02; done", time.Minute)
	require.ErrorIs(t, err, errStop)
	require.FileExists(t, tidy)
}
