//go:build unix

package guardrails_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Namer      = (*guardrails.Taste)(nil)
	_ guardrails.SelfTester = (*guardrails.Taste)(nil)
	_ analysis.Problemer    = (*guardrails.Taste)(nil)
)

// sensor is a program that loads a content file: it wants 21 fields, and dies of fewer.
const sensor = `set -- $(cat "$1"); [ $# -ge 21 ] || kill -SEGV $$`

// CrowdStrike, July 2024: content with 20 fields for a sensor that reads 21, sent to all
// machines at once. Its validator counted them, and was wrong.
func TestTasteFindsWhatTheValidatorMissed(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "290"), filepath.Join(dir, "291")
	require.NoError(t, os.WriteFile(good, []byte(strings.Repeat("field ", 21)), 0o600))
	require.NoError(t, os.WriteFile(bad, []byte(strings.Repeat("field ", 20)), 0o600))
	validator := &guardrails.Validator{Validate: func(context.Context) error { return nil }}
	run := func(content string, guards ...guardrails.Guard) (lost int) {
		if guardrails.Check(t.Context(), guards, guardrails.Action{Verb: guardrails.Start}) != nil {
			return 0
		}
		for range 5 { // machines
			if exec.Command("sh", "-c", sensor, "sensor", content).Run() != nil {
				lost++
			}
		}
		return lost
	}
	taste := func(content string) *guardrails.Taste {
		return &guardrails.Taste{Args: []string{"sh", "-c", sensor, "sensor", content}, KnownBad: []string{"sh", "-c", sensor, "sensor", bad}}
	}
	require.Zero(t, run(bad, validator, taste(bad)))
	require.Equal(t, 5, run(bad, validator), "and without it")
	require.Zero(t, run(good, validator, taste(good)))
	require.NoError(t, taste(good).Check(t.Context(), guardrails.Action{Verb: guardrails.Start}))
	require.NoError(t, taste(good).SelfTest(t.Context()))
	blind := &guardrails.Taste{Args: []string{"true"}, KnownBad: []string{"true"}}
	require.ErrorContains(t, blind.SelfTest(t.Context()), "it let through an artifact that is known to be bad")
}

func TestTaste(t *testing.T) {
	sh := func(script string) []string { return []string{"sh", "-c", script} }
	const while = 100 * time.Millisecond
	for _, tc := range []struct {
		story    string
		taste    *guardrails.Taste
		evidence string // empty: let through
	}{
		{"to its end", &guardrails.Taste{Args: sh("exit 0")}, ""},
		{"not well", &guardrails.Taste{Args: sh("echo out of bounds >&2; exit 3")}, `exit status 3 (it said "out of bounds")`},
		{"killed", &guardrails.Taste{Args: sh("kill -SEGV $$")}, "signal: segmentation fault"},
		{"without an end", &guardrails.Taste{Args: sh("sleep 600"), Timeout: while}, "it did not end within 100ms"},
		{"alive for a while", &guardrails.Taste{Args: sh("exec sleep 600"), For: while}, ""},
		{"alive, with children", &guardrails.Taste{Args: sh("sleep 600 & sleep 600 & wait"), For: while}, ""},
		{"dead too early", &guardrails.Taste{Args: sh("exit 3"), For: time.Minute}, "exit status 3"},
		{"ended too early", &guardrails.Taste{Args: sh("exit 0"), For: time.Minute}, "it ended by itself, and should have stayed alive for 1m0s"},
		{"left somebody behind", &guardrails.Taste{Args: sh("sleep 600 & exit 0"), For: time.Minute}, "it ended by itself, and should have stayed alive for 1m0s"},
		{"a flood", &guardrails.Taste{Args: sh("yes"), For: time.Minute}, "the output is too large"},
		{"a little flood", &guardrails.Taste{Args: sh("echo hello"), MaxOutput: 3}, "the output is too large"},
		{"no such program", &guardrails.Taste{Args: []string{"no-such-program-at-all"}}, "executable file not found"},
		{"no such directory", &guardrails.Taste{Args: sh("exit 0"), Dir: "no-such-directory"}, "no such file or directory"},
		{"its environment", &guardrails.Taste{Args: sh(`[ "$A" = b ]`), Env: []string{"A=b", "PATH=" + os.Getenv("PATH")}}, ""},
		{"its directory", &guardrails.Taste{Args: sh(`[ "$(pwd -P)" = / ]`), Dir: "/"}, ""},
		{"zero", &guardrails.Taste{}, "Args name no program, so nothing would be tasted"},
		{"nonsense", &guardrails.Taste{Args: sh("exit 0"), For: -1, Timeout: -1, Fresh: -1, MaxOutput: -1},
			"For is negative (-1ns); Timeout is negative (-1ns); Fresh is negative (-1ns); MaxOutput is negative (-1)"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			err := tc.taste.Check(t.Context(), guardrails.Action{Verb: guardrails.Start})
			if tc.evidence == "" {
				require.NoError(t, err)
				return
			}
			require.Contains(t, refusal(t, tc.taste, err).Evidence, tc.evidence)
		})
	}
}

