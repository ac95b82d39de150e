package filejournal_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// The clock is set between two runs. When it is set back, the journal has events from the
// future: then the rollout waits until its own time is reached again, and in no case
// does a bake end before it has lasted. What is taken back does not wait.
func TestClockIsSetBetweenRuns(t *testing.T) {
	const bake = time.Minute
	for name, c := range map[string]struct{ first, then time.Duration }{
		"not at all":     {time.Hour, time.Hour},
		"back a minute":  {time.Hour, time.Hour - time.Minute},
		"back an hour":   {time.Hour, 0},
		"back two hours": {2 * time.Hour, 0},
		"forward a year": {0, 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			var versions map[string]string
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(c.first)
				s := newStory(dir, "r", 0.01)
				ctx, cancel := context.WithCancel(t.Context())
				s.hosts.before = func(host, _ string) {
					if host == "host-4" { // of wave 3 of 4
						cancel()
					}
				}
				_, err := s.runner.Run(ctx)
				require.ErrorIs(t, err, rollout.ErrInterrupted)
				versions = s.hosts.versions
			})
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(c.then)
				s := newStory(dir, "r", 0.01)
				s.hosts.versions = versions
				began := time.Now()
				_, err := s.runner.Run(t.Context())
				require.NoError(t, err)
				took := time.Since(began)
				require.GreaterOrEqual(t, took, 2*bake)
				require.Less(t, took, max(0, c.first-c.then)+10*bake, "it waits no longer than for its own time")
			})
			var state rollout.State
			var now, deployed time.Time
			bakes := 0
			for ev, err := range dir.Read("r") {
				require.NoError(t, err)
				require.NoError(t, state.Step(ev))
				if ev.At.After(now) {
					now = ev.At
				}
				switch ev.Kind {
				case rollout.Done:
					deployed = now
				case rollout.Judged:
					bakes++
					require.False(t, ev.At.Before(deployed.Add(bake)), "gate %d passes at %v, and its wave was deployed at %v", ev.Wave, ev.At, deployed)
				}
			}
			require.Equal(t, 4, bakes)
			times := state.Times()
			require.Equal(t, now, times.Ended)
			require.True(t, times.Started.Before(times.Ended))
		})
	}

	t.Run("back in a rollback", func(t *testing.T) {
		dir := newDir(t)
		put(t, journalOf(dir, "rolled-back-crashed"), content(t, filepath.Join("testdata", "format0", "rolled-back-crashed.jsonl")))
		synctest.Test(t, func(t *testing.T) {
			s := newStory(dir, "rolled-back-crashed", 0.05)
			began := time.Now()
			_, err := s.runner.Run(t.Context())
			require.ErrorIs(t, err, rollout.ErrRolledBack)
			require.Less(t, time.Since(began), time.Minute)
		})
	})
}
