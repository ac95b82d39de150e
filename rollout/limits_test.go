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
	"github.com/tidegate-go/tidegate/rollout"
)

// watch counts, as the fleet sees it, what runs the new version or is about to,
// and what is unable to serve.
type watch struct {
	mu        sync.Mutex
	exposed   map[string]bool
	down      map[string]bool
	most      int // exposed
	mostDown  int
	mostBack  int // undone at once
	back      int
	exposures []int // the number exposed whenever one more was
}

func (w *watch) view(f *fleet) fleetView {
	w.exposed, w.down = make(map[string]bool), make(map[string]bool)
	return fleetView{
		fleet: f,
		before: func(_ context.Context, target string, r rollout.Release) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.down[target] = true
			w.mostDown = max(w.mostDown, len(w.down))
			if r.To == "v1" {
				w.back++
				w.mostBack = max(w.mostBack, w.back)
				return
			}
			w.exposed[target] = true
			w.most = max(w.most, len(w.exposed))
			w.exposures = append(w.exposures, len(w.exposed))
		},
		after: func(target string, r rollout.Release, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if err == nil {
				delete(w.down, target)
			}
			if r.To == "v1" {
				w.back--
				if err == nil {
					delete(w.exposed, target)
				}
			}
		},
	}
}

func TestNoMoreIsExposedThanTheWavesAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var w watch
		plan := aPlan(targets, 0.01)
		plan.Concurrency = 3
		allowed := 0 // by the gates that have passed
		ends := []int{1, 3, 7, 13, 19, 20}
		view := w.view(f)
		before := view.before
		var mu sync.Mutex
		view.before = func(ctx context.Context, target string, r rollout.Release) {
			before(ctx, target, r)
			mu.Lock()
			defer mu.Unlock()
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.exposed) > ends[allowed] {
				t.Errorf("%d exposed, and %d gates have passed", len(w.exposed), allowed)
			}
		}
		var j faultyJournal
		j.fault = func(_ int, events []rollout.Event) (int, error) {
			for _, ev := range events {
				if ev.Kind == rollout.Judged {
					mu.Lock()
					allowed = min(allowed+1, len(ends)-1)
					mu.Unlock()
				}
			}
			return len(events), nil
		}
		_, err := aRunner(plan, view, &j).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, f.peak, "and no more at once than the plan says")
		require.Len(t, w.exposures, 20)
	})
}

func TestTheFloorHoldsForwardAndBack(t *testing.T) {
	for name, failing := range map[string]bool{"no failures": false, "failed targets are down as well": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(20, "v1")
				if failing {
					f.misbehave = func(_ context.Context, target, to string) error {
						if to == "v2" && (target == "web-03" || target == "web-06") {
							return errors.New("disk full")
						}
						return nil
					}
				}
				var w watch
				plan := aPlan(targets, 0.01)
				plan.Floor = 77 // of 20: 15.4, so 16 must serve and 4 may be down
				plan.Failures = rollout.FailureBudget{PerWave: 5, Total: 5}
				plan.Concurrency, plan.Rollback.Batch, plan.Rollback.Parallel = 20, 100, 20
				var seen folds
				r := aRunner(plan, w.view(f), &rollout.MemoryJournal{}, &seen)
				done := inBackground(t.Context(), r)
				eventually(t, time.Hour, func() bool { return seen.wave() == 6 && seen.phase() == rollout.Gating }, "the last wave")
				require.LessOrEqual(t, w.mostDown, 4)
				require.Equal(t, 4, w.mostDown, "and what may be down is made use of")
				say(t, r, rollout.RollBack)
				require.ErrorIs(t, (<-done).err, rollout.ErrRolledBack)
				require.LessOrEqual(t, w.mostDown, 4)
				requireAll(t, f, "v1")
			})
		})
	}
}

func TestARollbackGoesInBatchesNewestWaveFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var w watch
		plan := aPlan(targets, 0.01)
		plan.Rollback.Batch, plan.Rollback.Parallel = 25, 3
		var seen folds
		var log recorder
		r := aRunner(plan, w.view(f), &rollout.MemoryJournal{}, &seen, &log)
		done := inBackground(t.Context(), r)
		eventually(t, time.Hour, func() bool { return seen.wave() == 5 && seen.phase() == rollout.Gating }, "wave 5")
		say(t, r, rollout.RollBack)
		require.ErrorIs(t, (<-done).err, rollout.ErrRolledBack)
		require.LessOrEqual(t, w.mostBack, 3)
		wave := map[string]int{}
		for i, end := 0, []int{1, 3, 7, 13, 19}; i < 19; i++ {
			for k, e := range end {
				if i < e {
					wave[targets[i].Name] = k
					break
				}
			}
		}
		last := 5
		for _, ev := range log.kinds(rollout.Undoing) {
			require.LessOrEqual(t, wave[ev.Step], last)
			last = wave[ev.Step]
		}
		require.Len(t, log.kinds(rollout.Undone), 19)
		requireAll(t, f, "v1")
	})
}

func TestWavesWithGatesOfTheirOwnAndNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(6, "v1")
		plan := aPlan(targets, 0.01)
		asked := map[string]int{}
		var mu sync.Mutex
		gate := func(name string, bake time.Duration) *analysis.Gate {
			inner := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
			return &analysis.Gate{
				Bake: analysis.Bake{AtLeast: bake},
				Checks: []analysis.Check{{Name: name, Judge: errorsBelow(0.03), Source: analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
					mu.Lock()
					asked[name]++
					mu.Unlock()
					return inner.Observe(ctx, w)
				})}},
			}
		}
		plan.Waves = rollout.Explicit{
			{Targets: targets[:1], Gate: gate("long", 10*time.Minute)},
			{Targets: targets[1:2], Ungated: "it is the spare"},
			{Targets: targets[2:3], Gate: gate("short", time.Minute)},
			{Targets: targets[3:4]},
			{Targets: targets[4:], Ungated: "nothing is left to compare with"},
		}
		var log recorder
		begin := time.Now()
		_, err := aRunner(plan, f, &rollout.MemoryJournal{}, &log).Run(t.Context())
		require.NoError(t, err)
		requireAll(t, f, "v2")
		require.GreaterOrEqual(t, time.Since(begin), 12*time.Minute)
		require.Less(t, time.Since(begin), 13*time.Minute)
		judged := log.kinds(rollout.Judged)
		require.Len(t, judged, 3)
		require.Contains(t, judged[0].Decision.Reason, "long")
		require.Contains(t, judged[1].Decision.Reason, "short")
		require.Contains(t, judged[2].Decision.Reason, "errors")
		require.NotZero(t, asked["long"])
		require.Less(t, asked["short"], 10)
	})
}
