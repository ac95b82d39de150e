package rollout_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// noAnswers are the ways in which a source of metrics can be of no use.
func noAnswers(release <-chan struct{}) map[string]analysis.Source {
	good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
	answer := func(o analysis.Observation) analysis.Source {
		return analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
			if o.At.IsZero() {
				o.At = w.End
			}
			return o, nil
		})
	}
	return map[string]analysis.Source{
		"down": analysis.SourceFunc(func(context.Context, analysis.Window) (analysis.Observation, error) {
			return analysis.Observation{}, errors.New("connection refused")
		}),
		"down, but with data": analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			o, _ := good.Observe(ctx, w)
			return o, errors.New("half of the shards did not answer")
		}),
		"slow": analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			select {
			case <-time.After(time.Minute):
				return good.Observe(ctx, w)
			case <-ctx.Done():
				return analysis.Observation{}, ctx.Err()
			}
		}),
		"hanging": analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			<-release
			return good.Observe(ctx, w)
		}),
		"panicking": analysis.SourceFunc(func(context.Context, analysis.Window) (analysis.Observation, error) {
			panic("index out of range")
		}),
		"no data":    answer(analysis.Observation{}),
		"zero total": answer(analysis.Observation{Canary: analysis.Counts(0, 0), Baseline: analysis.Counts(1, 100)}),
		"NaN":        answer(analysis.Observation{Canary: analysis.Sample{Kind: analysis.ValueKind, Value: math.NaN()}}),
		"infinite":   answer(analysis.Observation{Canary: analysis.Sample{Kind: analysis.ValueKind, Value: math.Inf(-1)}}),
		"odd kind":   answer(analysis.Observation{Canary: analysis.Sample{Kind: 77, Events: 1, Total: 100, Value: 0.001}}),
		"stale":      answer(analysis.Observation{At: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Canary: analysis.Counts(0, 1000)}),
		"only the baseline": analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			o, err := good.Observe(ctx, w)
			o.Canary = analysis.Sample{}
			return o, err
		}),
	}
}

func TestWithoutMetricsNothingPassesAndTheDeadlineTakesTheChangeBack(t *testing.T) {
	for name := range noAnswers(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f, targets := newFleet(20, "v1")
				plan := withSource(aPlan(targets, 0.01), noAnswers(release)[name])
				at := time.Now()
				result, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				require.ErrorContains(t, err, "no verdict within 10m0s")
				require.Equal(t, 1, result.PeakExposed)
				require.GreaterOrEqual(t, time.Since(at), 10*time.Minute)
				require.Less(t, time.Since(at), 11*time.Minute)
				requireAll(t, f, "v1")
			})
		})
	}
}

// switched is a source that is of no use until a time.
func switched(until time.Time, bad, good analysis.Source) analysis.Source {
	return analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
		if time.Now().Before(until) {
			return bad.Observe(ctx, w)
		}
		return good.Observe(ctx, w)
	})
}

func TestMetricsThatComeBackBeforeTheDeadlinePass(t *testing.T) {
	for name := range noAnswers(nil) {
		if name == "hanging" {
			continue // it is still at the first question
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
				plan := withSource(aPlan(targets, 0.01), switched(time.Now().Add(8*time.Minute), noAnswers(nil)[name], good))
				_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
				require.NoError(t, err)
				requireAll(t, f, "v2")
			})
		})
	}
}

func TestAGateThatWaitsAtItsDeadlineHoldsAndPassesLater(t *testing.T) {
	for name := range noAnswers(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(4, "v1")
				release := make(chan struct{})
				good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
				back := time.Now().Add(time.Hour)
				plan := withSource(aPlan(targets, 0.01), switched(back, noAnswers(release)[name], good))
				plan.Gate.OnDeadline = analysis.WaitAtDeadline
				var seen folds
				done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
				eventually(t, 11*time.Minute, func() bool { return seen.held("gate") }, "the hold")
				time.Sleep(40 * time.Minute)
				require.True(t, seen.held("gate"))
				require.Equal(t, 1, f.count("v2"))
				time.Sleep(time.Until(back))
				close(release)
				require.NoError(t, (<-done).err)
				require.Less(t, time.Since(back), 10*time.Minute)
				requireAll(t, f, "v2")
			})
		})
	}
}

// Two sources hang, and the times at which they are given up never meet.
func TestTheDeadlineWaitsForNoSourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		f, targets := newFleet(4, "v1")
		plan := withSource(aPlan(targets, 0.01), noAnswers(release)["hanging"])
		second := plan.Gate.Checks[0]
		second.Name, second.Timeout = "latency", 7*time.Second+333*time.Millisecond
		third := second
		third.Name, third.Timeout = "sales", 4*time.Second+111*time.Millisecond
		plan.Gate.Checks = append(plan.Gate.Checks, second, third)
		var seen folds
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, &seen))
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		require.Equal(t, rollout.RolledBack, seen.phase())
		require.ErrorIs(t, (<-done).err, rollout.ErrRolledBack)
	})
}

