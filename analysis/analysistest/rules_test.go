package analysistest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

type observation = analysis.Observation

// changed is a source that gets an answer right, and then makes it wrong.
func changed(change func(o *observation, w analysis.Window)) twist {
	return twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
		o, err := m.plain(ctx, w)
		if err == nil {
			change(&o, w)
		}
		return o, err
	}}
}

// Each rule is there for ways to break it, and finds these.
func TestEveryRuleFindsABreach(t *testing.T) {
	t.Parallel()
	type breach struct {
		twist twist
		err   string // part of what is said of it
	}
	forever := t.Context().Done() // until all is over
	breaches := map[string]map[string]breach{
		"answers": {
			"never": {changed(func(o *observation, _ analysis.Window) { *o = observation{} }), "the canary had 1 of 100, and no data was seen"},
			"an error": {twist{observe: func(*memory, context.Context, analysis.Window) (observation, error) {
				return observation{}, errors.New("not now")
			}}, "gave the error: not now"},
			"half": {changed(func(o *observation, _ analysis.Window) { o.Baseline = analysis.Sample{} }), "the baseline had 0 of 200, and no data was seen"},
		},
		"the time of an observation": {
			"late":  {changed(func(o *observation, w analysis.Window) { o.At = w.End.Add(1) }), "an observation is of"},
			"stale": {changed(func(o *observation, w analysis.Window) { o.At = w.Start.Add(-1) }), "an observation is of"},
		},
		"well-formed samples": {
			"more events than total": {changed(func(o *observation, _ analysis.Window) { o.Canary.Events = o.Canary.Total + 1 }), "events among a total of"},
			"not a number": {changed(func(o *observation, _ analysis.Window) {
				o.Canary, o.Baseline = analysis.Sample{Kind: analysis.ValueKind, Value: math.NaN()}, analysis.Sample{}
			}), "has the value NaN"},
			"buckets not cumulative": {changed(func(o *observation, _ analysis.Window) {
				o.Canary = analysis.Sample{Kind: analysis.BucketKind, Total: 9, Bounds: []float64{1, 2}, Buckets: []uint64{5, 4}}
				o.Baseline = analysis.Sample{}
			}), "is no histogram"},
			"two kinds": {changed(func(o *observation, _ analysis.Window) { o.Canary = analysis.Gauge(1) }), "cannot be compared"},
			"two scales": {changed(func(o *observation, _ analysis.Window) {
				o.Canary = analysis.Buckets([]float64{1}, []uint64{1}, 1)
				o.Baseline = analysis.Buckets([]float64{2}, []uint64{1}, 1)
			}), "cannot be compared"},
			"data beside an error": {changed(func(o *observation, _ analysis.Window) { o.Err = "no data" }), `although the observation has the Err "no data"`},
			"an unknown kind":      {changed(func(o *observation, _ analysis.Window) { o.Canary.Kind = 99; o.Baseline.Kind = 99 }), "unknown kind 99"},
			"slices of one name": {changed(func(o *observation, _ analysis.Window) {
				o.Slices = []analysis.Slice{{Name: "eu"}, {Name: "eu"}}
			}), `two slices have the name "eu"`},
			"a slice without a name": {changed(func(o *observation, _ analysis.Window) { o.Slices = []analysis.Slice{{}} }), "no name"},
			"a bad slice": {changed(func(o *observation, _ analysis.Window) {
				o.Slices = []analysis.Slice{{Name: "eu", Canary: analysis.Sample{Kind: analysis.CountKind, Events: 2, Total: 1}}}
			}), `"eu" of the canary has 2 events`},
		},
		"survives JSON": {
			"two kinds in one": {changed(func(o *observation, _ analysis.Window) { o.Canary.Value = 7 }), "was recorded as"},
		},
		"counts add up": {
			"what was there before": {changed(func(o *observation, _ analysis.Window) { o.Canary = add(o.Canary, analysis.Counts(1, 1)) }), "over all windows, the canary had 6 of 303, and 11 of 308 was seen"},
			"the last minute": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				w.Start = w.Start.Add(-time.Minute)
				return m.plain(ctx, w)
			}}, "over all windows, the canary had 6 of 303, and "},
			"a value of another day": {changed(func(o *observation, _ analysis.Window) { o.Canary, o.Baseline = analysis.Gauge(99), analysis.Sample{} }), "over all windows, the canary had 6 of 303, and the value 99 was seen"},
			"arms swapped":           {changed(func(o *observation, _ analysis.Window) { o.Canary, o.Baseline = o.Baseline, o.Canary }), "over all windows"},
		},
		"an error loses nothing": {
			"the last window only": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				w.Start = w.End.Add(-10 * time.Second)
				return m.plain(ctx, w)
			}}, "after an Observe that failed, in the window of both the canary had 3 of 201"},
			"fails no more": {twist{observe: func(m *memory, _ context.Context, w analysis.Window) (observation, error) {
				return m.plain(context.Background(), w)
			}}, "gave no error"},
		},
		"shared or exclusive": {
			"each a part": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				o, err := m.plain(ctx, w)
				m.mu.Lock()
				defer m.mu.Unlock()
				clear(m.made)
				return o, err
			}}, "it is not Exclusive, and to one of 8 callers, the canary had 1 of 100, and no data was seen"},
		},
		"a canary without members": {
			"all": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				w.Canary = w.Baseline
				return m.plain(ctx, w)
			}}, "without members, the canary has 1 of 100"},
			"some error": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				if len(w.Canary.Members) == 0 {
					return observation{}, errBroken
				}
				return m.plain(ctx, w)
			}}, "not analysis.ErrNoData"},
		},
		"a baseline without members": {
			"all": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				w.Baseline = w.Canary
				return m.plain(ctx, w)
			}}, "without members, the baseline has 0 of 200"},
			"an error": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				if len(w.Baseline.Members) == 0 {
					return observation{}, errBroken
				}
				return m.plain(ctx, w)
			}}, "gave the error: the backend is broken"},
			"nothing": {changed(func(o *observation, w analysis.Window) {
				if len(w.Baseline.Members) == 0 {
					o.Canary = analysis.Sample{}
				}
			}), "the canary is no data"},
		},
		"a cancelled context": {
			"goes on": {twist{observe: func(m *memory, _ context.Context, w analysis.Window) (observation, error) {
				return m.plain(context.Background(), w)
			}}, "gave no error"},
			"another error": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				if ctx.Err() != nil {
					return observation{}, errors.New("stopped")
				}
				return m.plain(ctx, w)
			}}, `does not wrap "context canceled": stopped`},
		},
		"cancelled while it waits": {
			"another error": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				if _, err := m.plain(ctx, w); err != nil {
					return observation{}, errors.New("stopped")
				}
				return observation{}, nil
			}}, `does not wrap "context canceled": stopped`},
			"waits on": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				o, err := m.plain(ctx, w)
				if err != nil {
					<-forever
				}
				return o, err
			}}, "while the backend kept it waiting has not returned within 5s"},
			"does not ask": {twist{observe: func(*memory, context.Context, analysis.Window) (observation, error) {
				<-forever
				return observation{}, nil
			}}, "has not asked the backend within 5s"},
			"does not wait": {twist{observe: func(*memory, context.Context, analysis.Window) (observation, error) {
				return observation{}, errors.New("busy")
			}}, "returned before that: the canary is no data, the error busy"},
		},
		"a broken backend": {
			"zero": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				o, err := m.plain(ctx, w)
				if err != nil {
					o = observation{At: w.End, Canary: analysis.Counts(0, 100), Baseline: analysis.Counts(0, 100)}
				}
				return o, nil
			}}, "after Break, Observe gave no error: the canary is 0 of 100"},
			"nothing": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				o, err := m.plain(ctx, w)
				if err != nil {
					err = analysis.ErrNoData
				}
				return o, err
			}}, "that is analysis.ErrNoData"},
		},
		"no goroutine left behind": {
			"a watcher": {twist{observe: func(m *memory, ctx context.Context, w analysis.Window) (observation, error) {
				go func() { <-t.Context().Done() }()
				return m.plain(ctx, w)
			}}, "these are left:"},
		},
		"settings": {
			"complains of what works": {twist{problems: func(_ *memory, report func(string, string)) { report("URL", "is odd") }}, `Problems says: ["is odd"]`},
		},
		"preflight": {
			"counts": {twist{preflight: func(m *memory, ctx context.Context, w analysis.Window) error {
				m.mu.Lock()
				delete(m.made, w.End)
				m.mu.Unlock()
				return m.reach(ctx)
			}}, "in window 2, after a Preflight, "},
			"always good": {twist{preflight: func(_ *memory, ctx context.Context, _ analysis.Window) error { return ctx.Err() }}, "after Break, Preflight gave no error"},
			"always bad": {twist{preflight: func(_ *memory, ctx context.Context, _ analysis.Window) error {
				return errors.Join(ctx.Err(), errBroken)
			}}, "Preflight of window 1 gave the error: the backend is broken"},
			"never refuses": {twist{preflight: func(*memory, context.Context, analysis.Window) error { return nil }}, "gave no error"},
		},
		"history": {
			"newest first": {historyWith(func(all []observation) []observation {
				all[1], all[2] = all[2], all[1]
				return all
			}), "oldest first"},
			"twice":       {historyWith(func(all []observation) []observation { return append(all[:1], all...) }), "two observations of the span"},
			"out of time": {historyWith(func(all []observation) []observation { all[0].At = all[0].At.Add(-10 * time.Second); return all }), "History has an observation of"},
			"wrong":       {historyWith(func(all []observation) []observation { all[3].Canary = all[0].Canary; return all }), "the canary had 4 of 103, and 1 of 100 was seen"},
			"malformed":   {historyWith(func(all []observation) []observation { all[0].Err = "x"; return all }), "although the observation has the Err"},
			"empty":       {historyWith(func([]observation) []observation { return nil }), "is empty"},
			"cannot stop": {twist{history: func(m *memory, _ context.Context, w analysis.Window, every time.Duration) ([]observation, error) {
				return m.plainHistory(context.Background(), w, every)
			}}, "gave no error"},
		},
	}
	for _, r := range rules {
		require.NotEmpty(t, r.explanation)
		require.NotEmpty(t, breaches[r.name], "a rule without a source that breaks it: %s", r.name)
		for name, breach := range breaches[r.name] {
			t.Run(r.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := &bench{t: t, build: func(testing.TB) Rig {
					m := newMemory(breach.twist)
					return m.rig(m)
				}}
				err := r.check(t.Context(), b, b.rig())
				require.ErrorContains(t, err, breach.err)
			})
		}
	}
}

