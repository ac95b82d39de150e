package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// orders is a source of one value that can be told what to do.
type orders struct {
	mu      sync.Mutex
	value   float64
	err     error
	deaf    chan struct{} // if set, it answers only when this is closed
	windows []analysis.Window
}

func (o *orders) set(value float64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.value, o.err = value, err
}

func (o *orders) Observe(_ context.Context, w analysis.Window) (analysis.Observation, error) {
	o.mu.Lock()
	o.windows = append(o.windows, w)
	value, err, deaf := o.value, o.err, o.deaf
	o.mu.Unlock()
	if deaf != nil {
		<-deaf
	}
	return analysis.Observation{At: w.End, Canary: analysis.Gauge(value)}, err
}

func (o *orders) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.windows)
}

// perMinute is a Metric of a source, with a floor.
func perMinute(source analysis.Source) *guardrails.Metric {
	return &guardrails.Metric{Of: analysis.Check{Name: "orders", Source: source, Judge: analysis.Above(1000)}}
}

// Amazon.com, 5 March 2026: a change is made, and 99% of the orders are gone. With the
// guard it is stopped within an interval, and asks to be taken back; without it the
// script goes on, hour after hour.
func TestMetricStopsAChange(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			shop := &orders{value: 20_000}
			guards := []guardrails.Guard{guardrails.Func(content)}
			if guarded {
				guards = append(guards, perMinute(shop))
			}
			begin := time.Now()
			err := guardrails.Do(t.Context(), guards, func(ctx context.Context) error {
				time.Sleep(3 * time.Minute)
				shop.set(200, nil)
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(6 * time.Hour):
					return nil
				}
			})
			if !guarded {
				require.NoError(t, err)
				require.Greater(t, time.Since(begin), 6*time.Hour)
				return
			}
			require.LessOrEqual(t, time.Since(begin), 3*time.Minute+analysis.DefaultInterval)
			require.ErrorIs(t, err, guardrails.ErrStopped)
			var b *guardrails.Breach
			require.ErrorAs(t, err, &b)
			require.Equal(t, "metric orders", b.Guard)
			require.Equal(t, guardrails.Rollback, b.Consequence)
			require.Contains(t, b.Reason, "200")
		})
	}
}

// Nothing begins without data, or in the middle of trouble.
func TestMetricAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ran := func(context.Context) error { t.Error("it ran"); return nil }
		for want, source := range map[string]*orders{
			"no route":                                {err: errors.New("no route")},
			"it fails before anything was changed":    {value: 5},
			"there is no data to judge by":            {err: analysis.ErrNoData},
			"the source has not answered, or too lat": nil,
		} {
			if source == nil {
				source, want = &orders{value: 20_000, deaf: make(chan struct{})}, "the source has not answered for 4s"
				defer close(source.deaf)
			}
			err := guardrails.Do(t.Context(), []guardrails.Guard{perMinute(source)}, ran)
			require.ErrorIs(t, err, guardrails.ErrRefused)
			require.ErrorContains(t, err, want)
			var b *guardrails.Breach
			require.ErrorAs(t, err, &b)
			require.Equal(t, guardrails.Hold, b.Consequence)
			require.NotEmpty(t, b.Runbook)
		}

		// What was in trouble before may begin when that is over.
		source := &orders{value: 5}
		m := perMinute(source)
		start := guardrails.Action{Verb: guardrails.Start, Rollout: "r1"}
		require.Error(t, m.Check(t.Context(), start))
		source.set(20_000, nil)
		require.Error(t, m.Check(t.Context(), start), "it is not asked each time")
		time.Sleep(10 * time.Second)
		_ = m.Check(t.Context(), start)
		synctest.Wait()
		require.NoError(t, m.Check(t.Context(), start))
	})
}

// No data holds after the grace, and no longer than it lasts.
func TestMetricWithoutData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &orders{value: 20_000}
		m := perMinute(source)
		ctx, cancel := context.WithCancel(t.Context())
		var changes atomic.Int32
		ended := make(chan struct{})
		go func() { defer close(ended); m.Watch(ctx, func() { changes.Add(1) }) }()
		deploy := guardrails.Action{Verb: guardrails.Deploy, Rollout: "r1"}
		require.NoError(t, m.Check(t.Context(), deploy))
		time.Sleep(time.Minute + time.Second)
		require.NoError(t, m.Check(t.Context(), deploy))
		asked := source.count()
		for range 100 {
			require.NoError(t, m.Check(t.Context(), deploy))
		}
		require.Equal(t, asked, source.count(), "steps ask nobody")

		source.set(0, errors.New("no route"))
		time.Sleep(58 * time.Second)
		require.NoError(t, m.Check(t.Context(), deploy))
		time.Sleep(11 * time.Second)
		synctest.Wait()
		err := m.Check(t.Context(), deploy)
		require.ErrorContains(t, err, "no data to judge by for 1m10s (no route; the grace is 1m0s)")
		require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: guardrails.Undo, Rollout: "r1"}))
		require.NotZero(t, changes.Load())

		source.set(20_000, nil)
		time.Sleep(11 * time.Second)
		require.NoError(t, m.Check(t.Context(), deploy))
		cancel()
		<-ended
		asked = source.count()
		time.Sleep(time.Hour)
		require.Equal(t, asked, source.count())
		_ = m.Check(t.Context(), deploy) // who does not watch asks, and has the answer a little later
		synctest.Wait()
		require.NoError(t, m.Check(t.Context(), deploy))
	})
}

