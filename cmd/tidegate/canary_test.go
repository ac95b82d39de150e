package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// steady is a series of points around a level, and the same ones for everybody.
func steady(level float64) string {
	var all []string
	for i := range 60 {
		all = append(all, fmt.Sprint(level+float64(i*7919%13)/100))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// metrics is a line with the levels of canary and baseline by metric, such as
// "errors=1/1"; a level of - has no points.
func metricsLine(list string) string {
	var all []string
	for _, one := range strings.Fields(list) {
		name, levels, _ := strings.Cut(one, "=")
		var sides []string
		for i, level := range strings.Split(levels, "/") {
			points := "[]"
			if level != "-" {
				var v float64
				_, _ = fmt.Sscan(level, &v)
				points = steady(v)
			}
			sides = append(sides, fmt.Sprintf(`%q:{"values":%s}`, []string{"canary", "baseline"}[i], points))
		}
		all = append(all, fmt.Sprintf(`%q:{%s}`, name, strings.Join(sides, ",")))
	}
	return `{"metrics":{` + strings.Join(all, ",") + `}}`
}

// A canary config of Kayenta's is scored by its groups.
func TestCanaryConfig(t *testing.T) {
	// Errors weigh 60, Latency 25.5, All the rest; latency is in the last two.
	for _, tc := range []struct {
		story, line, flags string
		exit               int
		score              float64
		grade, reason      string
	}{
		{"all the same", metricsLine("errors=1/1 latency=5/5 sales=9/9 cpu=1/9"), "", exitPass, 100, "Pass", "95 or more to pass"},
		{"more of what is good", metricsLine("errors=1/1 latency=5/5 sales=12/9"), "", exitPass, 100, "Pass", ""},
		{"critical", metricsLine("errors=7/1 latency=5/5 sales=9/9"), "", exitFail, 0, "Fail", `metric "errors" is critical and High; errors is High`},
		{"one of four", metricsLine("errors=1/1 latency=5/5 sales=1/9"), "", exitInconclusive, 92.75, "Marginal", "sales is Low"},
		{"by flags", metricsLine("errors=1/1 latency=5/5 sales=1/9"), "--pass 90", exitPass, 92.75, "Pass", ""},
		{"by other flags", metricsLine("errors=1/1 latency=5/5 sales=1/9"), "--marginal 93", exitFail, 92.75, "Fail", "95 or more to pass, 93 to be marginal"},
		{"must have data", metricsLine("errors=1/1 latency=-/5 sales=9/9"), "", exitFail, 67.25, "Fail", "latency is NodataFailMetric"},
		{"data for one of three", metricsLine("sales=9/9"), "", exitFail, 67.25, "Fail", "latency is NodataFailMetric"},
		{"nothing", `{"metrics":{}}`, "", exitFail, 60, "Fail", "latency is NodataFailMetric"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			args := slices.Concat([]string{"analyze", "--judge", "kayenta", "--config", "../../analysis/kayenta/testdata/checkout.json"}, strings.Fields(tc.flags), []string{"-"})
			code, stdout, stderr := runs(tc.line, args...)
			require.Empty(t, stderr)
			t.Log(stdout)
			var a struct {
				Score         float64
				Grade, Reason string
				Groups        []object
				Metrics       map[string]object
			}
			require.NoError(t, json.Unmarshal([]byte(stdout), &a))
			require.Equal(t, tc.exit, code)
			require.Equal(t, tc.score, a.Score)
			require.Equal(t, tc.grade, a.Grade)
			require.Contains(t, a.Reason, tc.reason)
			require.Len(t, a.Groups, 3)
			require.Len(t, a.Metrics, 4)
			require.Equal(t, true, a.Metrics["cpu"]["muted"])
		})
	}
}

// What Kayenta passes without having seen anything, or in spite of an error, does not
// pass, and no data is no fail.
func TestCanaryWithoutData(t *testing.T) {
	for _, tc := range []struct {
		config, line, outcome, reason string
		exit                          int
	}{
		{`{"metrics":[{"name":"a"},{"name":"b"}]}`, metricsLine("a=-/- b=1/1"), "inconclusive", "Fail: score 0 of 100, 95 or more to pass, 75 to be marginal; 1 of 2 metrics have no data", exitInconclusive},
		{`{"metrics":[{"name":"a"},{"name":"b","analysisConfigurations":{"canary":{"critical":true}}}]}`, metricsLine("a=1/1 b=-/-"), "fail", `metric "b" is critical and Nodata`, exitFail},
		{`{"metrics":[{"name":"a","groups":["x"],"analysisConfigurations":{"canary":{"nanStrategy":"replace"}}}],"classifier":{"groupWeights":{"x":100}}}`, metricsLine("a=-/-"), "inconclusive", "Kayenta passes this, tidegate passes nothing without data", exitInconclusive},
		{`{"metrics":[{"name":"a","groups":["x"]},{"name":"b","groups":["x"]}]}`, `{"metrics":{"a":{"canary":{"values":[1]},"baseline":{"values":[2]}},"b":{"canary":{"values":[1,2,3]},"baseline":{"values":[1,2,3]}}}}`, "error", `Kayenta passes this, but could not compare "a"`, exitInconclusive},
		{`{"metrics":[{"name":"a","groups":["x"]}],"classifier":{"scoreThresholds":{"pass":50,"marginal":20}}}`, `{"error":"timeout"}`, "error", "could not look: timeout", exitInconclusive},
	} {
		path := filepath.Join(t.TempDir(), "config.json")
		require.NoError(t, os.WriteFile(path, []byte(tc.config), 0o666))
		code, stdout, stderr := runs(tc.line, "analyze", "--judge", "kayenta", "--config", path, "-")
		require.Empty(t, stderr)
		var a struct{ Outcome, Reason string }
		require.NoError(t, json.Unmarshal([]byte(stdout), &a))
		require.Equal(t, tc.outcome, a.Outcome, stdout)
		require.Contains(t, a.Reason, tc.reason)
		require.Equal(t, tc.exit, code)
	}
}

func TestBadLinesOfACanary(t *testing.T) {
	const want = `want {"metrics":{"name":{"canary":{"values":[…]},"baseline":{"values":[…]}},…}}, as --config is a canary config`
	for line, want := range map[string]string{
		`{}`: want,
		`{"canary":{"values":[1]},"baseline":{"values":[1]}}`: want,
		`{"metrics":{},"canary":{"values":[1]}}`:              want,
		`{"metrics":[]}`:                                      "metrics is []: want an object",
		`{"metrics":{"errors":{"canary":{"value":1}}}}`:       `metrics.errors.canary is a value: --judge kayenta wants {"values":[…]}`,
		`{"metrics":{"errors":{"values":[1]}}}`:               `unknown field "metrics.errors.values": want canary or baseline`,
		`{"metrics":{"Errors":{}}}`:                           "metrics.Errors is in the line, but not in --config",
		`{"metrics":{"errors":{},"errors":{}}}`:               "metrics.errors is there twice",
		`{"metrics":{},"config":{}}`:                          "config is for a metric by itself: --config has those of all metrics",
		`{"metrics":{},"before":true}`:                        "before is for --judge notworse only",
	} {
		code, stdout, stderr := runs(line, "analyze", "--judge", "kayenta", "--config", "../../analysis/kayenta/testdata/checkout.json", "-")
		require.Equal(t, "tidegate: stdin:1: "+want+"\n", stderr)
		require.Equal(t, exitBadInput, code)
		require.Empty(t, stdout)
	}
}
