package rollout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// A rollback is one only when the metrics have recovered.
func TestARollbackIsVerifiedByTheMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var seen recorder
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Verify: errorsOf(map[string]float64{"v1": 0.01})}), &seen)
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
		judged := seen.kinds(rollout.UndoJudged)
		require.Len(t, judged, 1)
		require.Equal(t, rollout.RecoveryGate, judged[0].Step)
		require.Equal(t, analysis.Pass, judged[0].Decision.Outcome)
		undone := seen.kinds(rollout.Undone)
		require.GreaterOrEqual(t, judged[0].At.Sub(undone[len(undone)-1].At), 20*time.Second, "its bake begins with the last undo")
	})
}

// Everything runs the old version, but nobody knows whether that has helped.
func TestARollbackThatNobodyCanVerifyIsIncomplete(t *testing.T) {
	for name := range noAnswers(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f, targets := newFleet(20, "v1")
				var d diary
				result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
					Verify: gateOn(noAnswers(release)[name]), Older: []string{"v0"}, Page: d.page,
				}))
				require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
				require.ErrorContains(t, err, "everything is back on v1, but nobody knows whether the metrics have recovered")
				requireAll(t, f, "v1")
				require.Equal(t, 7, result.Undone)
				require.Empty(t, result.InDoubt)
				require.GreaterOrEqual(t, result.TimeToRollBack, rollback.DefaultVerifyLimit)
				require.Less(t, result.TimeToRollBack, rollback.DefaultVerifyLimit+time.Minute)
				require.Len(t, d.read(), 1)
				require.Contains(t, d.read()[0], "nobody knows whether")
			})
		})
	}
}

// Metrics that come back before the deadline are in time.
func TestMetricsThatComeBackVerifyTheRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		source := switched(time.Now().Add(12*time.Minute), noAnswers(nil)["down"], errorRate(map[string]float64{"v1": 0.01}))
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{Verify: gateOn(source)}))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		requireAll(t, f, "v1")
	})
}

// Where everything is back and it has not helped, what came before is tried.
func TestWhereTheMetricsDoNotRecoverTheOlderVersionIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		result, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
			Verify: errorsOf(map[string]float64{"v1": 0.5, "v0": 0.01}), Older: []string{"v0"},
		}))
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "back on v0")
		require.Len(t, deploysOf(f, "v1"), 7)
		require.Len(t, deploysOf(f, "v0"), 7)
		requireOn(t, f, map[string]int{"v0": 7, "v1": 13, "v2": 0})
		require.Equal(t, 7, result.Undone)
	})
}

func TestWhereNothingMakesTheMetricsRecoverTheRollbackIsIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		_, err := runs(t, f, aWayBack(targets, 7, rollback.Policy{
			Verify: errorsOf(map[string]float64{"v1": 0.5, "v0": 0.6}), Older: []string{"v0"},
		}))
		require.ErrorIs(t, err, rollout.ErrRollbackIncomplete)
		require.ErrorContains(t, err, "everything is back on v0, but the metrics have not recovered")
		requireOn(t, f, map[string]int{"v0": 7, "v1": 13, "v2": 0})
	})
}