func historyWith(change func([]observation) []observation) twist {
	return twist{history: func(m *memory, ctx context.Context, w analysis.Window, every time.Duration) ([]observation, error) {
		all, err := m.plainHistory(ctx, w, every)
		if err != nil {
			return nil, err
		}
		return change(all), nil
	}}
}

// What cannot be twisted into memory: sources whose zero value is the trouble,
// and those that are not what they say.
func TestRulesAboutTypes(t *testing.T) {
	t.Parallel()
	good := func() *memory { return newMemory(twist{}) }
	for name, test := range map[string]struct {
		check  func(context.Context, *bench, Rig) error
		source analysis.Source
		err    string
	}{
		"Problems panics":        {tellsProblems, &panicky{memory: good()}, "Problems of the zero value panics: "},
		"Problems says nothing":  {tellsProblems, &silent{set: true}, "Problems says nothing of the zero value"},
		"Observe panics":         {tellsProblems, &careless{set: true, memory: good()}, "Observe of the zero value panics: "},
		"Observe works":          {tellsProblems, &lax{set: true}, "Observe of the zero value gave no error"},
		"cannot be compared":     {sharedOrExclusive, incomparable{memory: good()}, "cannot be compared: use a pointer"},
		"exclusive counts twice": {sharedOrExclusive, &greedy{good()}, "by 8 callers together, the canary had 1 of 100, and 8 of 800 was seen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := good()
			if own, ok := test.source.(*greedy); ok {
				m = own.memory
			}
			require.ErrorContains(t, test.check(t.Context(), &bench{t: t}, m.rig(test.source)), test.err)
		})
	}
}

type panicky struct{ *memory }

type silent struct{ set bool }

func (*silent) Observe(context.Context, analysis.Window) (observation, error) {
	return observation{}, errBroken
}
func (*silent) Problems(func(path, msg string)) {}

type careless struct {
	*memory
	set bool
}

func (c *careless) Problems(report func(path, msg string)) {
	if !c.set {
		report("set", "is not")
	}
}

type lax struct{ set bool }

func (*lax) Observe(context.Context, analysis.Window) (observation, error) { return observation{}, nil }
func (l *lax) Problems(report func(path, msg string)) {
	if !l.set {
		report("set", "is not")
	}
}

type incomparable struct {
	*memory
	_ []int
}

func (incomparable) Exclusive() {}

type greedy struct{ *memory }

func (*greedy) Exclusive() {}
