package main

import (
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

func TestRunsAreNumbered(t *testing.T) {
	p := place(t.TempDir())
	n, err := p.run()
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	require.NoError(t, p.finish(n))
	n, err = p.run()
	require.NoError(t, err)
	assert.Equal(t, 2, n)

	require.NoError(t, os.WriteFile(p.runFile(), []byte("many"), 0o600))
	_, err = p.run()
	require.ErrorContains(t, err, "to begin anew")
}

func TestARolloutThatWasNeverBegunHasNoPast(t *testing.T) {
	s, err := place(t.TempDir()).past("quickstart-1-v2")
	require.NoError(t, err)
	assert.Equal(t, rollout.Pending, s.Phase())
}

// What is read from the journal of a rollout that is over must be what Run has
// returned.
func TestTheResultOfAnEarlierRun(t *testing.T) {
	var state rollout.State
	var journal rollout.MemoryJournal
	runner := rollout.Runner{
		Plan: rollout.Plan{
			Name: "r", Release: rollout.Release{Service: "shop", From: old, To: bad},
			Targets: []rollout.Target{{Name: "a"}, {Name: "b"}},
			Waves:   rollout.Explicit{{Targets: []rollout.Target{{Name: "a"}}, Ungated: "a test"}, {Targets: []rollout.Target{{Name: "b"}}, Ungated: "a test"}},
		},
		Deployer:  failsOn("b"),
		Journal:   &journal,
		Logger:    slog.New(slog.DiscardHandler),
		Observers: []rollout.Observer{rollout.ObserverFunc(func(ev rollout.Event) { _ = state.Step(ev) })},
	}
	want, err := runner.Run(t.Context())
	require.ErrorIs(t, err, rollout.ErrRolledBack)
	got := resultOf(&state)
	assert.Equal(t, want.Phase, got.Phase)
	assert.Equal(t, want.Reason, got.Reason)
	assert.Equal(t, [...]int{want.Wave, want.Waves, want.Targets, want.PeakExposed}, [...]int{got.Wave, got.Waves, got.Targets, got.PeakExposed})
	assert.Equal(t, want.Times, got.Times)
	assert.Equal(t, want.TimeToDetect, got.TimeToDetect)
	assert.Equal(t, want.TimeToRollBack, got.TimeToRollBack)
}
