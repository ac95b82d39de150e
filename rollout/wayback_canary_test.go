package rollout_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// The first target that is undone is compared with those that are not, and nothing else
// is undone meanwhile.
func TestTheFirstTargetUndoneIsTheCanaryOfTheWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var mu sync.Mutex
		var windows []analysis.Window
		source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			mu.Lock()
			windows = append(windows, w)
			mu.Unlock()
			return errorRate(map[string]float64{"v1": 0.01, "v2": 0.2}).Observe(ctx, w)
		})
		var seen recorder
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Canary: gateOn(source), Jitter: -1}), &seen)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		require.NotEmpty(t, windows)
		for _, w := range windows {
			require.Equal(t, "v1", w.Canary.Version)
			require.Len(t, w.Canary.Members, 1)
			require.Equal(t, "web-07", w.Canary.Members[0].Name)
			require.Equal(t, "v2", w.Baseline.Version)
			require.Len(t, w.Baseline.Members, 6, "those that still run the new version")
			require.True(t, w.Start.Before(w.End), "there is something to look at: %v to %v", w.Start, w.End)
		}
		judged := seen.kinds(rollout.UndoJudged)
		require.Len(t, judged, 1)
		require.Equal(t, rollout.CanaryGate, judged[0].Step)
		require.Equal(t, analysis.Pass, judged[0].Decision.Outcome)
		for _, ev := range seen.kinds(rollout.Undoing)[1:] {
			require.False(t, ev.At.Before(judged[0].At))
		}
	})
}

// Metrics that are down do not hold up the way back.
func TestTheCanaryOfTheWayBackDoesNotWaitForMetrics(t *testing.T) {
	limits := map[string]time.Duration{
		"down": 15 * time.Second, "down, but with data": 15 * time.Second, "panicking": 15 * time.Second,
		"slow": 30 * time.Second, "hanging": 30 * time.Second,
	}
	for name := range noAnswers(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f, targets := newFleet(20, "v1")
				result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Canary: gateOn(noAnswers(release)[name])}))
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				requireAll(t, f, "v1")
				limit, says := limits[name]
				if !says {
					limit = rollback.DefaultCanaryLimit + 15*time.Second // it answers, but with nothing
				}
				require.LessOrEqual(t, result.TimeToRollBack, limit+5*time.Second)
			})
		})
	}
}

// A check in shadow says nothing, so that it sees does not make anybody wait.
func TestAShadowDoesNotHoldUpTheWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		gate := gateOn(noAnswers(nil)["down"])
		gate.Checks = append(gate.Checks, analysis.Check{
			Name: "latency", Shadow: true, Source: errorRate(map[string]float64{"v1": 0.01, "v2": 0.2}), Judge: errorsBelow(0.3),
		})
		result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Canary: gate}))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.LessOrEqual(t, result.TimeToRollBack, 20*time.Second)
	})
}

// A source that cannot be asked about no time at all, as Prometheus cannot, is asked
// about some, and so its word counts.
func TestTheFirstQuestionOnTheWayBackIsAboutSomeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			if w.End.Sub(w.Start) < time.Second {
				return analysis.Observation{}, errors.New("duration must be greater than 0")
			}
			return errorRate(map[string]float64{"v1": 0.9, "v2": 0.2}).Observe(ctx, w)
		})
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Canary: gateOn(source)}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "made things worse")
		require.Len(t, deploysOf(f, "v1"), 1)
	})
}

// Time that nobody watched says nothing of the canary.
func TestTheCanaryOfTheWayBackIsWatchedAnewAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		plan := aWayBack(targets, 7, rollback.Policy{Canary: errorsOf(map[string]float64{"v1": 0.01, "v2": 0.2})})
		var j rollout.MemoryJournal
		done := inBackground(t.Context(), aRunner(plan, f, &j))
		eventually(t, time.Hour, func() bool { return f.count("v1") == 14 }, "the first undo")
		time.Sleep(10 * time.Second)
		j.Steal(plan.Name)
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
		time.Sleep(time.Hour)
		at := time.Now()
		var seen recorder
		_, err := aRunner(plan, f, &j, &seen).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.GreaterOrEqual(t, seen.kinds(rollout.UndoJudged)[0].At.Sub(at), 20*time.Second)
		requireAll(t, f, "v1")
	})
}