// A fail is latched for the rollout, and for no other; Halt can be asked for.
func TestMetricFailIsLatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &orders{value: 20_000}
		m := perMinute(source)
		m.OnFail = guardrails.Halt
		first := guardrails.Action{Verb: guardrails.Bake, Rollout: "r1"}
		require.NoError(t, m.Check(t.Context(), first))
		source.set(5, nil)
		time.Sleep(10 * time.Second)
		_ = m.Check(t.Context(), first)
		synctest.Wait()
		var b *guardrails.Breach
		require.ErrorAs(t, m.Check(t.Context(), first), &b)
		require.Equal(t, guardrails.Halt, b.Consequence)
		source.set(20_000, nil)
		time.Sleep(10 * time.Second)
		_ = m.Check(t.Context(), first)
		synctest.Wait()
		require.Error(t, m.Check(t.Context(), first))
		require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: guardrails.Start, Rollout: "r2"}))
		require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy, Rollout: "r2"}))
	})
}

// The windows follow one another, so that a counting source is asked about all the time
// once; a query that looks back by itself is asked about what it looks at.
func TestMetricWindows(t *testing.T) {
	for _, window := range []time.Duration{0, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			source := &orders{value: 20_000}
			m := perMinute(source)
			m.Of.Window = window
			m.Arms = func(act guardrails.Action) (canary, baseline analysis.Arm) {
				return analysis.Arm{Version: act.To, Members: []analysis.Member{{Name: "a"}}}, analysis.Arm{Version: act.From}
			}
			require.NoError(t, guardrails.Do(t.Context(), []guardrails.Guard{m}, func(context.Context) error {
				time.Sleep(35 * time.Second)
				return nil
			}))
			require.Len(t, source.windows, 4)
			for i, w := range source.windows {
				require.Len(t, w.Canary.Members, 1)
				switch {
				case window > 0:
					require.Equal(t, window, w.End.Sub(w.Start))
				case i > 0:
					require.Equal(t, source.windows[i-1].End, w.Start)
				default:
					require.Equal(t, analysis.DefaultInterval, w.End.Sub(w.Start))
				}
			}
		})
	}
}

// A source that hangs is not asked again meanwhile, and holds after the grace.
func TestMetricWithASourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &orders{value: 20_000}
		m := perMinute(source)
		deaf := make(chan struct{})
		err := guardrails.Do(t.Context(), []guardrails.Guard{m}, func(ctx context.Context) error {
			time.Sleep(15 * time.Second)
			source.mu.Lock()
			source.deaf = deaf
			source.mu.Unlock()
			<-ctx.Done()
			return nil
		})
		require.ErrorContains(t, err, "no data to judge by for 1m")
		require.ErrorContains(t, err, "the source has not answered for")
		require.Equal(t, 3, source.count())
		close(deaf)
	})
}

func TestMetricThatPanics(t *testing.T) {
	m := perMinute(analysis.SourceFunc(func(context.Context, analysis.Window) (analysis.Observation, error) { panic("oops") }))
	require.ErrorContains(t, m.Check(t.Context(), guardrails.Action{}), "the source panicked: oops")
	m = perMinute(&orders{value: 20_000})
	m.Arms = func(guardrails.Action) (canary, baseline analysis.Arm) { panic("no such target") }
	require.ErrorContains(t, m.Check(t.Context(), guardrails.Action{}), "no such target")
}

// What is only there now and then holds nothing, and still can fail.
func TestMetricThatAbstains(t *testing.T) {
	source := &orders{err: analysis.ErrNoData}
	m := perMinute(source)
	m.Of.NoData = analysis.AbstainOnNoData
	require.NoError(t, m.SelfTest(t.Context()))
	require.NoError(t, m.Check(t.Context(), guardrails.Action{}))
	m = perMinute(source)
	m.Of.NoData, m.Of.NoDataAfter = analysis.FailOnNoData, 1
	var b *guardrails.Breach
	require.ErrorAs(t, m.Check(t.Context(), guardrails.Action{}), &b)
	require.Equal(t, guardrails.Rollback, b.Consequence)
}

