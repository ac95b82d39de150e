//go:build unix

package execdeploy_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/execdeploy"
)

var (
	host    = rollout.Target{Name: "host-1"}
	forward = rollout.Release{Service: "app", From: "v1", To: "v2", Fence: 3, Key: "app-v2/do/host-1", Wave: 2}
	back    = rollout.Release{Service: "app", From: "v2", To: "v1", Fence: 4, Key: "app-v2/undo/host-1", Wave: 2, Undo: true}
)

func deployer(t *testing.T, c execdeploy.Commands) rollout.Deployer {
	d, err := c.Deployer()
	require.NoError(t, err)
	return d
}

// shell is a command that runs a line, with the placeholders as $1 to $4.
func shell(line string) []string {
	return []string{"/bin/sh", "-c", line, "sh", "{target}", "{version}", "{from}", "{wave}"}
}

func TestDeploy(t *testing.T) {
	t.Parallel()
	const say = `echo "$1 $2 $3 $4; $TIDEGATE_TARGET $TIDEGATE_VERSION $TIDEGATE_FROM $TIDEGATE_WAVE $TIDEGATE_FENCE $TIDEGATE_KEY"`
	for name, tc := range map[string]struct {
		commands execdeploy.Commands
		release  rollout.Release
		wrote    string
	}{
		"forward":  {execdeploy.Commands{Deploy: shell(say)}, forward, "host-1 v2 v1 2; host-1 v2 v1 2 3 app-v2/do/host-1\n"},
		"back":     {execdeploy.Commands{Deploy: shell(say)}, back, "host-1 v1 v2 2; host-1 v1 v2 2 4 app-v2/undo/host-1\n"},
		"undo":     {execdeploy.Commands{Deploy: []string{"false"}, Undo: shell(say)}, back, "host-1 v1 v2 2; host-1 v1 v2 2 4 app-v2/undo/host-1\n"},
		"no shell": {execdeploy.Commands{Deploy: []string{"echo", "$(id) {target};`id`", "{unknown} {"}}, forward, "$(id) host-1;`id` {unknown} {\n"},
		"a shell":  {execdeploy.Commands{Shell: true, Deploy: []string{`echo "$TIDEGATE_TARGET" $1 | tr a-z A-Z`, "{version}"}}, forward, "HOST-1 V2\n"},
		"both":     {execdeploy.Commands{Deploy: shell("echo one; echo two >&2; echo three")}, forward, "one\ntwo\nthree\n"},
		"no input": {execdeploy.Commands{Deploy: shell("cat; echo end")}, forward, "end\n"},
		"env":      {execdeploy.Commands{Deploy: shell("echo $A$TIDEGATE_TARGET"), Env: []string{"A=1", "TIDEGATE_TARGET=forged"}}, forward, "1host-1\n"},
		"dir":      {execdeploy.Commands{Deploy: []string{"pwd"}, Dir: "/"}, forward, "/\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.commands.OutputDir = t.TempDir()
			require.NoError(t, deployer(t, tc.commands).Deploy(t.Context(), host, tc.release))
			text, err := os.ReadFile(execdeploy.OutputPath(tc.commands.OutputDir, host.Name))
			require.NoError(t, err)
			title, wrote, _ := strings.Cut(string(text), "\n")
			require.Regexp(t, `^--- \d{4}-.*Z, (deploy v2|undo v1), wave 2$`, title)
			require.Equal(t, tc.wrote, wrote)
		})
	}
}

// A target's name is one argument, whatever is in it, and no way out of the folder.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "$(touch /tmp/x)", "../../etc/passwd", "{version}", "-rf", "ünï", strings.Repeat("x", 300), ".", "a/b"} {
		dir := t.TempDir()
		d := deployer(t, execdeploy.Commands{Deploy: []string{"printf", "%s", "{target}"}, OutputDir: dir})
		require.NoError(t, d.Deploy(t.Context(), rollout.Target{Name: name}, forward))
		path := execdeploy.OutputPath(dir, name)
		require.Equal(t, dir, filepath.Dir(path))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(string(text), "\n"+name), "%q", text)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line, err string
	}{
		"status":      {"echo why; exit 3", `deploy: sh: exit status 3 (it said "why")`},
		"silent":      {"exit 3", `deploy: sh: exit status 3`},
		"signal":      {"kill -SEGV $$", `signal: segmentation fault`},
		"long":        {"seq 1000; exit 1", `(it said …"`},
		"secret":      {"echo the token is sesame; exit 1", `(it said "the token is [redacted]")`},
		"part of one": {"echo the token is sesa; exit 1", `(it said "the token is sesa")`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deployer(t, execdeploy.Commands{Deploy: append(shell(tc.line), "sesame"), Redact: []string{"sesame"}})
			err := d.Deploy(t.Context(), host, forward)
			require.ErrorContains(t, err, tc.err)
			require.NotContains(t, err.Error(), "sesame")
			require.Less(t, len(err.Error()), 1000)
		})
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := deployer(t, execdeploy.Commands{Deploy: shell("seq 100000"), OutputDir: dir, MaxOutput: 100})
	for range 40 {
		require.NoError(t, d.Deploy(t.Context(), host, forward))
	}
	text, err := os.ReadFile(execdeploy.OutputPath(dir, host.Name))
	require.NoError(t, err)
	require.Less(t, len(text), 4000)
	runs := strings.Split(string(text), ", deploy v2, wave 2\n")
	require.Contains(t, runs[1], "1\n2\n3\n")
	require.Contains(t, runs[1], "\n--- 588795 bytes are left out here\n")
	require.True(t, strings.HasSuffix(string(text), "99999\n100000\n"))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2, "and the one before it")
}

func TestSilenceLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, deployer(t, execdeploy.Commands{Deploy: []string{"true"}, OutputDir: dir}).Deploy(t.Context(), host, forward))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files)
}

// A program that is stopped has failed, whatever it makes of that, and is gone with
// what it has started.
func TestStop(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"ends at once":    "echo $$ >ready; exec sleep 60",
		"says it is well": "trap 'exit 0' TERM; echo $$ >ready; sleep 60 & wait",
		"deaf":            "trap '' TERM; echo $$ >ready; while :; do sleep 0.05; done",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			d := deployer(t, execdeploy.Commands{Deploy: shell(line), Dir: dir, Grace: 100 * time.Millisecond})
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("the gate closed")
			failed := make(chan error, 1)
			go func() { failed <- d.Deploy(ctx, host, forward) }()
			require.Eventually(t, func() bool {
				_, err := os.Stat(filepath.Join(dir, "ready"))
				return err == nil
			}, time.Minute, time.Millisecond)
			cancel(why)
			err := <-failed
			require.ErrorIs(t, err, why)
			require.ErrorContains(t, err, "deploy: sh: stopped: the gate closed")
		})
	}
}

// A daemon that a program starts, in a session of its own, may hold on to its output:
// the program has ended well.
func TestDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := deployer(t, execdeploy.Commands{Deploy: shell("setsid sh -c 'echo $$ >pid; exec sleep 60' & until [ -s pid ]; do sleep 0.01; done; echo started"), Dir: dir, OutputDir: dir, Grace: 100 * time.Millisecond})
	t.Cleanup(func() {
		pid, _ := os.ReadFile(filepath.Join(dir, "pid"))
		_ = exec.Command("kill", strings.TrimSpace(string(pid))).Run()
	})
	require.NoError(t, d.Deploy(t.Context(), host, forward))
	text, err := os.ReadFile(execdeploy.OutputPath(dir, host.Name))
	require.NoError(t, err)
	require.Contains(t, string(text), "started")
}

func TestCheckAndVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := deployer(t, execdeploy.Commands{
		Dir: dir, Redact: []string{"sesame"},
		Deploy:  shell(`[ $1 = host-1 ] && echo " $2" >version`),
		Check:   shell(`echo "not $2, sesame"; grep -q "$2" version && [ -z "$TIDEGATE_KEY$TIDEGATE_FENCE" ]`),
		Version: []string{"cat", "version"},
	})
	v, isVersioner := d.(rollout.Versioner)
	require.True(t, isVersioner)
	_, err := v.Version(t.Context(), host)
	require.ErrorContains(t, err, "version: cat: exit status 1")
	require.NoError(t, d.Deploy(t.Context(), host, forward))
	version, err := v.Version(t.Context(), host)
	require.NoError(t, err)
	require.Equal(t, "v2", version)
	healthy, err := d.(rollout.Prober).Healthy(t.Context(), host)
	require.NoError(t, err)
	require.True(t, healthy)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "version"), []byte("\n"), 0o600))
	_, err = v.Version(t.Context(), host)
	require.ErrorContains(t, err, "version: it wrote nothing")
	healthy, err = d.(rollout.Prober).Healthy(t.Context(), host)
	require.ErrorContains(t, err, `check: sh: exit status 1 (it said "not v2, [redacted]")`)
	require.False(t, healthy)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "version"), make([]byte, 2000), 0o600))
	_, err = v.Version(t.Context(), host)
	require.ErrorContains(t, err, "more than 1024 bytes")

	_, isVersioner = deployer(t, execdeploy.Commands{Deploy: []string{"true"}}).(rollout.Versioner)
	require.False(t, isVersioner)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	_, err := execdeploy.Commands{
		Deploy: []string{"no-such-program"}, Undo: []string{""}, Check: []string{"true", "a\x00b"}, Version: []string{"true", "{version}"},
		Grace: -1, MaxOutput: -1, Redact: []string{""}, OutputDir: "/no/such",
	}.Deployer()
	require.ErrorIs(t, err, rollout.ErrInvalidPlan)
	for _, problem := range []string{
		`Commands.Deploy[0]: cannot be run: exec: "no-such-program": executable file not found`,
		"Commands.Undo[0]: is empty: want a program",
		"Commands.Check[1]: has a NUL",
		"Commands.Version[1]: has {version}, which nobody knows when this is asked",
		"Commands.Grace: is negative", "Commands.MaxOutput: is negative", "Commands.Redact: has an empty secret",
		"Commands.OutputDir: stat /no/such: no such file",
	} {
		require.ErrorContains(t, err, problem)
	}
	_, err = execdeploy.Commands{}.Deployer()
	require.ErrorContains(t, err, "Commands.Deploy: is empty")
	_, err = execdeploy.Commands{Shell: true, Deploy: []string{"rm -rf /srv/{target}"}}.Deployer()
	require.ErrorContains(t, err, `has {target} in a line for the shell, where a name could break out of it: write "$TIDEGATE_TARGET"`)
}
