package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Whole runs: what is written, and what with the program exits.
func TestRuns(t *testing.T) {
	for _, tc := range []struct {
		golden string
		args   string
		file   string
		exit   int
	}{
		{"notworse", "--judge notworse", "notworse.jsonl", exitFail},
		{"trials", "--judge notworse", "trials.jsonl", exitFail},
		{"good", "--judge notworse", "good.jsonl", exitPass},
		{"good-strict", "--judge notworse --beta 0.00001 --negligible 0 --horizon 10 --detect 1.5 --tolerate 1 --alpha 0.001", "good.jsonl", exitInconclusive},
		{"above", "--judge above --limit 0.95", "values.jsonl", exitFail},
		{"above-tolerant", "--judge above --limit 0.95 --failures 1 --consecutive", "values.jsonl", exitPass},
		{"below", "--judge below --limit 1", "values.jsonl", exitPass},
		{"within", "--judge within --min 0.9 --max 0.985", "values.jsonl", exitFail},
		{"ratios", "--judge above --limit 0.9 --min-samples 40", "ratios.jsonl", exitInconclusive},
		{"kayenta", "--judge kayenta", "kayenta.jsonl", exitFail},
		{"configured", "--judge kayenta --config testdata/kayentaconfig.json", "configured.jsonl", exitFail},
		{"canary", "--judge kayenta --config ../../analysis/kayenta/testdata/checkout.json --pass 90", "canary.jsonl", exitFail},
		{"mannwhitney", "--judge mannwhitney", "mannwhitney.jsonl", exitFail},
		{"mannwhitney-less", "--judge mannwhitney --alternative less --alpha 0.2", "mannwhitney.jsonl", exitInconclusive},
	} {
		t.Run(tc.golden, func(t *testing.T) {
			args := append([]string{"analyze"}, strings.Fields(tc.args)...)
			code, stdout, stderr := runs("", append(args, filepath.Join("testdata", tc.file))...)
			require.Equal(t, tc.exit, code, stderr)
			require.Empty(t, stderr)
			compare(t, tc.golden, stdout)

			input, err := os.ReadFile(filepath.Join("testdata", tc.file))
			require.NoError(t, err)
			piped, same, _ := runs(string(input), append(args, "-")...)
			require.Equal(t, code, piped)
			require.Equal(t, stdout, same, "from stdin")
		})
	}
}

// The help is all that one needs to know.
func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	code, stdout, stderr := runs("", "analyze", "--help")
	require.Equal(t, exitPass, code)
	require.Empty(t, stderr)
	compare(t, "help", stdout)
}

// runs runs the program.
func runs(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// compare holds what was written against a golden file. Numbers have nine digits
// there: what comes after may differ between processors.
func compare(t *testing.T, name, got string) {
	t.Helper()
	got = regexp.MustCompile(`[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?`).ReplaceAllStringFunc(got, func(s string) string {
		if v, err := strconv.ParseFloat(s, 64); err == nil && len(s) > 10 {
			return fmt.Sprintf("%.9g", v)
		}
		return s
	})
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o666))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
