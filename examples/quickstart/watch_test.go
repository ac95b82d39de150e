package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// script is a short rollout, as the journal has it: one that is held by a guard
// for a while, then fails and is taken back.
func script(start time.Time) []rollout.Event {
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	observed := func(seconds, harm, safe float64, events, total uint64, outcome analysis.Outcome) rollout.Event {
		o := analysis.Observation{At: at(seconds), Canary: analysis.Counts(events, total), Baseline: analysis.Counts(10, 1000)}
		return rollout.Event{At: at(seconds), Kind: rollout.Observed, Wave: 1, Check: &rollout.CheckRecord{
			Name: "errors", Observation: o, Verdict: analysis.Verdict{
				Outcome:  outcome,
				Canary:   analysis.Summary{Rate: float64(events) / float64(total), Events: events, Total: total},
				Baseline: analysis.Summary{Rate: 0.01, Events: 10, Total: 1000},
				Evidence: analysis.Evidence{Harm: harm, Safe: safe, HarmNeeded: 100, SafeNeeded: 20},
			},
		}}
	}
	step := func(name string) rollout.SpecStep { return rollout.SpecStep{ID: name} }
	return []rollout.Event{
		{At: at(0), Kind: rollout.Started, Epoch: 1, Spec: &rollout.Spec{
			Rollout: "quickstart-1-v2", Service: "shop", From: "v1", To: "v2", Concurrency: 10, Guarded: true,
			Waves: []rollout.SpecWave{{Steps: []rollout.SpecStep{step("web-01")}}, {Steps: []rollout.SpecStep{step("web-02"), step("web-03")}}},
			Undo:  rollout.SpecUndo{Batch: 1, Parallel: 1},
		}},
		{At: at(0), Kind: rollout.Breached, Breach: &guardrails.Breach{Guard: "calendar", Reason: "it is Friday"}},
		{At: at(0.5), Kind: rollout.Cleared, Step: "calendar"},
		{At: at(0.5), Kind: rollout.Doing, Step: "web-01"},
		{At: at(1), Kind: rollout.Done, Step: "web-01", Attempts: 1},
		observed(2, 3, 0.9, 2, 40, analysis.Undecided),
		observed(3, 3.1, 0.9, 3, 80, analysis.Undecided),
		observed(4, 140, 0.1, 9, 120, analysis.Fail),
		{At: at(4), Kind: rollout.Judged, Wave: 1, Decision: &analysis.Decision{Outcome: analysis.Fail, Reason: "errors: canary 7.5% (9 of 120)"}},
		{At: at(4), Kind: rollout.Undoing, Step: "web-01"},
		{At: at(4.3), Kind: rollout.Undone, Step: "web-01", Attempts: 1},
		{At: at(4.3), Kind: rollout.Ended, Outcome: rollout.RolledBack, Reason: "gate 1 failed"},
	}
}

func TestPlainLinesTellARollout(t *testing.T) {
	start := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	screen := newRecorder()
	w := &watcher{screen: screen, bake: 3 * time.Second, began: start}
	for _, ev := range script(start) {
		w.Observe(ev)
	}
	requireGolden(t, "lines.golden", screen.shown.String())
}

func TestWhatARolloutWaitsFor(t *testing.T) {
	start := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	var waits []string
	screen := newRecorder()
	screen.on = func(v view, _ rollout.Event) { waits = append(waits, v.Waits) }
	w := &watcher{screen: screen, bake: 3 * time.Second, began: start}
	for _, ev := range script(start) {
		w.Observe(ev)
	}
	assert.Equal(t, []string{
		"the next server to come up with v2",
		"calendar: it is Friday",
		"the next server to come up with v2",
		"web-01 to come up with v2",
		"3.0 s more of watching, the least for a wave, and one of the two bars to fill up",
		"2.0 s more of watching, the least for a wave, and one of the two bars to fill up",
		"1.0 s more of watching, the least for a wave, and one of the two bars to fill up",
		"one of the two bars to fill up",
		"the next server to come up with v1",
		"web-01 to come up with v1",
		"nothing",
		"nothing",
	}, waits)
}

func TestWhatAnEarlierRunHasShownIsNotShownAgain(t *testing.T) {
	start := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	screen := newRecorder()
	w := &watcher{screen: screen, began: start.Add(4 * time.Second)}
	for _, ev := range script(start) {
		w.Observe(ev)
	}
	shown := screen.shown.String()
	assert.NotContains(t, shown, "begins")
	assert.True(t, strings.HasPrefix(strings.TrimSpace(shown), "0.0 s"), "time counts from here:\n%s", shown)
	assert.Contains(t, shown, "rolled back: 0 of 3 servers on v2")
}
