package rollout_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// tried is a plan whose checks are tried before the rollout.
func tried(targets []rollout.Target, checks ...analysis.Check) rollout.Plan {
	plan := aPlan(targets, 0.01)
	plan.Gate.Checks = checks
	return plan
}

// A check that could never pass refuses the rollout before anything is touched.
func TestAUselessCheckRefusesTheRollout(t *testing.T) {
	for name := range noAnswers(nil) {
		if name == "zero total" {
			continue // no requests at this time of day
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				f, targets := newFleet(20, "v1")
				plan := tried(targets, analysis.Check{Name: "errors", Source: noAnswers(release)[name], Judge: analysis.NotWorse{}})
				journal, at := &rollout.MemoryJournal{}, time.Now()
				_, err := aRunner(plan, f, journal).Run(t.Context())
				require.ErrorIs(t, err, analysis.ErrPreflight)
				require.NotErrorIs(t, err, analysis.ErrBurning)
				require.ErrorContains(t, err, "was not started, nothing was touched")
				require.ErrorContains(t, err, "check errors cannot be asked")
				require.Empty(t, f.touched())
				require.Empty(t, journalOf(t, journal, plan.Name))
				require.Less(t, time.Since(at), 20*time.Second)
			})
		})
	}
}

// What is tried is what will be asked: of the targets of the first wave, which still
// run the old version, and of the others.
func TestWhatIsTriedBeforeARollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
		var mu sync.Mutex
		var first []analysis.Window
		source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			mu.Lock()
			defer mu.Unlock()
			if w.Wave == 0 {
				first = append(first, w)
			}
			return good.Observe(ctx, w)
		})
		plan := tried(targets, analysis.Check{Name: "errors", Source: source, Judge: analysis.NotWorse{}})
		_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
		require.NoError(t, err)
		require.Len(t, first, 1)
		w := first[0]
		require.Equal(t, "v1", w.Canary.Version)
		require.Equal(t, "v1", w.Baseline.Version)
		require.Equal(t, 20, len(w.Canary.Members)+len(w.Baseline.Members))
		require.NotEmpty(t, w.Canary.Members)
		require.Equal(t, w.Start, w.Canary.Members[0].Since)
		require.Equal(t, plan.Gate.Every(), w.End.Sub(w.Start))
	})
}

// A judge that cannot take what the source gives is found out beforehand, too.
func TestAWrongShapeRefusesTheRollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(4, "v1")
		gauge := analysis.SourceFunc(func(context.Context, analysis.Window) (analysis.Observation, error) {
			return analysis.Observation{Canary: analysis.Gauge(3), Baseline: analysis.Gauge(4)}, nil
		})
		_, err := aRunner(tried(targets, analysis.Check{Name: "queue", Source: gauge, Judge: analysis.NotWorse{}}), f, &rollout.MemoryJournal{}).Run(t.Context())
		require.ErrorIs(t, err, analysis.ErrPreflight)
		require.ErrorContains(t, err, "check queue cannot be asked: values can only be compared where their noise is known, from an A/A window")
	})
}

// A resumed rollout is not tried again: it must go on while the metrics are down.
func TestAResumedRolloutIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		var mu sync.Mutex
		asked := 0
		good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
		source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			mu.Lock()
			defer mu.Unlock()
			if w.Wave == 0 {
				asked++
			}
			return good.Observe(ctx, w)
		})
		journal := &rollout.MemoryJournal{}
		plan := tried(targets, analysis.Check{Name: "errors", Source: source, Judge: analysis.NotWorse{}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := aRunner(plan, f, journal).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
		_, err = aRunner(plan, f, journal).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, asked)
	})
}

// fever is a service that is ill until a time, or with a version.
func fever(illUntil time.Time, ill string) analysis.Source {
	return analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
		rate := func(a analysis.Arm) analysis.Sample {
			if len(a.Members) == 0 {
				return analysis.Sample{}
			}
			if w.End.Before(illUntil) || a.Version == ill {
				return analysis.Counts(300, 1000)
			}
			return analysis.Counts(1, 1000)
		}
		return analysis.Observation{Canary: rate(w.Canary), Baseline: rate(w.Baseline)}, nil
	})
}

// A service that is in trouble already is not changed, unless someone says why.
func TestAServiceInTroubleIsNotChanged(t *testing.T) {
	check := func(s analysis.Source) analysis.Check {
		return analysis.Check{Name: "errors", Source: s, Judge: analysis.Below(0.05)}
	}
	t.Run("block", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(4, "v1")
			_, err := aRunner(tried(targets, check(fever(time.Now().Add(time.Hour), ""))), f, &rollout.MemoryJournal{}).Run(t.Context())
			require.ErrorIs(t, err, analysis.ErrBurning)
			require.ErrorContains(t, err, "check errors fails before anything is deployed: 30% (300 of 1000) is above 5%")
			require.Empty(t, f.touched())
		})
	})
	t.Run("fix forward", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(4, "v1")
			plan := tried(targets, check(fever(time.Time{}, "v1")))
			plan.Gate.IfBurning = analysis.FixForward("v2 mends it")
			_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
			require.NoError(t, err)
			requireAll(t, f, "v2")
		})
	})
	t.Run("a fix that is none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(4, "v1")
			plan := tried(targets, check(fever(time.Now().Add(9*time.Hour), "")))
			plan.Gate.IfBurning = analysis.FixForward("v2 mends it")
			view := &folds{}
			r := aRunner(plan, f, &rollout.MemoryJournal{}, view)
			done := inBackground(t.Context(), r)
			eventually(t, 20*time.Minute, func() bool { return view.held("gate") }, "held, and blamed on nobody")
			say(t, r, rollout.RollBack)
			require.ErrorIs(t, (<-done).err, rollout.ErrRolledBack)
		})
	})
	t.Run("disarm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, targets := newFleet(4, "v1")
			good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
			plan := tried(targets, check(fever(time.Now().Add(9*time.Hour), "")), analysis.Check{Name: "sales", Source: good, Judge: analysis.NotWorse{}})
			plan.Gate.IfBurning = analysis.Disarm("ticket 7: a known leak in the counter", time.Now().Add(24*time.Hour))
			_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
			require.NoError(t, err)
			requireAll(t, f, "v2")
		})
	})
}