// Nothing is left of what was tasted, however stubborn, and a check that goes away does
// not leave it half done.
func TestTasteLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	script := `trap "" TERM; (trap "" TERM; echo $$ >>"$1"; sleep 600) & echo $! >>"$1"; wait; sleep 600`
	taste := &guardrails.Taste{Args: []string{"sh", "-c", script, "sh", pids}, For: time.Second}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	b := refusal(t, taste, taste.Check(ctx, guardrails.Action{Verb: guardrails.Start}))
	require.Equal(t, "the artifact is still being tasted", b.Reason)
	require.ErrorIs(t, b, context.DeadlineExceeded)
	require.NoError(t, taste.Check(t.Context(), guardrails.Action{Verb: guardrails.Start}))
	written, err := os.ReadFile(pids)
	require.NoError(t, err)
	for _, pid := range strings.Fields(string(written)) {
		n, err := strconv.Atoi(pid)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return dead(n) }, 10*time.Second, 10*time.Millisecond, "%d", n)
	}
	require.Len(t, strings.Fields(string(written)), 2, "it was run once")
}

// dead tells whether a process is gone, or waits for somebody to note that it is.
func dead(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestTasteGoesByItsVerdict(t *testing.T) {
	file := filepath.Join(t.TempDir(), "content")
	taste := &guardrails.Taste{Args: []string{"test", "-e", file}}
	ask := func(verb guardrails.Verb) error { return taste.Check(t.Context(), guardrails.Action{Verb: verb}) }
	for _, verb := range []guardrails.Verb{guardrails.Bake, guardrails.Undo, guardrails.Recover} {
		require.NoError(t, ask(verb))
	}
	for _, verb := range []guardrails.Verb{guardrails.Deploy, guardrails.Unknown, 99, guardrails.Start} {
		refusal(t, taste, ask(verb))
	}
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, ask(guardrails.Deploy), "a verdict stands")
	require.NoError(t, taste.Run(t.Context()))
	require.NoError(t, os.Remove(file))
	require.NoError(t, ask(guardrails.Deploy))
	require.NoError(t, ask(guardrails.Start))
	require.ErrorContains(t, taste.Run(t.Context()), "guardrails: taste: procgroup: test: exit status 1")
}

func TestTasteSelfTest(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	taste := &guardrails.Taste{Args: []string{"touch", ran}}
	require.Empty(t, problems(taste))
	require.NoError(t, taste.SelfTest(t.Context()))
	require.NoFileExists(t, ran, "a self-test does not load the artifact")
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.Taste{}), guardrails.ErrSelfTest)
	require.Equal(t, []string{"Args name no program, so nothing would be tasted"}, problems(&guardrails.Taste{Args: []string{""}}))
}
