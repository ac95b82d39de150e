package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// fleet is a number of targets in memory, for tests of the runner: each runs a
// version, takes time to deploy, and can be told to misbehave.
type fleet struct {
	mu       sync.Mutex
	versions map[string]string
	deploys  []string // "web-01 v2", in order
	inFlight int
	peak     int
	takes    time.Duration
	// misbehave, if set, is called before a deploy takes effect.
	misbehave func(ctx context.Context, target, to string) error
}

func newFleet(n int, version string) (*fleet, []rollout.Target) {
	f := &fleet{versions: make(map[string]string), takes: time.Second}
	var targets []rollout.Target
	for i := range n {
		name := fmt.Sprintf("web-%02d", i+1)
		f.versions[name] = version
		targets = append(targets, rollout.Target{Name: name, Labels: map[string]string{"zone": string(rune('a' + i%3))}})
	}
	return f, targets
}

func (f *fleet) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	f.mu.Lock()
	f.inFlight++
	f.peak = max(f.peak, f.inFlight)
	misbehave, takes := f.misbehave, f.takes
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.inFlight--
		f.mu.Unlock()
	}()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if misbehave != nil {
		if err := misbehave(ctx, t.Name, r.To); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.versions[t.Name] = r.To
	f.deploys = append(f.deploys, t.Name+" "+r.To)
	return nil
}

func (f *fleet) Version(_ context.Context, t rollout.Target) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.versions[t.Name]
	if !ok {
		return "", errors.New("no such target")
	}
	return v, nil
}

func (f *fleet) count(version string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.versions {
		if v == version {
			n++
		}
	}
	return n
}

func (f *fleet) touched() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.deploys)
}

// errorRate is a source of counts: each arm's members answer 100 requests a
// second with the error rate of the version that they are meant to run.
func errorRate(rates map[string]float64) analysis.Source {
	return analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
		seen := func(a analysis.Arm) analysis.Sample {
			total := 0.0
			for _, m := range a.Members {
				start := w.Start
				if m.Since.After(start) {
					start = m.Since
				}
				total += 100 * max(0, w.End.Sub(start).Seconds())
			}
			return analysis.Counts(uint64(total*rates[a.Version]+0.5), uint64(total))
		}
		return analysis.Observation{At: w.End, Canary: seen(w.Canary), Baseline: seen(w.Baseline)}, nil
	})
}

// errorsBelow is the judge of most tests: a plain threshold, decided at once.
type errorsBelow float64

func (limit errorsBelow) Begin() analysis.Trial { return limit }

func (limit errorsBelow) Judge(o analysis.Observation) analysis.Verdict {
	rate, ok := o.Canary.Figure()
	switch {
	case !ok:
		return analysis.Verdict{Reason: "no canary data"}
	case rate > float64(limit):
		return analysis.Verdict{Outcome: analysis.Fail, Reason: fmt.Sprintf("error rate %.3g is above %.3g", rate, float64(limit))}
	}
	return analysis.Verdict{Outcome: analysis.Pass, Reason: fmt.Sprintf("error rate %.3g is at most %.3g", rate, float64(limit))}
}

// aPlan is a plan for a fleet of n, from v1 to v2, where v2 is as bad as said.
func aPlan(targets []rollout.Target, v2 float64) rollout.Plan {
	return rollout.Plan{
		Name:    "checkout-v2",
		Release: rollout.Release{Service: "checkout", From: "v1", To: "v2"},
		Targets: targets,
		Waves:   rollout.OneThenDouble(),
		Gate: analysis.Gate{
			Bake:   analysis.Bake{AtLeast: time.Minute, AtMost: 10 * time.Minute},
			Checks: []analysis.Check{{Name: "errors", Source: errorRate(map[string]float64{"v1": 0.01, "v2": v2}), Judge: errorsBelow(0.03)}},
		},
		Rollback: rollback.Policy{Timeout: time.Minute, Backoff: time.Second},
	}
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// recorder keeps the events that it is told.
type recorder struct {
	mu     sync.Mutex
	events []rollout.Event
}

func (r *recorder) Observe(ev rollout.Event) {
	r.mu.Lock()
	r.events = append(r.events, ev)
	r.mu.Unlock()
}

func (r *recorder) kinds(kind rollout.Kind) (events []rollout.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range r.events {
		if ev.Kind == kind {
			events = append(events, ev)
		}
	}
	return events
}

func requireAll(t *testing.T, f *fleet, version string) {
	t.Helper()
	require.Equal(t, len(f.versions), f.count(version), "every target runs %s: %v", version, f.versions)
}
