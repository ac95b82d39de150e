package rollout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
)

// Each golden file is a runbook as an operator gets it.
func TestTheRunbookOf(t *testing.T) {
	for name, plan := range map[string]Plan{
		"simple": simplePlan(), "regional": regionalPlan(), "migration": migrationPlan(), "traffic": trafficPlan(),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := plan.Explain()
			require.NoError(t, err)
			file := "testdata/explain/" + name + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			requireNarrow(t, got)

			again, err := plan.Explain()
			require.NoError(t, err)
			require.Equal(t, got, again, "the same plan has the same runbook")
		})
	}
}

func TestAPlanWithProblemsHasNoRunbook(t *testing.T) {
	plan := simplePlan()
	plan.Floor, plan.Release.To = 120, "latest"
	text, err := plan.Explain()
	require.Empty(t, text)
	require.ErrorIs(t, err, ErrInvalidPlan)
	require.EqualError(t, err, plan.Validate().Error())
	_, err = plan.Bounds()
	require.EqualError(t, err, plan.Validate().Error())
}

// What is printed comes from inventories and flags as well: nothing of it may spoil the
// page, or move the cursor of whoever reads it.
func TestNoNameSpoilsTheRunbook(t *testing.T) {
	plan := simplePlan()
	plan.Targets[0].Name = strings.Repeat("ä", 500)
	plan.Targets[1].Name = "web\x1b[2J\r\n-evil"
	plan.Release.Service = "checkout\u202e"
	text, err := plan.Explain()
	require.NoError(t, err)
	requireNarrow(t, text)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\r")
	require.NotContains(t, text, "\u202e")
	require.Contains(t, text, "web?[2J -evil")
}

// A judge and a switch of the user's own say what they are, and may break.
func TestTheRunbookAsksJudgesWhatTheyAre(t *testing.T) {
	plan := simplePlan()
	lo, hi := 0.95, 3.0
	plan.Gate.Checks = nil
	for i, j := range []analysis.Judge{
		ownWords("as ann says"), brokenWords{}, wordless{},
		analysis.Threshold{Min: &lo, Max: &hi, Failures: 2, Consecutive: true}, analysis.Threshold{Max: &hi, Failures: 2},
		analysis.StaysBelow(5, time.Hour), analysis.PerSlice{Judge: analysis.Above(lo)}, analysis.AllOf{analysis.Above(lo), analysis.Below(hi)},
		analysis.BurnRate{Objective: 0.999}, analysis.NotWorse{LowerIsWorse: true},
	} {
		plan.Gate.Checks = append(plan.Gate.Checks, analysis.Check{Name: fmt.Sprint("c", i), Source: blindSource, Judge: j})
	}
	text, err := plan.Explain()
	require.NoError(t, err)
	requireNarrow(t, text)
	for _, want := range []string{
		"c0: as ann says;", "c1: (it panicked when it was asked: no words);", "c2: as a rollout.wordless judges;",
		"c3: 0.95 to 3 (2 times outside in a row are put up with);", "c4: at most 3 (2 times outside are put up with);",
		"c5: is not on its way to leave at most 5 within 1h;", "c6: in all, and in every slice: at least 0.95;",
		"c7: at least 0.95, and at most 3;", "c8: does not burn the error budget of 99.9%;", "c9: not lower than the rest of the fleet",
	} {
		require.Contains(t, flat(text), want)
	}
}

func TestTheRunbookSaysWhoIsNotCalled(t *testing.T) {
	plan := simplePlan()
	text, err := plan.Explain()
	require.NoError(t, err)
	require.Contains(t, flat(text), "NOBODY IS CALLED")
	plan.Rollback.Page = func(context.Context, string) error { return nil }
	text, err = plan.Explain()
	require.NoError(t, err)
	require.NotContains(t, flat(text), "NOBODY IS CALLED")
}

func TestAPlanThatFreezesSaysSo(t *testing.T) {
	plan := simplePlan()
	plan.OnFailure = Freeze
	text, err := plan.Explain()
	require.NoError(t, err)
	require.Contains(t, flat(text), "A gate fails: it freezes, as the plan says: nothing is taken back until a human says so.")
	require.Contains(t, text, ", by hand")
	require.NotContains(t, flat(text), "the change is taken back")
}

func TestManyGatesHaveLetters(t *testing.T) {
	require.Equal(t, "A B Z A1 Z1 A2", strings.Join([]string{letter(0), letter(1), letter(25), letter(26), letter(51), letter(52)}, " "))
}

// flat is a text in one line.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

func requireNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		require.LessOrEqual(t, utf8.RuneCountInString(line), explainWidth, line)
		require.Equal(t, strings.TrimRight(line, " "), line, "no space at the end")
	}
}

type ownWords string

func (w ownWords) Begin() analysis.Trial { return nil }
func (w ownWords) String() string        { return string(w) }

type wordless struct{}

func (wordless) Begin() analysis.Trial { return nil }

type brokenWords struct{ wordless }

func (brokenWords) String() string { panic("no words") }

var blindSource = analysis.SourceFunc(func(context.Context, analysis.Window) (analysis.Observation, error) {
	return analysis.Observation{}, errors.New("it is for looking at, not for running")
})

func doNothing(context.Context) error { return nil }

func inventory(regions ...string) (targets []Target) {
	for i, region := range regions {
		for n := range 4 * (i + 1) {
			targets = append(targets, Target{
				Name: fmt.Sprintf("%s-%02d", region, n+1), Weight: 100,
				Labels: map[string]string{"region": region, "zone": region + string(rune('a'+n%2)), "host": fmt.Sprint(region, n)},
			})
		}
	}
	return targets
}

