//go:build unix

package procgroup_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// shell runs a script with a grace that no test waits for in full unless it says
// so.
func shell(script string) procgroup.Command {
	return procgroup.Command{Args: []string{"/bin/sh", "-c", script}, Grace: time.Minute}
}

func TestRun(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("0123456789abcdef", 1<<14) // more than a pipe holds
	tests := map[string]struct {
		command        procgroup.Command
		stdout, stderr string
		err            string
		status         int
	}{
		"output":               {command: shell("echo out; echo err >&2"), stdout: "out\n", stderr: "err\n"},
		"silence":              {command: shell("true")},
		"input":                {command: procgroup.Command{Args: []string{"cat"}, Stdin: []byte(many)}, stdout: many},
		"input nobody reads":   {command: procgroup.Command{Args: []string{"true"}, Stdin: []byte(many)}},
		"no input":             {command: procgroup.Command{Args: []string{"cat"}}},
		"environment":          {command: procgroup.Command{Args: []string{"/bin/sh", "-c", "echo $A"}, Env: []string{"A=1", "A=2"}}, stdout: "2\n"},
		"directory":            {command: procgroup.Command{Args: []string{"pwd"}, Dir: "/"}, stdout: "/\n"},
		"no shell":             {command: procgroup.Command{Args: []string{"echo", "$(id);`id`"}}, stdout: "$(id);`id`\n"},
		"status":               {command: shell("echo half; echo why >&2; exit 7"), stdout: "half\n", stderr: "why\n", err: `procgroup: sh: exit status 7 (it said "why")`, status: 7},
		"signal":               {command: shell("kill -SEGV $$"), err: "signal: segmentation fault", status: -1},
		"no program":           {command: procgroup.Command{}, err: "procgroup: there is no program to run"},
		"unknown program":      {command: procgroup.Command{Args: []string{"no-such-program", "sesame"}}, err: `"no-such-program": executable file not found`},
		"no such file":         {command: procgroup.Command{Args: []string{"/no/such"}}, err: "/no/such: no such file"},
		"no such directory":    {command: procgroup.Command{Args: []string{"true"}, Dir: "/no/such"}, err: "/no/such: no such file"},
		"arguments are secret": {command: procgroup.Command{Args: []string{"false", "sesame"}}, err: "procgroup: false: exit status 1", status: 1},
		"as much as may be":    {command: procgroup.Command{Args: []string{"printf", "1234"}, MaxOutput: 4}, stdout: "1234"},
		"one more":             {command: procgroup.Command{Args: []string{"printf", "12345"}, MaxOutput: 4}, stdout: "1234", err: "printf: the output is too large"},
		"more than is kept":    {command: procgroup.Command{Args: []string{"printf", "12345"}, MaxOutput: 4, Overflow: true}, stdout: "1234"},
		"a flood":              {command: shell("exec cat /dev/zero"), stdout: string(make([]byte, 1<<20)), err: "the output is too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := test.command.Run(t.Context())
			require.Equal(t, test.stdout, string(out.Stdout))
			require.Equal(t, test.stderr, string(out.Stderr))
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
			require.NotContains(t, err.Error(), "sesame")
			var exit *exec.ExitError
			if require.Equal(t, test.status != 0, errors.As(err, &exit)); exit != nil {
				require.Equal(t, test.status, exit.ExitCode())
			}
		})
	}
}

func TestErrorsShowTheEndOfStderr(t *testing.T) {
	t.Parallel()
	out, err := shell("yes | head -c 9000000 >&2; echo the reason >&2; exit 1").Run(t.Context())
	require.Len(t, out.Stderr, 4096)
	require.True(t, bytes.HasSuffix(out.Stderr, []byte("y\ny\nthe reason\n")))
	require.ErrorContains(t, err, `ny\nthe reason")`)
	require.Less(t, len(err.Error()), 1000)
}

func TestNothingIsStartedTooLate(t *testing.T) {
	t.Parallel()
	stop := errors.New("the gate closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	out, err := shell("echo started").Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, stop)
	require.Empty(t, out)
}
