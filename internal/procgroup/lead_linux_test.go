package procgroup_test

import (
	"bytes"
	"context"
	"io"
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

// led runs a script by Lead until it has told its numbers, and stops it.
func led(t *testing.T, script string, grace time.Duration, out io.Writer) (all []int, stopped bool, err error) {
	t.Helper()
	path := fifo(t)
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "FIFO="+path)
	cmd.Stdout = out
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, stopped, err = procgroup.Lead(ctx, cmd, grace)
	}()
	all = pids(t, path)
	cancel(errStop)
	<-ended
	return all, stopped, err
}

func TestLeadStops(t *testing.T) {
	t.Parallel()
	const brief, ample = 100 * time.Millisecond, time.Minute
	for name, test := range map[string]struct {
		script string
		grace  time.Duration
		wrote  string
		err    string
	}{
		"a program":                      {"echo $$ >$FIFO; exec sleep 600", ample, "", "signal: terminated"},
		"a grandchild":                   {"sleep 600 & echo $$ $! >$FIFO; wait", ample, "", "signal: terminated"},
		"one that cleans up":             {"sleep 600 & trap 'echo tidy; exit 0' TERM; echo $$ $! >$FIFO; wait", ample, "tidy\n", ""},
		"a grandchild that cleans up":    {"sh -c 'trap \"sleep 0.2; echo tidy; exit\" TERM; echo $PPID $$ >$FIFO; while :; do sleep 0.02; done' & wait", ample, "tidy\n", "signal: terminated"},
		"one that ignores TERM":          {"trap '' TERM; echo $$ >$FIFO; exec sleep 600", brief, "", "signal: killed"},
		"a grandchild that ignores TERM": {"trap '' TERM; sleep 600 & echo $$ $! >$FIFO; wait", brief, "", "signal: killed"},
		"one that fails":                 {"trap 'exit 7' TERM; echo $$ >$FIFO; while :; do sleep 0.02; done", ample, "", "exit status 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			all, stopped, err := led(t, test.script, test.grace, &out)
			require.True(t, stopped)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.err)
			}
			require.Equal(t, test.wrote, out.String())
			require.NotEmpty(t, all)
			for _, pid := range all {
				require.Eventually(t, func() bool { return gone(t, pid) }, 10*time.Second, time.Millisecond, "process %d of %v", pid, all)
			}
		})
	}
}

// What leaves the group can't be stopped, and Lead says so.
func TestLeadTellsOfAnEscape(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setsid"); err != nil {
		require.Empty(t, os.Getenv("CI"), "nothing may be skipped in CI: %v", err)
		t.Skip(err)
	}
	all, _, err := led(t, `setsid sh -c 'echo $$ >$FIFO; exec sleep 600' & wait`, 200*time.Millisecond, nil)
	defer func() { _ = syscall.Kill(all[0], syscall.SIGKILL) }()
	require.ErrorIs(t, err, procgroup.ErrEscaped)
	require.False(t, gone(t, all[0]))
}

func TestLeadEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cmd   *exec.Cmd
		begun bool
		err   string
	}{
		"well":               {exec.Command("true"), true, ""},
		"with a status":      {exec.Command("sh", "-c", "exit 3"), true, "exit status 3"},
		"no program":         {exec.Command("no-such-program"), false, `procgroup: exec: "no-such-program": executable file not found in $PATH`},
		"no command":         {nil, false, "procgroup: there is no program to run"},
		"an empty one":       {&exec.Cmd{}, false, "procgroup: there is no program to run"},
		"no directory":       {&exec.Cmd{Path: "/bin/true", Dir: "/no/such"}, false, "procgroup: stat /no/such: no such file or directory"},
		"a group of others":  {&exec.Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Pgid: 1}}, false, "procgroup: the command is to join another group, which is not ours to stop"},
		"a session":          {&exec.Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Setsid: true}}, true, ""},
		"with a daemon left": {exec.Command("sh", "-c", "setsid sleep 0.5 >/dev/null 2>&1 & sleep 0.1"), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, stopped, err := procgroup.Lead(t.Context(), test.cmd, time.Second)
			require.False(t, stopped)
			require.Equal(t, test.begun, begun)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.err)
		})
	}
}

// What a command leaves in its group ends with it, though it holds the output.
func TestLeadLeavesNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cmd := exec.Command("sh", "-c", "trap '' TERM; sleep 600 & echo $!")
	cmd.Stdout = &out
	begun, _, err := procgroup.Lead(t.Context(), cmd, time.Minute)
	require.NoError(t, err)
	require.True(t, begun)
	pid, err := strconv.Atoi(strings.TrimSpace(out.String()))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return gone(t, pid) }, 10*time.Second, time.Millisecond)
}

// The caller's files keep their numbers, and its command is as before.
func TestLeadKeepsTheFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "three")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	cmd := exec.Command("sh", "-c", "echo three >&3")
	cmd.ExtraFiles = []*os.File{file}
	_, _, err = procgroup.Lead(t.Context(), cmd, 0)
	require.NoError(t, err)
	require.Equal(t, []*os.File{file}, cmd.ExtraFiles)
	wrote, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "three\n", string(wrote))

	begun, _, err := procgroup.Lead(t.Context(), cmd, 0)
	require.False(t, begun)
	require.EqualError(t, err, "procgroup: the command was started before")
}

// A pipe that nobody reads fills up. The program waits, until it is stopped.
func TestLeadOfAFloodThatNobodyReads(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	cmd := exec.Command("cat", "/dev/zero")
	cmd.Stdout = w
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun, stopped, err := procgroup.Lead(ctx, cmd, time.Minute)
	require.True(t, begun && stopped)
	require.EqualError(t, err, "signal: terminated")
}
