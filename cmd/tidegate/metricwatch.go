package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// blindLooks is how many looks in a row may see nothing.
const blindLooks = 3

// metricWatch is a guard that looks at metrics while a program runs. A metric that
// leaves its limits takes the change back; one that cannot be seen any more stops it,
// and leaves the rest to a human.
type metricWatch struct {
	gate  analysis.Gate
	asked analysis.Arm

	mu     sync.Mutex // held over a look, so that there is one at a time
	trials []analysis.Trial
	last   time.Time

	said   sync.Mutex
	breach *guardrails.Breach
}

func newMetricWatch(checks checkList, interval time.Duration) *metricWatch {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	w := &metricWatch{
		gate:  analysis.Gate{Checks: checks, Interval: interval, Compare: -1},
		asked: analysis.Arm{Version: "running", Members: []analysis.Member{{Name: host, Since: time.Now()}}},
	}
	for i, c := range checks {
		if t, ok := c.Judge.(analysis.Threshold); ok {
			t.Errors = blindLooks - 1
			checks[i].Judge = t
		}
		w.trials = append(w.trials, checks[i].Judge.Begin())
	}
	return w
}

// preflight says why a metric is no good, or is outside of its limits already.
func (w *metricWatch) preflight(ctx context.Context) error {
	if err := w.problems(); err != nil {
		return err
	}
	_, err := w.gate.Preflight(ctx, w.asked, analysis.Arm{})
	if err == nil {
		w.look(ctx) // from here on counters count
	}
	return err
}

func (w *metricWatch) problems() (err error) {
	w.gate.Problems(func(path, msg string) {
		if err == nil {
			err = badf("%s: %s", path, msg)
		}
	})
	return err
}

// GuardName names the guard.
func (*metricWatch) GuardName() string { return "metrics" }

// Check returns what was seen up to now.
func (w *metricWatch) Check(context.Context, guardrails.Action) error {
	w.said.Lock()
	defer w.said.Unlock()
	if w.breach == nil {
		return nil
	}
	return w.breach
}

// Watch looks each interval.
func (w *metricWatch) Watch(ctx context.Context, changed func()) {
	ticks := time.NewTicker(w.gate.Every())
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		w.look(ctx)
		if w.Check(ctx, guardrails.Action{}) != nil {
			changed()
		}
	}
}

// lastLook looks once more, at what the end of the program has shown.
func (w *metricWatch) lastLook(ctx context.Context) error {
	w.look(ctx)
	return w.Check(ctx, guardrails.Action{})
}

// look asks all checks once, and judges.
func (w *metricWatch) look(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	span := analysis.Window{Start: w.last, End: now, Wave: 1, Canary: w.asked}
	if w.last.IsZero() {
		span.Start = now.Add(-w.gate.Every())
	}
	for i := range w.gate.Checks {
		c := &w.gate.Checks[i]
		o := observe(ctx, c, span, max(w.gate.Every(), analysis.MinTimeout))
		if ctx.Err() != nil {
			return
		}
		switch v := w.trials[i].Judge(o); v.Outcome {
		case analysis.Fail:
			w.stop(guardrails.Rollback, c.Name, v.Reason)
		case analysis.Error:
			w.stop(guardrails.Hold, c.Name, v.Reason)
		}
	}
	w.last = now
}

func (w *metricWatch) stop(consequence guardrails.Consequence, check, reason string) {
	w.said.Lock()
	defer w.said.Unlock()
	if w.breach == nil || consequence > w.breach.Consequence {
		w.breach = &guardrails.Breach{Guard: w.GuardName(), Consequence: consequence, Reason: check + ": " + reason}
	}
}

// observe asks one check; what goes wrong is an observation of nothing.
func observe(ctx context.Context, c *analysis.Check, span analysis.Window, limit time.Duration) analysis.Observation {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	o, err := c.Source.Observe(ctx, span)
	if err != nil {
		return analysis.Observation{At: span.End, Err: err.Error()}
	}
	if o.At.IsZero() {
		o.At = span.End
	}
	return o
}
