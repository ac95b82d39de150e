package guardrails

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// DefaultMetricGrace is how long a Metric may be without data.
const DefaultMetricGrace = time.Minute

// Metric watches an analysis.Check all the time, outside of gates too: while a wave is
// deployed, while it waits for a human, while a script runs. When the check fails, it
// asks for the change to be taken back.
//
// What it would have bounded: on 5 March 2026, as the press reports, a change to
// production at Amazon.com was followed by a drop in orders of 99%, for hours. One
// figure, orders per minute, with a limit that stands at all times says so within one
// interval, whatever the change and whoever watches.
//
// It judges as a gate does, in a trial for each rollout that begins with the first
// Deploy, and for each Guarded.Do or Run by itself. A fail is latched: for that
// rollout it stays one. As long as the evidence is not in, it lets things pass, since
// it is there to stop and not to promote; but when the source has had nothing to show
// for longer than Grace, or the judge could not tell, it holds until there is data.
// So it does before the first data has come.
//
// At a Start it looks once, and holds what would begin in the middle of trouble or
// without anybody to see it. It leaves Undo and Recover alone. It asks in the
// background, each Every, and a check of a step costs no I/O but for the first of a
// rollout, which waits up to four seconds for an answer.
//
// The zero Metric has nothing to look at and refuses everything but what takes a change
// back; Problems reports it. Use it by pointer; it is safe for concurrent use, and
// its fields must not be changed after the first call. A source that counts each event
// once (analysis.Exclusive) needs a Metric of its own for each rollout.
type Metric struct {
	// Of is what to look at and how to judge it. Its Name, Source and Judge are
	// required. Of its Timeout, zero means two seconds. With AbstainOnNoData, the Metric
	// holds nothing for want of data. It must not be a Shadow: put the Metric on a
	// leash for that (Leashed).
	Of analysis.Check
	// Every is the time between two observations. Zero means analysis.DefaultInterval.
	Every time.Duration
	// Grace is how long it may be without data. Zero means DefaultMetricGrace, or twice
	// Every and Timeout together where that is more; it must not be less than that.
	Grace time.Duration
	// OnFail is what a fail asks for: Rollback or Halt. Zero means Rollback: a fail
	// stays one, so that merely to hold would never end.
	OnFail Consequence
	// Arms says which targets run the new version, and which the old one, for sources
	// that have to know. Nil means the versions of the action, and no targets.
	Arms func(act Action) (canary, baseline analysis.Arm)
	// Bad are observations, in order, that the judge must fail, for the self-test. Nil
	// means a few that are as bad as can be, which suits judges with limits and those
	// that compare counts.
	Bad []analysis.Observation

	once  sync.Once
	wrong string // with the settings

	mu     sync.Mutex
	trials map[metricRun]*metricTrial
	// watchers get a token when something may have changed.
	watchers map[chan struct{}]struct{}
}

// metricRun is what has a trial of its own.
type metricRun struct {
	rollout string
	issued  time.Time
}

// trialKept is how long a trial is kept that nobody asks about.
const trialKept = time.Hour

// GuardName returns "metric" and the check's name.
func (m *Metric) GuardName() string { return "metric " + m.Of.Name }

// Problems reports every setting that makes no sense.
func (m *Metric) Problems(report func(path, msg string)) {
	if m.Every < 0 {
		report("Every", fmt.Sprintf("is negative (%v)", m.Every))
	}
	if least := m.leastGrace(); m.Grace != 0 && m.Grace < least {
		report("Grace", fmt.Sprintf("is %v: want at least %v, twice the time for an observation", m.Grace, least))
	}
	if !m.OnFail.known() {
		report("OnFail", fmt.Sprintf("is %v, which does not exist", m.OnFail))
	}
	if m.Of.Shadow {
		report("Of.Shadow", "is set, so that it would have no effect: put the Metric on a leash instead")
	}
	const prefix = "Checks[0]"
	m.gate().Problems(func(path, msg string) {
		if len(path) >= len(prefix) && path[:len(prefix)] == prefix {
			path = "Of" + path[len(prefix):]
		}
		if path != "Checks" && path != "Interval" { // those are no settings of ours
			report(path, msg)
		}
	})
}

// gate is the check as that of a gate, which knows how to judge it.
func (m *Metric) gate() analysis.Gate {
	return analysis.Gate{
		Bake:     analysis.Bake{AtLeast: max(m.Of.Window, 0)},
		Interval: m.every(),
		Checks:   []analysis.Check{m.Of},
	}
}

func (m *Metric) every() time.Duration {
	if m.Every > 0 {
		return m.Every
	}
	return analysis.DefaultInterval
}

func (m *Metric) timeout() time.Duration {
	if m.Of.Timeout > 0 {
		return m.Of.Timeout
	}
	return analysis.MinTimeout
}

func (m *Metric) leastGrace() time.Duration { return 2 * (m.every() + m.timeout()) }

func (m *Metric) grace() time.Duration {
	if m.Grace > 0 {
		return m.Grace
	}
	return max(DefaultMetricGrace, m.leastGrace())
}

// firstAnswer is how long a Check waits for the first answer of a trial.
const firstAnswer = 4 * time.Second