// An incident of the whole fleet in the middle of a rollout holds it, also at the
// deadline, and rolls nothing back. When it is over the rollout goes on.
func TestAnIncidentOfTheWholeFleetIsNotBlamedOnTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(8, "v1")
		start := time.Now()
		ill := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			if at := w.End.Sub(start); at > time.Second && at < time.Hour {
				return fever(start.Add(time.Hour), "").Observe(ctx, w)
			}
			return fever(time.Time{}, "").Observe(ctx, w)
		})
		plan := tried(targets, analysis.Check{Name: "errors", Source: ill, Judge: analysis.Below(0.05)})
		view := &folds{}
		done := inBackground(t.Context(), aRunner(plan, f, &rollout.MemoryJournal{}, view))
		eventually(t, 30*time.Minute, func() bool { return view.held("gate") }, "held at the deadline")
		require.Less(t, time.Since(start), time.Hour)
		o := <-done
		require.NoError(t, o.err)
		requireAll(t, f, "v2")
	})
}

// archive is a source that knows the past.
type archive struct {
	analysis.SourceFunc
	past func(at time.Time) analysis.Observation
}

func (a archive) History(_ context.Context, w analysis.Window, every time.Duration) (past []analysis.Observation, err error) {
	for at := w.Start.Add(every); !at.After(w.End); at = at.Add(every) {
		o := a.past(at)
		o.At = at
		past = append(past, o)
	}
	return past, nil
}

// The past of both arms is compared, what was learnt is on record, and a runner that
// takes over after a crash goes by it.
func TestTheArmsAreComparedBeforehand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
		rng := rand.New(rand.NewPCG(1, 1))
		draw := func(n uint64) analysis.Sample {
			events := uint64(0)
			for range n {
				if rng.Float64() < 0.02 {
					events++
				}
			}
			return analysis.Counts(events, n)
		}
		source := archive{SourceFunc: good.Observe, past: func(time.Time) analysis.Observation {
			return analysis.Observation{Canary: draw(200), Baseline: draw(800)}
		}}
		plan := tried(targets, analysis.Check{Name: "errors", Source: source, Judge: analysis.NotWorse{}})
		journal := &rollout.MemoryJournal{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := aRunner(plan, f, journal).Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
		events := journalOf(t, journal, plan.Name)
		require.Len(t, events[0].Spec.Checks, 1)
		learnt := events[0].Spec.Checks[0].Checks[0].Arms
		require.Equal(t, 180, learnt.Intervals)
		require.InDelta(t, 1, learnt.Tables[0].Phi, 0.3)

		_, err = aRunner(plan, f, journal).Run(t.Context())
		require.NoError(t, err)
		for _, ev := range journalOf(t, journal, plan.Name) {
			if ev.Kind == rollout.Observed {
				require.Contains(t, ev.Check.Verdict.Calibration, "calibrated by an A/A window of 29m50s")
				require.InDelta(t, 0.5, ev.Check.Observation.Share, 0.5)
			}
		}
	})
}

// A source that knows no past is watched first, if the plan says so; nothing is
// deployed meanwhile. Its end is in the hands of the caller.
func TestArmsAreWatchedBeforehand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(20, "v1")
		good := errorRate(map[string]float64{"v1": 0.01, "v2": 0.01})
		var mu sync.Mutex
		looks := 0
		source := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
			mu.Lock()
			defer mu.Unlock()
			if looks++; w.Wave == 0 && looks == 5 {
				return analysis.Observation{}, errors.New("hiccup")
			}
			return good.Observe(ctx, w)
		})
		plan := tried(targets, analysis.Check{Name: "errors", Source: source, Judge: analysis.NotWorse{}})
		plan.Gate.Compare = 20 * time.Minute

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "was not started")
		require.Empty(t, f.touched())

		mu.Lock()
		looks = 0
		mu.Unlock()
		journal, at := &rollout.MemoryJournal{}, time.Now()
		_, err = aRunner(plan, f, journal).Run(t.Context())
		require.NoError(t, err)
		started := journalOf(t, journal, plan.Name)[0]
		require.Equal(t, 20*time.Minute, started.At.Sub(at).Truncate(time.Second))
		require.Equal(t, 119, started.Spec.Checks[0].Checks[0].Arms.Intervals)
	})
}
