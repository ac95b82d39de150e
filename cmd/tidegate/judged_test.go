package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// judged runs the judge over lines, and returns the answers.
func judged(t *testing.T, exit int, lines []string, args ...string) (answers []object) {
	t.Helper()
	code, stdout, stderr := runs(strings.Join(lines, "\n"), append(append([]string{"analyze"}, args...), "-")...)
	require.Empty(t, stderr)
	require.Equal(t, exit, code, stdout)
	for line := range strings.Lines(stdout) {
		var o object
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		answers = append(answers, o)
	}
	require.Len(t, answers, len(lines))
	return answers
}

func times(n int, line func(i int) string) (all []string) {
	for i := range n {
		all = append(all, line(i))
	}
	return all
}

// Latency that gets worse shows in the histogram.
func TestHistogramsAreCompared(t *testing.T) {
	line := func(fast int) func(int) string {
		return func(int) string {
			return fmt.Sprintf(`{"canary":{"buckets":{"0.1":%d,"0.5":990,"+Inf":1000}},"baseline":{"buckets":{"0.1":900,"0.5":990,"+Inf":1000}}}`, fast)
		}
	}
	bad := judged(t, exitFail, times(30, line(700)), "--judge", "notworse")
	require.Equal(t, "fail", bad[29]["outcome"])
	require.Contains(t, bad[29]["reason"], "0.1")
	judged(t, exitPass, times(60, line(900)), "--judge", "notworse")
}

// A zone that is down shows, although the whole looks fine.
func TestSlicesAreJudged(t *testing.T) {
	line := func(int) string {
		return `{"canary":{"events":20,"total":10000},"baseline":{"events":20,"total":10000},"slices":[` +
			`{"name":"north","canary":{"events":0,"total":9900},"baseline":{"events":20,"total":9900}},` +
			`{"name":"south","canary":{"events":20,"total":100},"baseline":{"events":0,"total":100}}]}`
	}
	judged(t, exitPass, times(30, line), "--judge", "notworse")
	bad := judged(t, exitFail, times(30, line), "--judge", "notworse", "--per-slice")
	require.Equal(t, "south", bad[29]["slice"])
	judged(t, exitPass, times(3, line), "--judge", "below", "--limit", "0.1")
	bad = judged(t, exitFail, times(3, line), "--judge", "below", "--limit", "0.1", "--per-slice")
	require.Equal(t, "south", bad[2]["slice"])
}

// Values can be compared by those who know how comparable the arms are.
func TestValuesAreComparedAfterAnAAWindow(t *testing.T) {
	line := func(worse float64, before string) func(int) string {
		return func(i int) string {
			return fmt.Sprintf(`{"trial":"x",%s"canary":{"value":%v},"baseline":{"value":%v}}`, before,
				worse*(100+float64(i*7919%13)), 100+float64(i*104729%17))
		}
	}
	aa := times(100, line(1, `"before":true,`))
	after := times(60, line(3, ""))
	answers := judged(t, exitFail, append(aa, after...), "--judge", "notworse")
	require.Equal(t, object{
		"trial": "x", "observation": 1.0, "before": true, "outcome": "undecided",
		"reason": "from before the rollout: shows how comparable the arms are",
	}, answers[0])
	require.Contains(t, answers[159]["calibration"], "calibrated by an A/A window")
	require.EqualValues(t, 160, answers[159]["observation"])

	answers = judged(t, exitInconclusive, after, "--judge", "notworse")
	require.Contains(t, answers[59]["reason"], "not calibrated")
	judged(t, exitInconclusive, aa, "--judge", "notworse")
	judged(t, exitFail, append(times(100, line(3, `"before":true,`)), times(60, line(0.5, ""))...), "--judge", "notworse", "--lower-is-worse")
}
