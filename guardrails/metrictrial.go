package guardrails

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// metricTrial is what a Metric knows of one rollout.
type metricTrial struct {
	m *Metric

	mu    sync.Mutex
	act   Action    // the latest that was asked about
	asked time.Time // when that was
	// begun says that something may have been deployed. Before, each look is judged by
	// itself: what it shows is not the release's doing.
	begun  bool
	judged *analysis.Evaluation

	started time.Time     // of the last observation
	under   chan struct{} // closed when that has ended; nil before the first
	busy    bool          // it has not
	seen    time.Time     // up to when the source was asked about
	any     bool          // there was an answer, whatever it was
	good    time.Time     // the last one with data that could be judged
	bad     string        // why the last one was none; empty if it was good
	failed  string        // latched, once begun
}

func newMetricTrial(m *Metric) *metricTrial { return &metricTrial{m: m} }

// about takes in what is asked about.
func (t *metricTrial) about(act Action, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	act.Fleet = nil // valid only until Check returns
	t.act, t.asked = act, now
	if act.Verb != Start && !t.begun {
		t.begun, t.judged, t.failed = true, nil, ""
	}
}

func (t *metricTrial) idle(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Sub(t.asked)
}

func (t *metricTrial) answered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.any
}

// look begins an observation if the last was begun longer ago than age and has ended.
// It returns what is closed when the one under way has ended; nil if there is none.
func (t *metricTrial) look(ctx context.Context, age time.Duration) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.busy {
		return t.under
	}
	if !t.started.IsZero() && now.Sub(t.started) < age {
		return nil
	}
	w := analysis.Window{Start: t.seen, End: now, Wave: max(t.act.Wave, 1)}
	if span := t.m.Of.Window; span > 0 || t.seen.IsZero() {
		if span == 0 {
			span = t.m.every()
		}
		w.Start = now.Add(-span)
	}
	t.started, t.busy, t.under = now, true, make(chan struct{})
	go t.observe(ctx, w, t.act, t.begun, t.under)
	return t.under
}

// observe asks the source once, and judges what it says.
func (t *metricTrial) observe(ctx context.Context, w analysis.Window, act Action, begun bool, done chan<- struct{}) {
	defer close(done)
	limit := t.m.timeout()
	asking, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	o, err := observeOnce(func() (analysis.Observation, error) {
		w.Canary, w.Baseline = t.m.arms(act)
		return t.m.Of.Source.Observe(asking, w)
	})
	t.settle(ctx, asking, w, begun, o, err)
}

// observeOnce calls a source, and makes an error of a panic.
func observeOnce(observe func() (analysis.Observation, error)) (o analysis.Observation, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the source panicked: %v", p)
		}
	}()
	return observe()
}

func (m *Metric) arms(act Action) (canary, baseline analysis.Arm) {
	if m.Arms != nil {
		return m.Arms(act)
	}
	return analysis.Arm{Version: act.To}, analysis.Arm{Version: act.From}
}

// settle takes in what an observation came to.
func (t *metricTrial) settle(life, asking context.Context, w analysis.Window, begun bool, o analysis.Observation, err error) {
	t.mu.Lock()
	t.busy = false
	switch {
	case life.Err() != nil: // the watch has ended: that says nothing of the source
		t.started = time.Time{}
		t.mu.Unlock()
		return
	case asking.Err() != nil: // whatever it says, it is too late
		err = context.Cause(asking)
	}
	if err != nil {
		o = analysis.Observation{Err: plainText(err.Error())}
	}
	if o.At.IsZero() || o.At.After(w.End) {
		o.At = w.End
	}
	before := t.word()
	t.any, t.seen = true, w.End
	t.judge(w, o, begun == t.begun)
	news := t.word() != before
	t.mu.Unlock()
	if news {
		t.m.tell()
	}
}

// judge judges an observation. One from before the release, that ends when something
// was deployed, shows no more than that there is data. The caller holds mu.
func (t *metricTrial) judge(w analysis.Window, o analysis.Observation, counts bool) {
	var v analysis.Verdict
	if counts {
		if t.judged == nil || !t.begun {
			t.judged, t.failed = t.m.gate().Begin(), ""
			t.judged.Enter(1, w.Start)
		}
		v = t.judged.Observe(0, o)
		if d := t.judged.Decide(o.At); d.Outcome == analysis.Fail && t.failed == "" {
			t.failed = plainText(d.Reason)
		}
	}
	switch {
	case o.Err != "":
		t.bad = o.Err
	case !o.Canary.Has():
		t.bad = "no data"
	case v.Outcome == analysis.Error || v.Outcome == analysis.Inconclusive:
		t.bad = v.Reason
	default:
		t.good, t.bad = o.At, ""
		return
	}
	if t.bad = plainText(t.bad); t.bad == "" {
		t.bad = "an error without a text"
	}
}

// word is what may have changed. The caller holds mu.
func (t *metricTrial) word() string {
	return fmt.Sprintf("%v %v %s", t.any, t.bad == "", t.failed)
}

// assess says why nothing may pass, if so.
func (t *metricTrial) assess(now time.Time) *Breach {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &Breach{Guard: t.m.GuardName()}
	bad := t.bad
	if t.busy && now.Sub(t.started) > t.m.timeout() {
		bad = fmt.Sprintf("the source has not answered for %v", now.Sub(t.started).Round(time.Millisecond))
	}
	switch {
	case t.failed != "" && !t.begun:
		b.Reason = "it fails before anything was changed: " + t.failed
		b.Runbook = "Mend that first. A change in the middle of trouble hides what it does."
		return b
	case t.failed != "":
		if b.Consequence = t.m.OnFail; b.Consequence == Hold {
			b.Consequence = Rollback
		}
		b.Reason = t.failed
		b.Runbook = "See what the change has done, and whether it stops when the change is taken back. A new rollout is judged anew."
		return b
	case t.m.Of.NoData == analysis.AbstainOnNoData:
		return nil
	case t.good.IsZero():
		b.Reason = "there is no data to judge by"
		b.Evidence = bad
		if bad == "" {
			b.Evidence = "no answer yet"
		}
		b.Runbook = runbookMetric
		return b
	case now.Sub(t.good) > t.m.grace():
		b.Reason = fmt.Sprintf("there has been no data to judge by for %v", now.Sub(t.good).Round(time.Second))
		b.Evidence = fmt.Sprintf("%s; the grace is %v", bad, t.m.grace())
		if bad == "" {
			b.Evidence = fmt.Sprintf("it was not asked; the grace is %v", t.m.grace())
		}
		b.Runbook = runbookMetric
		return b
	}
	return nil
}

const runbookMetric = "Make the source answer: nothing goes on while nobody can see what it does."
