package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

func TestTheBadReleaseIsTakenBackAndTheGoodOnePromoted(t *testing.T) {
	cfg, screen := small(t), newRecorder()
	require.NoError(t, run(t.Context(), cfg, screen), "%s", &screen.shown)
	requireNoLeaks(t)

	v2, err := place(cfg.Dir).past("quickstart-1-v2")
	require.NoError(t, err)
	assert.Equal(t, rollout.RolledBack, v2.Phase())
	assert.LessOrEqual(t, v2.Wave(), latestWave)
	assert.LessOrEqual(t, v2.Peak().Exposed, 3, "one server, and then two")

	v3, err := place(cfg.Dir).past("quickstart-1-v3")
	require.NoError(t, err)
	assert.Equal(t, rollout.Completed, v3.Phase())
	assert.Equal(t, cfg.Servers, v3.Tally("", "").Exposed)

	shown := screen.shown.String()
	for _, want := range []string{"12 of 12 say v1", "12 of 12 say v3", "time to detect", "quickstart-1-v3.jsonl"} {
		assert.Contains(t, shown, want)
	}
	for _, line := range strings.Split(shown, "\n") {
		assert.NotContains(t, line, "\x1b", "plain lines have no escape codes")
	}
	next, err := place(cfg.Dir).run()
	require.NoError(t, err)
	assert.Equal(t, 2, next, "the next run begins anew")
}

func TestSTOPHaltsAndTheNextRunGoesOn(t *testing.T) {
	cfg, screen := small(t), newRecorder()
	stop := place(cfg.Dir).stopFile()
	screen.on = func(v view, ev rollout.Event) {
		if ev.Kind == rollout.Doing && v.To == good && v.Wave == 2 {
			assert.NoError(t, os.WriteFile(stop, []byte("tea break, bob"), 0o600))
		}
	}
	err := run(t.Context(), cfg, screen)
	require.ErrorContains(t, err, "halted")
	require.ErrorContains(t, err, "rm "+stop)
	assert.Contains(t, screen.shown.String(), "tea break, bob")

	require.ErrorContains(t, run(t.Context(), cfg, newRecorder()), "halted", "the file is still there")

	require.NoError(t, os.Remove(stop))
	screen = newRecorder()
	require.NoError(t, run(t.Context(), cfg, screen), "%s", &screen.shown)
	assert.Contains(t, screen.shown.String(), "The STOP file is gone: it goes on.")
	requireNoLeaks(t)
}

func TestNothingBeginsWhileSTOPIsThere(t *testing.T) {
	cfg := small(t)
	require.NoError(t, os.WriteFile(place(cfg.Dir).stopFile(), nil, 0o600))
	require.ErrorContains(t, run(t.Context(), cfg, newRecorder()), "not started")
}

func TestASecondQuickstartIsToldWhoIsAtWork(t *testing.T) {
	cfg := small(t)
	first, err := place(cfg.Dir).hold(t.Context())
	require.NoError(t, err)
	defer first.Close()
	err = run(t.Context(), cfg, newRecorder())
	require.ErrorContains(t, err, "another quickstart is at work in "+cfg.Dir)
	require.NoFileExists(t, filepath.Join(cfg.Dir, "servers", "web-01"), "it touched nothing")
}

func TestAnInterruptBetweenTwoReleases(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg, screen := small(t), newRecorder()
	screen.on = func(v view, ev rollout.Event) {
		if ev.Kind == rollout.Ended && v.To == bad {
			cancel()
		}
	}
	require.ErrorContains(t, run(ctx, cfg, screen), "stopped in good order")
	v3, err := place(cfg.Dir).past("quickstart-1-v3")
	require.NoError(t, err)
	assert.Equal(t, rollout.Pending, v3.Phase())
}

func TestThePlanOfTheDemoIsValid(t *testing.T) {
	cfg := defaults()
	cfg.Dir = t.TempDir()
	d := &demo{cfg: cfg, place: place(cfg.Dir), deployer: newDeployer(nil)}
	var err error
	d.fleet, err = newFleet(&d.cfg, d.place.servers())
	require.NoError(t, err)
	plan := d.plan("quickstart-1-v2", bad)
	require.NoError(t, plan.Validate())
	assert.IsType(t, guardrails.MaxExposure{}, plan.Guards[0])
}
