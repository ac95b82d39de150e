package simulate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// I7 bites: a state that is not the fold of the journal is told from one that is, and
// so is an event that does not replay.
func TestAStateThatIsNotTheJournalsIsFound(t *testing.T) {
	spec := &rollout.Spec{
		From: "v1", To: "v2", Concurrency: 1, Undo: rollout.SpecUndo{Batch: 1, Parallel: 1},
		Waves: []rollout.SpecWave{{Steps: []rollout.SpecStep{{ID: "a"}}}},
	}
	started, doing := rollout.Event{Kind: rollout.Started, Spec: spec}, rollout.Event{Kind: rollout.Doing, Step: "a"}
	var live rollout.State
	require.NoError(t, live.Step(started))
	var p replayer
	require.NoError(t, p.step(started))
	require.NoError(t, p.same(&live))
	require.NoError(t, live.Step(doing)) // and nobody wrote it down
	require.ErrorContains(t, p.same(&live), "I7")
	require.ErrorContains(t, p.step(rollout.Event{Kind: rollout.Undone, Step: "a"}), "I7")

	s := &sim{trace: &Trace{Events: []rollout.Event{started}}}
	s.replays(&live)
	require.ErrorContains(t, s.err, "I7")
	s = &sim{trace: &Trace{Events: []rollout.Event{started, doing}}}
	s.replays(&live)
	require.NoError(t, s.err)
	s = &sim{trace: &Trace{Events: []rollout.Event{started, {Kind: rollout.Undone, Step: "a"}}}}
	s.replays(&live)
	require.ErrorContains(t, s.err, "I7")
}