// Check returns a *Breach with OnFail when the check has failed, and one that holds
// while there is no data to tell by.
func (m *Metric) Check(ctx context.Context, act Action) error {
	if act.Verb.Backward() {
		return nil
	}
	m.once.Do(func() { m.wrong = firstProblem(m) })
	if m.wrong != "" {
		return &Breach{Guard: m.GuardName(), Reason: "there is nothing to judge by", Evidence: m.wrong, Runbook: "Correct the settings of the Metric."}
	}
	t := m.trial(act)
	// An observation serves all who ask, so it outlives the one who asked.
	if under := t.look(context.WithoutCancel(ctx), m.every()); under != nil && !t.answered() {
		late := time.NewTimer(firstAnswer)
		defer late.Stop()
		select {
		case <-under:
		case <-late.C:
		case <-ctx.Done():
		}
	}
	if b := t.assess(time.Now()); b != nil {
		return b
	}
	return nil
}

// trial returns the trial that an action belongs to.
func (m *Metric) trial(act Action) *metricTrial {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.trials == nil {
		m.trials = make(map[metricRun]*metricTrial)
	}
	key := metricRun{act.Rollout, act.Issued.Round(0)}
	t := m.trials[key]
	if t == nil {
		for k, other := range m.trials {
			if other.idle(now) > trialKept {
				delete(m.trials, k)
			}
		}
		t = newMetricTrial(m)
		m.trials[key] = t
	}
	t.about(act, now)
	return t
}

// Watch observes each Every until ctx is done, for every rollout that was asked about
// within the last hour, and calls changed when the next Check may answer differently.
// When it returns, so has every observation that it has begun, but for a source that
// does not heed its ctx.
func (m *Metric) Watch(ctx context.Context, changed func()) {
	news := make(chan struct{}, 1)
	m.mu.Lock()
	if m.watchers == nil {
		m.watchers = make(map[chan struct{}]struct{})
	}
	m.watchers[news] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, news)
	}()
	var under []<-chan struct{}
	ticks := time.NewTicker(m.every())
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			under = under[:0]
			for _, t := range m.live() {
				if done := t.look(ctx, m.every()/2); done != nil {
					under = append(under, done)
				}
			}
		case <-news:
			if changed != nil {
				changed()
			}
		case <-ctx.Done():
			late := time.NewTimer(time.Second)
			defer late.Stop()
			for _, done := range under {
				select {
				case <-done:
				case <-late.C:
					return
				}
			}
			return
		}
	}
}

// live are the trials that somebody has asked about of late.
func (m *Metric) live() (all []*metricTrial) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.trials {
		if t.idle(now) <= trialKept {
			all = append(all, t)
		}
	}
	return all
}

// tell wakes every watch.
func (m *Metric) tell() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for news := range m.watchers {
		signalOn(news)
	}
}

// SelfTest has the judge fail what is as bad as can be, or what Bad says, and a copy
// with a source that has no data hold. It asks the source nothing.
func (m *Metric) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(m); wrong != "" {
		return errors.New(wrong)
	}
	if !m.fails() {
		if m.Bad != nil {
			return errors.New("its judge does not fail what Bad says is bad")
		}
		return errors.New("its judge was not seen to fail, whatever it was shown: give observations that it must fail in Bad")
	}
	if m.Of.NoData == analysis.AbstainOnNoData {
		return nil
	}
	blind := &Metric{Of: m.Of, Every: m.Every, Grace: m.Grace, OnFail: m.OnFail}
	blind.Of.Source = analysis.SourceFunc(func(context.Context, analysis.Window) (analysis.Observation, error) {
		return analysis.Observation{}, analysis.ErrNoData
	})
	return mustRefuse(ctx, blind, Action{Verb: Deploy}, "a step without any data to judge it by")
}

// fails tells whether the judge fails what is bad.
func (m *Metric) fails() bool {
	if m.Bad != nil {
		return m.judgesBad(m.Bad)
	}
	for _, bad := range worstCases(m.every()) {
		if m.judgesBad(bad) {
			return true
		}
	}
	return false
}

// judgesBad tells whether the judge fails a series of observations.
func (m *Metric) judgesBad(series []analysis.Observation) bool {
	trial := m.gate().Begin()
	trial.Enter(1, time.Time{})
	for _, o := range series {
		if trial.Observe(0, o); trial.Decide(o.At).Outcome == analysis.Fail {
			return true
		}
	}
	return false
}

// worstCases are a few series of observations that are as bad as can be, in one sense or
// another: all requests failed, or none succeeded, a value that is huge, or hugely
// negative, and very slow.
func worstCases(every time.Duration) (all [][]analysis.Observation) {
	bounds := []float64{1e-3, 1e6}
	for _, arms := range [][2]analysis.Sample{
		{analysis.Counts(1000, 1000), analysis.Counts(0, 1000)},
		{analysis.Counts(0, 1000), analysis.Counts(1000, 1000)},
		{analysis.Gauge(1e15), analysis.Gauge(1)},
		{analysis.Gauge(-1e15), analysis.Gauge(1)},
		{analysis.Gauge(0), analysis.Gauge(1)},
		{analysis.Buckets(bounds, []uint64{0, 0}, 1000), analysis.Buckets(bounds, []uint64{1000, 1000}, 1000)},
		{analysis.Buckets(bounds, []uint64{1000, 1000}, 1000), analysis.Buckets(bounds, []uint64{0, 0}, 1000)},
	} {
		series := make([]analysis.Observation, 100)
		for i := range series {
			at := time.Unix(0, 0).Add(time.Duration(i+1) * every)
			series[i] = analysis.Observation{At: at, Canary: arms[0], Baseline: arms[1]}
		}
		all = append(all, series)
	}
	return all
}