func simplePlan() Plan {
	var targets []Target
	for i := range 20 {
		targets = append(targets, Target{Name: fmt.Sprintf("web-%02d", i+1)})
	}
	return Plan{
		Name: "checkout-v42", Release: Release{Service: "checkout", From: "v41", To: "v42"},
		Targets: targets, Waves: OneThenDouble(),
		Gate: analysis.Gate{
			Bake:   analysis.Bake{AtLeast: 5 * time.Minute, AtMost: time.Hour},
			Checks: []analysis.Check{{Name: "errors", Source: blindSource, Judge: analysis.NotWorse{}}},
		},
	}
}

func regionalPlan() Plan {
	slow := analysis.Gate{
		Bake: analysis.Bake{AtLeast: 30 * time.Minute, AtMost: 2 * time.Hour, Samples: 1000}, Interval: time.Minute, PassScore: 80,
		OnDeadline: analysis.WaitAtDeadline, IfBurning: analysis.FixForward("v42 mends the checkout"),
		Checks: []analysis.Check{
			{Name: "errors", Source: blindSource, Judge: analysis.NotWorse{Detect: 1.5, Tolerate: 1.05}, Critical: true},
			{Name: "sales", Source: blindSource, Judge: analysis.Above(0.95), NoData: analysis.FailOnNoData, NoDataAfter: 3},
			{Name: "queue", Source: blindSource, Judge: analysis.StaysBelow(1000, 0), NoData: analysis.AbstainOnNoData},
			{Name: "memory", Source: blindSource, Judge: analysis.Below(0.9), Slow: time.Hour},
			{Name: "latency", Source: blindSource, Judge: analysis.NotWorse{}, Shadow: true},
		},
	}
	fast := analysis.Gate{
		Bake: analysis.Bake{AtMost: 10 * time.Minute}, NoPreflight: "its metrics begin with the release",
		Checks: []analysis.Check{{Name: "errors", Source: blindSource, Judge: analysis.Below(0.01)}},
	}
	targets := inventory("eu", "us", "ap")
	of := func(region string) (some []Target) {
		for _, t := range targets {
			if t.Labels["region"] == region {
				some = append(some, t)
			}
		}
		return some
	}
	return Plan{
		Name: "checkout-v42", Release: Release{Service: "checkout", From: "v41", To: "v42"}, Targets: targets,
		Waves: Explicit{
			{Targets: of("eu")[:1], Gate: &fast}, {Targets: of("eu")[1:], Gate: &slow}, {Targets: of("us"), Gate: &slow, Approval: true},
			{Targets: of("ap"), Ungated: "nothing is left to compare it with"},
		},
		Guards: []guardrails.Guard{
			&guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.File("/run/stop")}},
			&guardrails.KillSwitch{Mode: guardrails.Rollback},
			guardrails.MaxExposure{Percent: 50},
		},
		Failures: FailureBudget{PerWave: 1, Total: 2}, Concurrency: 5, StepTimeout: 2 * time.Minute, Floor: 90, HoldAtMost: 8 * time.Hour,
		Locks: []string{"checkout", "payment"},
		Rollback: rollback.Policy{
			Fast:  []rollback.Mitigation{{Name: "shift-traffic", Do: doNothing, Timeout: 30 * time.Second}},
			Older: []string{"v40", "v39"}, Registry: &rollback.Registry{Path: "versions.jsonl"},
			Fallback: []rollback.Mitigation{{Name: "drain", Do: doNothing}, {Name: "static-page", Do: doNothing, Timeout: 2 * time.Minute}},
			Page:     func(context.Context, string) error { return nil },
			Canary:   analysis.Gate{Checks: fast.Checks}, Verify: analysis.Gate{Checks: slow.Checks[:2]},
			Rehearse: true, Takes: 20 * time.Second, RTO: 10 * time.Minute, Domain: "region",
		},
	}
}

func migrationPlan() Plan {
	step := func(id string) Step { return Step{ID: id, Do: doNothing, Undo: doNothing} }
	return Plan{
		Name: "orders-schema-7", Release: Release{Service: "orders-db", From: "schema-6", To: "schema-7"},
		Waves: Explicit{
			{Steps: []Step{step("add-column")}}, {Steps: []Step{step("write-both"), step("backfill")}},
			{Steps: []Step{{ID: "drop-column", Do: doNothing, Irreversible: true}}, Approval: true},
		},
		Gate: analysis.Gate{
			Bake:   analysis.Bake{AtLeast: 15 * time.Minute, AtMost: time.Hour},
			Checks: []analysis.Check{{Name: "slow queries", Source: blindSource, Judge: analysis.Below(0.05)}},
		},
		Rollback: rollback.Policy{Timeout: 10 * time.Minute, Takes: time.Minute},
	}
}

func trafficPlan() Plan {
	return Plan{
		Name: "search-v9", Release: Release{Service: "search", From: "v8", To: "v9"},
		Waves: Traffic(ShifterFunc(func(context.Context, float64) error { return nil }), 1, 10, 50, 100),
		Gate: analysis.Gate{
			Bake:   analysis.Bake{AtMost: 20 * time.Minute, Samples: 5000},
			Checks: []analysis.Check{{Name: "errors", Source: blindSource, Judge: analysis.NotWorse{}}, {Name: "p99", Source: blindSource, Judge: analysis.Below(0.3)}},
		},
		Guards:      []guardrails.Guard{&guardrails.KillSwitch{}},
		StepTimeout: 30 * time.Second,
		Rollback:    rollback.Policy{Batch: 100, Timeout: 10 * time.Second, Attempts: 5, Takes: 2 * time.Second, RTO: time.Minute},
	}
}
