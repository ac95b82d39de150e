package filejournal_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// servers is a fleet that knows what was really done to it.
type servers struct {
	mu    sync.Mutex
	begun map[string]int // how often a deployment was begun
	done  map[string]bool
	// at, if set, is called when a deployment is begun, with how many were by then.
	at func(target string, n int)
	// ctx, if set, is that of the run.
	ctx context.Context
}

func (f *servers) Deploy(_ context.Context, target rollout.Target, _ rollout.Release) error {
	f.mu.Lock()
	f.begun[target.Name]++
	n := len(f.begun)
	f.mu.Unlock()
	if f.at != nil {
		f.at(target.Name, n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done[target.Name] = true
	return nil
}

func newServers() *servers {
	return &servers{begun: make(map[string]int), done: make(map[string]bool)}
}

// roll runs a rollout to n servers to its end.
func (f *servers) roll(dir filejournal.Dir, name string, n int) (rollout.Result, error) {
	targets := make([]rollout.Target, n)
	for i := range targets {
		targets[i].Name = fmt.Sprintf("server-%04d", i)
	}
	runner := rollout.Runner{
		Plan: rollout.Plan{
			Name: name, Release: rollout.Release{Service: "service-of-" + name, From: "v1", To: "v2"}, Targets: targets, Concurrency: 20,
			Waves: rollout.WavesFunc(func(fleet []rollout.Target) ([]rollout.Wave, error) {
				const why = "a test of the disk"
				return []rollout.Wave{{Targets: fleet[:1], Ungated: why}, {Targets: fleet[1:], Ungated: why}}, nil
			}),
		},
		Deployer: f, Journal: dir, Logger: slog.New(slog.DiscardHandler),
	}
	ctx := f.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	return runner.Run(ctx)
}

// requireOnRecord makes sure that nothing was done that is not on record, and that nothing
// is on record as done that was not. It returns what is on record as done.
func (f *servers) requireOnRecord(t *testing.T, dir filejournal.Dir, name string) map[string]bool {
	t.Helper()
	var state rollout.State
	for ev, err := range dir.Read(name) {
		require.NoError(t, err)
		require.NoError(t, state.Step(ev))
	}
	done := make(map[string]bool)
	for id, status := range state.Steps() {
		if f.begun[id] > 0 {
			require.NotEqual(t, rollout.StepPending, status, "%s was touched, and that is not on record", id)
		}
		if status == rollout.StepDone {
			require.True(t, f.done[id], "%s is on record as done, and was not", id)
			done[id] = true
		}
	}
	return done
}

// requireFault has a disk fail in the middle of a rollout: what was done by then is on
// record, and once the disk is mended the rollout is resumed, does the rest, and nothing
// of what is on record as done once more.
func requireFault(t *testing.T, f *servers, dir filejournal.Dir, n int, cause error, hint string, mend func()) {
	t.Helper()
	_, err := f.roll(dir, "r", n)
	require.ErrorIs(t, err, cause)
	require.ErrorContains(t, err, "what is not recorded must not be done")
	require.ErrorContains(t, err, hint)
	require.ErrorContains(t, err, journalOf(dir, "r"))
	require.Greater(t, len(f.begun), 1, "in the middle, not at once")
	require.Less(t, len(f.begun), n, "in the middle, not at the end")
	f.requireOnRecord(t, dir, "r")
	begun := len(f.begun)

	_, err = f.roll(dir, "r", n)
	require.Error(t, err, "the disk still fails")
	require.Len(t, f.begun, begun, "and nothing more was begun")

	mend()
	before := f.requireOnRecord(t, dir, "r")
	result, err := f.roll(dir, "r", n)
	require.NoError(t, err)
	require.True(t, result.Resumed)
	require.Len(t, f.requireOnRecord(t, dir, "r"), n)
	for id, times := range f.begun {
		if before[id] {
			require.Equal(t, 1, times, id)
		}
	}
	require.Len(t, f.done, n)
}

// requireNotTorn makes sure that what did not fit as a whole was taken back.
func requireNotTorn(t *testing.T, dir filejournal.Dir) {
	t.Helper()
	sound, err := filejournal.Audit(journalOf(dir, "r"))
	require.NoError(t, err)
	require.Zero(t, sound.Torn)
}
