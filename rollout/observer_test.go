package rollout_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

func TestAnObserverSeesWhatIsDurableInOrderAndKnowsWhatTheRunnerKnows(t *testing.T) {
	for _, rate := range []float64{0.01, 0.20} {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(20, "v1")
			var j faultyJournal
			seen := 0
			var broken string
			inStep := rollout.ObserverFunc(func(ev rollout.Event) {
				j.mu.Lock()
				defer j.mu.Unlock()
				if seen >= len(j.events) || j.events[seen].Kind != ev.Kind || !j.events[seen].At.Equal(ev.At) || j.events[seen].Step != ev.Step {
					broken = fmt.Sprintf("event %d: %v was not durable, or is out of order", seen, ev.Kind)
				}
				seen++
			})
			var state folds
			result, _ := aRunner(aPlan(targets, rate), f, &j, inStep, &state).Run(t.Context())
			require.Empty(t, broken)
			require.Equal(t, len(j.events), seen)
			require.NoError(t, state.err)
			require.Equal(t, result, state.state.Result())
		})
	}
}

func TestAnObserverOfARunThatResumesSeesThePastFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var j rollout.MemoryJournal
		var state folds
		var log recorder
		r := aRunner(aPlan(targets, 0.01), f, &j, &state, &log)
		stopped(t, f, r, &j)
		past := journalOf(t, &j, r.Plan.Name)
		result, err := r.Run(t.Context())
		require.NoError(t, err)
		require.NoError(t, state.err)
		require.Equal(t, kindsOf(past), kindsOf(log.events[:len(past)]))
		require.Equal(t, rollout.Resumed, log.events[len(past)].Kind)
		require.Equal(t, kindsOf(journalOf(t, &j, r.Plan.Name)), kindsOf(log.events))
		result.Resumed = false
		require.Equal(t, result, state.state.Result())
	})
}

func TestAnObserverThatPanicsOrDawdlesHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var plain recorder
		begin := time.Now()
		_, err := aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}, &plain).Run(t.Context())
		require.NoError(t, err)
		took := time.Since(begin)

		f, targets = newFleet(20, "v1")
		release, panics := make(chan struct{}), 0
		hanging := rollout.ObserverFunc(func(rollout.Event) { <-release })
		panicking := rollout.ObserverFunc(func(rollout.Event) { panics++; panic("nil map") })
		dawdling := rollout.ObserverFunc(func(rollout.Event) { time.Sleep(time.Minute) })
		var log recorder
		begin = time.Now()
		_, err = aRunner(aPlan(targets, 0.01), f, &rollout.MemoryJournal{}, hanging, panicking, nil, dawdling, &log).Run(t.Context())
		require.NoError(t, err)
		requireAll(t, f, "v2")
		require.LessOrEqual(t, time.Since(begin), took+10*time.Second, "Run waits a while for each at its end")
		ended := log.kinds(rollout.Ended)
		require.Len(t, ended, 1)
		require.LessOrEqual(t, ended[0].At.Sub(begin), took, "the rollout itself is not held up at all")
		require.Equal(t, len(log.events), panics)
		close(release)
		time.Sleep(24 * time.Hour) // the one that dawdles comes to its end
	})
}
