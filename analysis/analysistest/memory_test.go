package analysistest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// memory is a source that does everything right, and its own backend.
type memory struct {
	mu     sync.Mutex
	made   map[time.Time]pair // by the end of the window
	broken error
	asked  chan struct{} // not nil while it hangs
	gauge  bool

	twist twist
}

// twist is what a source does wrong. Each function that is set takes the place of
// what is right, which it may call with plain, plainHistory and so on.
type twist struct {
	observe   func(m *memory, ctx context.Context, w analysis.Window) (analysis.Observation, error)
	history   func(m *memory, ctx context.Context, w analysis.Window, every time.Duration) ([]analysis.Observation, error)
	preflight func(m *memory, ctx context.Context, w analysis.Window) error
	problems  func(m *memory, report func(path, msg string))
}

var errBroken = errors.New("the backend is broken")

func (m *memory) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	if m.twist.observe != nil {
		return m.twist.observe(m, ctx, w)
	}
	return m.plain(ctx, w)
}

func (m *memory) plain(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	if err := m.reach(ctx); err != nil {
		return analysis.Observation{}, err
	}
	if len(w.Canary.Members) == 0 {
		return analysis.Observation{}, analysis.ErrNoData
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum pair
	for at, made := range m.made {
		if at.After(w.Start) && !at.After(w.End) {
			sum = sum.plus(made)
		}
	}
	if len(w.Baseline.Members) == 0 {
		sum.baseline = analysis.Sample{}
	}
	return analysis.Observation{At: w.End, Canary: sum.canary, Baseline: sum.baseline}, nil
}

// reach asks the backend.
func (m *memory) reach(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	asked, broken := m.asked, m.broken
	if m.made == nil {
		broken = errors.New("no backend")
	}
	m.mu.Unlock()
	if asked == nil {
		return broken
	}
	select {
	case asked <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return ctx.Err()
}

func (m *memory) History(ctx context.Context, w analysis.Window, every time.Duration) ([]analysis.Observation, error) {
	if m.twist.history != nil {
		return m.twist.history(m, ctx, w, every)
	}
	return m.plainHistory(ctx, w, every)
}

func (m *memory) plainHistory(ctx context.Context, w analysis.Window, every time.Duration) (all []analysis.Observation, err error) {
	for end := w.Start.Add(every); !end.After(w.End); end = end.Add(every) {
		span := w
		span.Start, span.End = end.Add(-every), end
		o, err := m.plain(ctx, span)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

func (m *memory) Preflight(ctx context.Context, w analysis.Window) error {
	if m.twist.preflight != nil {
		return m.twist.preflight(m, ctx, w)
	}
	return m.reach(ctx)
}

func (m *memory) Problems(report func(path, msg string)) {
	if m.twist.problems != nil {
		m.twist.problems(m, report)
		return
	}
	if m.made == nil {
		report("Backend", "is missing")
	}
}

// rig builds one around it.
func (m *memory) rig(source analysis.Source) Rig {
	return Rig{
		Source: source,
		Traffic: func(w analysis.Window) (canary, baseline analysis.Sample) {
			m.mu.Lock()
			defer m.mu.Unlock()
			n := uint64(len(m.made))
			made := pair{analysis.Counts(1+n, 100+n), analysis.Counts(n, 200)}
			if m.gauge {
				made = pair{analysis.Gauge(1.5 + float64(n)), analysis.Gauge(1)}
			}
			m.made[w.End] = made
			return made.canary, made.baseline
		},
		Break: func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.broken = errBroken
		},
		Hang: func() <-chan struct{} {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.asked = make(chan struct{}, 1)
			return m.asked
		},
	}
}

func newMemory(t twist) *memory { return &memory{made: make(map[time.Time]pair), twist: t} }

// meter is an Exclusive source that does everything right: it counts what has
// changed since it was last asked.
type meter struct {
	backend memory
	turn    sync.Mutex
	last    pair
}

func (m *meter) Exclusive() {}

func (m *meter) Problems(report func(path, msg string)) { m.backend.Problems(report) }

func (m *meter) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	all := w
	all.Start = time.Time{}
	o, err := m.backend.plain(ctx, all)
	if err != nil {
		return o, err
	}
	now := samplesOf(o)
	o.Canary, o.Baseline = less(now.canary, m.last.canary), less(now.baseline, m.last.baseline)
	m.last = now
	return o, nil
}

func less(now, last analysis.Sample) analysis.Sample {
	if now.Kind == analysis.NoData {
		return now
	}
	return analysis.Counts(now.Events-last.Events, now.Total-last.Total)
}

func TestGoodSourcesPass(t *testing.T) {
	t.Parallel()
	t.Run("by window", func(t *testing.T) {
		TestSource(t, func(testing.TB) Rig {
			m := newMemory(twist{})
			return m.rig(m)
		})
	})
	t.Run("a value", func(t *testing.T) {
		TestSource(t, func(testing.TB) Rig {
			m := newMemory(twist{})
			m.gauge = true
			return m.rig(m)
		})
	})
	t.Run("exclusive", func(t *testing.T) {
		TestSource(t, func(testing.TB) Rig {
			m := &meter{backend: memory{made: make(map[time.Time]pair)}}
			return m.backend.rig(m)
		})
	})
	t.Run("no hooks", func(t *testing.T) {
		TestSource(t, func(testing.TB) Rig {
			m := newMemory(twist{})
			constant := analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
				o, err := m.plain(ctx, w)
				if o.Canary = analysis.Gauge(1); len(w.Canary.Members) == 0 {
					o.Canary = analysis.Sample{}
				}
				return o, err
			})
			return Rig{Source: constant, Window: defaultWindow()}
		})
	})
}
