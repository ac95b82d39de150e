//go:build unix

package planfile_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/planfile"
)

// A plan file is carried out as it stands: three targets by a program, in three waves.
func TestAPlanFileIsCarriedOut(t *testing.T) {
	result, log, err := carriedOut(t, "1")
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, result.Phase)
	require.Equal(t, []string{"a v2", "b v2", "c v2"}, log)
}

// The same plan, and a release whose figure is below the limit: what was deployed is
// taken back, the flag is turned off first, and nobody else gets it.
func TestAPlanFileIsTakenBack(t *testing.T) {
	result, log, err := carriedOut(t, "0.5")
	require.ErrorIs(t, err, rollout.ErrRolledBack)
	require.Equal(t, rollout.RolledBack, result.Phase)
	require.Equal(t, []string{"a v2", "flag off", "a v1"}, log)
}

// carriedOut runs a plan file in which a program tells the figure, and returns what the
// programs have noted down.
func carriedOut(t *testing.T, figure string) (rollout.Result, []string, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "figure.txt"), []byte(figure), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "note.sh"), []byte("#!/bin/sh\necho \"$1 $2\" >> \"$(dirname \"$0\")/log\"\n"), 0o700))
	f, err := planfile.Decode(filepath.Join(dir, "plan.yaml"), fmt.Appendf(nil, `
name: shop-v2
release: {service: shop, from: v1, to: v2}
targets: [a, b, c]
deployer: {exec: {deploy: [./note.sh, "{target}", "{version}"]}}
waves: {counts: [1, 1]}
gate:
  interval: 50ms
  no-preflight: the figure is that of the release
  checks:
    - {name: figure, source: {command-value: [cat, %s]}, judge: {above: {limit: 1, canary-only: true}}}
guards: [kill-switch: stop]
rollback: {jitter: none, fast: [{name: flag, run: [./note.sh, flag, "off"]}]}
`, filepath.Join(dir, "figure.txt")), planfile.Options{})
	require.NoError(t, err)
	runner := rollout.Runner{Plan: f.Plan, Deployer: f.Deployer, Journal: &rollout.MemoryJournal{}, Logger: slog.New(slog.DiscardHandler)}
	result, err := runner.Run(t.Context())
	log := strings.Split(strings.TrimSpace(string(read(t, filepath.Join(dir, "log")))), "\n")
	return result, log, err
}

// Guards that stand in a file do what they say: here by the programs that they name.
func TestGuardsRunTheirPrograms(t *testing.T) {
	for guard, want := range map[string]string{
		`error-budget: {run: [echo, "0.5"], min: 10%}`:                                        "",
		`error-budget: {run: [echo, "0.05"], min: 10%}`:                                       "10%",
		`error-budget: [echo, plenty]`:                                                        "it wrote no number",
		`validator: ["true"]`:                                                                 "",
		`validator: {run: ["false"], known-bad: ["false"]}`:                                   "exit status 1",
		`min-healthy: {percent: 50%, probe: ["true", "{target}"]}`:                            "",
		`min-healthy: {percent: 50%, probe: [test, "{target}", "=", a]}`:                      "0 of 4",
		`metric: {name: m, source: {command-value: [echo, "3"]}, judge: {below: {limit: 1}}}`: "3 is above 1",
	} {
		t.Run(guard, func(t *testing.T) {
			text := head + "targets: [a, b, c, d]\nguards: [{" + guard + "}]\n"
			f, err := planfile.Decode("p.yaml", []byte(text), planfile.Options{})
			require.NoError(t, err)
			breach := guardrails.Check(t.Context(), f.Plan.Guards, guardrails.Action{
				Verb: guardrails.Deploy, Rollout: "p", Service: "shop", From: "v1", To: "v2", Target: "a", Wave: 1,
			})
			if want == "" {
				require.Nil(t, breach)
				return
			}
			require.NotNil(t, breach)
			require.Contains(t, breach.Reason+" "+breach.Evidence, want)
		})
	}
}

// Traffic is shifted by a program, and the plan needs neither targets nor a deployer.
func TestTrafficIsShifted(t *testing.T) {
	f := decoded(t, "testdata/good/traffic.yaml", read(t, "testdata/good/traffic.yaml"))
	require.Nil(t, f.Deployer)
	waves, err := f.Plan.Waves.Split(nil)
	require.NoError(t, err)
	require.Len(t, waves, 3)
	require.NoError(t, waves[0].Steps[0].Do(t.Context()))
}

// Whatever may stand in a file by name stands in one of the good files, and in the
// documentation.
func TestEveryKindIsTried(t *testing.T) {
	var all strings.Builder
	for _, path := range files(t, "good") {
		all.Write(read(t, path))
	}
	doc := string(read(t, "doc.go"))
	known := planfile.Standard()
	var names []string
	for name := range known.Sources {
		names = append(names, name)
	}
	for name := range known.Judges {
		names = append(names, name)
	}
	for name := range known.Guards {
		names = append(names, name)
	}
	for _, name := range append(names, "exec", "all-at-once", "one-box-then-double", "canary-10-percent-5-minutes", "linear-10-percent-every-minute") {
		require.True(t, strings.Contains(all.String(), name), name)
		require.True(t, strings.Contains(doc, name), "%s is not in the documentation", name)
	}
}