func TestARollbackNeverWaitsForMetrics(t *testing.T) {
	for name := range noAnswers(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f, targets := newFleet(4, "v1")
				plan := withSource(aPlan(targets, 0.01), noAnswers(release)[name])
				var seen folds
				r := aRunner(plan, f, &rollout.MemoryJournal{}, &seen)
				done := inBackground(t.Context(), r)
				time.Sleep(30 * time.Second)
				at := time.Now()
				say(t, r, rollout.RollBack)
				eventually(t, 10*time.Second, func() bool { return f.count("v1") == 4 }, "all back")
				o := <-done
				require.ErrorIs(t, o.err, rollout.ErrRolledBack)
				require.LessOrEqual(t, o.result.TimeToRollBack, 2*time.Second)
				require.Less(t, time.Since(at), 15*time.Second, "Run waits a grace for what hangs")
			})
		})
	}
}

func TestAFailInTheMiddleOfAWaveStopsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(40, "v1")
		f.takes = 20 * time.Second
		waves := rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:]}}
		// Good for the first target, bad once there are more.
		source := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
			bad := uint64(1)
			if len(w.Canary.Members) > 4 {
				bad = 50
			}
			return analysis.Observation{At: w.End, Canary: analysis.Counts(bad, 100), Baseline: analysis.Counts(1, 100)}, nil
		})
		plan := withSource(aPlan(targets, 0.01), source)
		plan.Waves, plan.Concurrency = waves, 4
		result, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)
		require.ErrorContains(t, err, "error rate 0.5 is above 0.03")
		require.Equal(t, 9, result.PeakExposed, "the first, four done, and four in flight")
		require.Equal(t, 9, result.Undone)
		require.Equal(t, 31, result.Untouched)
		require.LessOrEqual(t, f.peak, 4)
		requireAll(t, f, "v1")
		for _, d := range f.touched() {
			require.NotEqual(t, "web-10 v2", d)
		}
	})
}

// A counting source is to be asked by one goroutine at a time, also when a gate
// passes while a question is on its way.
func TestASourceIsAskedOneQuestionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var mu sync.Mutex
		busy, most := 0, 0
		good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
		source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			time.Sleep(7 * time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
			return good.Observe(ctx, w)
		})
		_, err := aRunner(withSource(aPlan(targets, 0.01), source), f, &rollout.MemoryJournal{}).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, most)
	})
}

// A source whose clock is ahead must not have what it saw before the bake count
// as the bake's.
func TestDataFromTheFutureIsNotNewerThanNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
		begin := time.Now()
		var lastAnswer time.Time
		source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			if time.Since(begin) > 3*time.Second {
				time.Sleep(9 * time.Second) // the first answer alone comes at once
			}
			o, err := good.Observe(ctx, w)
			o.At = o.At.Add(time.Hour)
			lastAnswer = time.Now()
			return o, err
		})
		plan := withSource(aPlan(targets, 0.01), source)
		plan.Gate.Bake.AtLeast = time.Second
		var seen recorder
		_, err := aRunner(plan, f, &rollout.MemoryJournal{}, &seen).Run(t.Context())
		require.NoError(t, err)
		for _, ev := range seen.kinds(rollout.Observed) {
			require.False(t, ev.Check.Observation.At.After(ev.At), "%v at %v", ev.Check.Observation.At, ev.At)
		}
		require.False(t, lastAnswer.IsZero())
	})
}

// What was not answered is asked again: every event counts once.
func TestNoEventIsCountedTwiceOrNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		asked := 0
		type span struct{ start, end time.Time }
		answered := make(map[int][]span)
		source := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
			if asked++; asked%3 == 0 {
				return analysis.Observation{}, errors.New("connection refused")
			}
			answered[w.Wave] = append(answered[w.Wave], span{w.Start, w.End})
			return analysis.Observation{Canary: analysis.Counts(1, 100), Baseline: analysis.Counts(1, 100)}, nil
		})
		var j rollout.MemoryJournal
		plan := withSource(aPlan(targets, 0.01), source)
		plan.Waves = rollout.Counts(1)
		plan.Gate.Bake.AtLeast = 5 * time.Minute
		for range 4 { // interrupted again and again
			ctx, cancel := context.WithTimeout(t.Context(), 42*time.Second)
			_, err := aRunner(plan, f, &j).Run(ctx)
			require.ErrorIs(t, err, rollout.ErrInterrupted)
			cancel()
		}
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.NoError(t, err)
		for wave, spans := range answered {
			for i := 1; i < len(spans); i++ {
				require.Equal(t, spans[i-1].end, spans[i].start, "wave %d, answer %d", wave, i+1)
			}
		}
	})
}

// To give a source up may be what lets a wave go: the gate is not to be asked
// anything more then.
func TestAShadowThatHangsDoesNotTripTheNextWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		f, targets := newFleet(4, "v1")
		plan := aPlan(targets, 0.01)
		shadow := plan.Gate.Checks[0]
		shadow.Name, shadow.Shadow, shadow.Source = "latency", true, noAnswers(release)["hanging"]
		shadow.Timeout = plan.Gate.Bake.AtLeast - time.Second
		plan.Gate.Checks = append(plan.Gate.Checks, shadow)
		plan.Waves = rollout.Explicit{{Targets: targets[:1]}, {Targets: targets[1:], Ungated: "the first wave told us"}}
		_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
		require.NoError(t, err)
		requireAll(t, f, "v2")
	})
}