func TestMetricProblems(t *testing.T) {
	good := analysis.Check{Name: "orders", Source: &orders{}, Judge: analysis.Above(1000)}
	shadow, nameless, limitless := good, good, good
	shadow.Shadow, nameless.Name, limitless.Judge = true, "", analysis.Threshold{}
	for want, m := range map[string]*guardrails.Metric{
		"Of.Name is empty":            {Of: nameless},
		"Of.Judge.Min and Max are bo": {Of: limitless},
		"Of.Source is nil":            {Of: analysis.Check{Name: "orders", Judge: analysis.Above(1)}},
		"Of.Shadow is set":            {Of: shadow},
		"Every is negative":           {Of: good, Every: -1},
		"Grace is 5s: want at least ": {Of: good, Grace: 5 * time.Second},
		"OnFail is consequence(9)":    {Of: good, OnFail: 9},
	} {
		require.ErrorContains(t, m.Check(t.Context(), guardrails.Action{}), want)
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), m), guardrails.ErrSelfTest)
		require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: guardrails.Undo}))
	}
	require.Error(t, (&guardrails.Metric{}).Check(t.Context(), guardrails.Action{}))
	(&guardrails.Metric{Of: good, Every: 3 * time.Hour}).Problems(func(path, msg string) { t.Error(path, msg) })
}

// never is a judge that fails nothing.
type never struct{}

func (never) Begin() analysis.Trial                           { return never{} }
func (never) Judge(analysis.Observation) (v analysis.Verdict) { return v }

// picky is one that fails only what it does not like.
type picky struct{}

func (picky) Begin() analysis.Trial { return picky{} }
func (picky) Judge(o analysis.Observation) (v analysis.Verdict) {
	if o.Canary.Value == 42 {
		v.Outcome, v.Reason = analysis.Fail, "42"
	}
	return v
}

func TestMetricSelfTest(t *testing.T) {
	within := func(j analysis.Judge) *guardrails.Metric {
		return &guardrails.Metric{Of: analysis.Check{Name: "m", Source: &orders{}, Judge: j}}
	}
	for name, j := range map[string]analysis.Judge{
		"above":     analysis.Above(0.99),
		"below":     analysis.Below(0.01),
		"within":    analysis.Within(-5, 5),
		"not worse": analysis.NotWorse{},
		"all of":    analysis.AllOf{analysis.Below(0.01), analysis.NotWorse{}},
		"burn rate": analysis.BurnRate{Objective: 0.999},
	} {
		require.NoError(t, within(j).SelfTest(t.Context()), name)
	}
	require.ErrorContains(t, within(never{}).SelfTest(t.Context()), "not seen to fail")
	require.ErrorContains(t, within(picky{}).SelfTest(t.Context()), "not seen to fail")
	m := within(picky{})
	m.Bad = []analysis.Observation{{At: time.Unix(1, 0), Canary: analysis.Gauge(42)}}
	require.NoError(t, m.SelfTest(t.Context()))
	m.Bad = []analysis.Observation{{At: time.Unix(1, 0), Canary: analysis.Gauge(7)}}
	require.ErrorContains(t, m.SelfTest(t.Context()), "what Bad says")
	err := guardrails.Do(t.Context(), []guardrails.Guard{m}, func(context.Context) error { return nil })
	require.ErrorIs(t, err, guardrails.ErrRefused)
	require.ErrorIs(t, err, guardrails.ErrSelfTest)
}

func BenchmarkMetric(b *testing.B) {
	m := perMinute(&orders{value: 20_000})
	act := guardrails.Action{Verb: guardrails.Deploy, Rollout: "r1"}
	for b.Loop() {
		if err := m.Check(b.Context(), act); err != nil {
			b.Fatal(err)
		}
	}
}

// A script under a metric: it stops when the orders drop.
func ExampleMetric() {
	dropped := make(chan struct{})
	orders := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
		select {
		case <-dropped:
			return analysis.Observation{At: w.End, Canary: analysis.Gauge(12)}, nil
		default:
			return analysis.Observation{At: w.End, Canary: analysis.Gauge(20_000)}, nil
		}
	})
	guards := []guardrails.Guard{&guardrails.Metric{
		Of:    analysis.Check{Name: "orders", Source: orders, Judge: analysis.Above(1000), Timeout: time.Second},
		Every: 10 * time.Millisecond,
	}}
	err := guardrails.Do(context.Background(), guards, func(ctx context.Context) error {
		close(dropped)
		<-ctx.Done()
		return nil
	})
	var breach *guardrails.Breach
	fmt.Println(errors.As(err, &breach), breach.Consequence, breach.Guard)
	// Output:
	// true rollback metric orders
}
