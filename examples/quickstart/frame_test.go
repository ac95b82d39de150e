package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

var update = flag.Bool("update", false, "write the golden files anew")

// requireGolden compares with a file in testdata.
func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with -update")
	assert.Equal(t, string(want), got, "if that is as it should be: go test -update")
}

// fleetOf makes waves of servers with statuses: p(ending), d(oing), D(one),
// u(ndoing), U(ndone), F(ailed).
func fleetOf(waves string) [][]rollout.StepStatus {
	byLetter := map[rune]rollout.StepStatus{
		'p': rollout.StepPending, 'd': rollout.StepDoing, 'D': rollout.StepDone,
		'u': rollout.StepUndoing, 'U': rollout.StepUndone, 'F': rollout.StepFailed,
	}
	var all [][]rollout.StepStatus
	for wave := range strings.FieldsSeq(waves) {
		var statuses []rollout.StepStatus
		for _, letter := range wave {
			statuses = append(statuses, byLetter[letter])
		}
		all = append(all, statuses)
	}
	return all
}

// views are moments of a rollout that look different.
func views() map[string]view {
	verdict := func(harm, safe float64, canary, of, baseline, ofAll uint64) analysis.Verdict {
		return analysis.Verdict{
			Canary:   analysis.Summary{Rate: float64(canary) / float64(of), Events: canary, Total: of},
			Baseline: analysis.Summary{Rate: float64(baseline) / float64(ofAll), Events: baseline, Total: ofAll},
			Evidence: analysis.Evidence{Harm: harm, Safe: safe, HarmNeeded: 100, SafeNeeded: 20},
		}
	}
	const rest = " pp pppp pppppppp ppppppppppppp pppppppppppp"
	return map[string]view{
		"1 begun, nothing seen yet": {
			From: "v1", To: "v2", Phase: rollout.Deploying, Wave: 1, Waves: fleetOf("d" + rest), Exposed: 1, Fleet: 40,
			Waits: "web-01 to come up with v2", Elapsed: 100 * time.Millisecond,
		},
		"2 under suspicion": {
			From: "v1", To: "v2", Phase: rollout.Gating, Wave: 1, Waves: fleetOf("D" + rest), Exposed: 1, Fleet: 40,
			Verdict: verdict(17, 0.04, 8, 160, 64, 6221), Waits: "one of the two bars to fill up", Elapsed: 3400 * time.Millisecond,
		},
		"3 found out": {
			From: "v1", To: "v2", Phase: rollout.RollingBack, Wave: 1, Waves: fleetOf("u" + rest), Exposed: 1, Fleet: 40,
			Verdict: verdict(204, 0.001, 12, 236, 98, 9204), Waits: "web-01 to come up with v1", Elapsed: 5200 * time.Millisecond,
		},
		"4 taken back": {
			From: "v1", To: "v2", Phase: rollout.RolledBack, Wave: 1, Waves: fleetOf("U" + rest), Exposed: 0, Fleet: 40,
			Verdict: verdict(204, 0.001, 12, 236, 98, 9204), Elapsed: 5300 * time.Millisecond,
			Reason: "gate 1 failed: errors: canary 5.1% (12 of 236) against baseline 1.1% (98 of 9204): 5 times the odds",
		},
		"5 well under way": {
			From: "v1", To: "v3", Phase: rollout.Deploying, Wave: 5, Passed: 4, Exposed: 23, Fleet: 40,
			Waves:   fleetOf("D DD DDDD DDDDDDDD DDDdddddddddd pppppppppppp"),
			Verdict: verdict(0.4, 1.7e5, 20, 2080, 310, 30240), Waits: "web-19, web-20, web-21 and 7 more to come up with v3", Elapsed: 22 * time.Second,
		},
		"6 promoted": {
			From: "v1", To: "v3", Phase: rollout.Completed, Wave: 6, Passed: 6, Exposed: 40, Fleet: 40,
			Waves:   fleetOf("D DD DDDD DDDDDDDD DDDDDDDDDDDDD DDDDDDDDDDDD"),
			Verdict: verdict(0.4, 1e300, 80, 8080, 310, 30240), Reason: "gate 6 passed: errors: fine", Elapsed: 31 * time.Second,
		},
		"7 a server failed, and a guard holds": {
			From: "v1", To: "v3", Phase: rollout.Deploying, Wave: 2, Passed: 1, Exposed: 3, Fleet: 40,
			Waves: fleetOf("D FD pppp pppppppp ppppppppppppp pppppppppppp"), Elapsed: 8 * time.Minute,
			Verdict: verdict(0.4, 30, 3, 300, 31, 3024),
			Waits:   "max-exposure: 14 of 40 targets in the fleet would run a version that no gate has passed",
		},
	}
}

func TestFrame(t *testing.T) {
	var all bytes.Buffer
	for _, name := range sortedKeys(views()) {
		all.WriteString("# " + name + "\n" + strings.Join(frame(views()[name], palette{}), "\n") + "\n\n")
	}
	requireGolden(t, "frames.golden", all.String())
}

func TestNoLineOfAFrameIsTooWideAndColorsChangeNoText(t *testing.T) {
	color := regexp.MustCompile(`\x1b\[[0-9]+m`)
	for name, v := range views() {
		plain, colored := frame(v, palette{}), frame(v, palette{color: true})
		require.Len(t, colored, len(plain))
		for i, line := range plain {
			assert.LessOrEqual(t, utf8.RuneCountInString(line), wide, "%s: %q", name, line)
			assert.Equal(t, line, color.ReplaceAllString(colored[i], ""), name)
			assert.NotContains(t, line, "\x1b")
		}
	}
	assert.LessOrEqual(t, utf8.RuneCountInString(legend(palette{})), wide)
}

func TestBarsAreLogarithmicAndStayInTheirBounds(t *testing.T) {
	assert.Equal(t, 0, filled(0, 100))
	assert.Equal(t, 0, filled(1, 100), "an e-value of 1 says nothing")
	assert.Equal(t, barWidth/2, filled(10, 100))
	assert.Equal(t, barWidth, filled(100, 100))
	assert.Equal(t, barWidth, filled(1e300, 100))
	assert.Equal(t, 0, filled(5, 0), "nothing was judged yet")
}

func TestLiveScreenDrawsOverItsLastPicture(t *testing.T) {
	var out bytes.Buffer
	l := &live{out: &out}
	l.refresh(views()["2 under suspicion"])
	lines := strings.Count(out.String(), "\n")
	require.NotContains(t, out.String(), "A\r", "there is nothing yet to draw over")

	out.Reset()
	l.say("a word")
	assert.Contains(t, out.String(), "\x1b[6A\r\x1b[J"+"a word\n", "text goes above the picture")
	assert.Equal(t, lines+1, strings.Count(out.String(), "\n"))
	assert.Equal(t, strings.Count(out.String(), "\x1b[?7l"), strings.Count(out.String(), "\x1b[?7h"), "the terminal is left as it was")

	l.leave()
	out.Reset()
	l.say("another")
	assert.NotContains(t, out.String(), "\x1b[6A", "the last picture stays")
}
