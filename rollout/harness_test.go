package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// aRunner is a runner of the plan that says nothing.
func aRunner(plan rollout.Plan, d rollout.Deployer, j rollout.Journal, observers ...rollout.Observer) *rollout.Runner {
	return &rollout.Runner{Plan: plan, Deployer: d, Journal: j, Logger: quiet(), Observers: observers}
}

// outcome is what a Run came to.
type outcome struct {
	result rollout.Result
	err    error
}

// inBackground runs r until it returns.
func inBackground(ctx context.Context, r *rollout.Runner) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		result, err := r.Run(ctx)
		done <- outcome{result, err}
	}()
	return done
}

// say gives a verb to a rollout.
func say(t *testing.T, r *rollout.Runner, verb rollout.Kind) {
	t.Helper()
	require.NoError(t, r.Command(t.Context(), rollout.Command{Verb: verb, Actor: "ann", Reason: "the test says so"}))
}

// eventually lets virtual time pass, a second at a time, until ok.
func eventually(t *testing.T, within time.Duration, ok func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(time.Second) {
		synctest.Wait()
		if ok() {
			return
		}
		require.False(t, time.Now().After(end), "not within %v: %s", within, what)
	}
}

// folds is an observer that folds what it sees into a state of its own.
type folds struct {
	mu    sync.Mutex
	state rollout.State
	err   error
}

func (f *folds) Observe(ev rollout.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = errors.Join(f.err, f.state.Step(ev))
}

// read asks the state something, while the rollout runs.
func read[T any](f *folds, ask func(*rollout.State) T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return ask(&f.state)
}

func (f *folds) phase() rollout.Phase { return read(f, (*rollout.State).Phase) }

func (f *folds) wave() int { return read(f, (*rollout.State).Wave) }

func (f *folds) held(key string) bool {
	return read(f, func(s *rollout.State) bool {
		for h := range s.Holds() {
			if h.Key == key {
				return true
			}
		}
		return false
	})
}

// fleetView is a deployer that looks before each deployment starts and after it
// has ended. The fleet does the rest.
type fleetView struct {
	*fleet
	before func(ctx context.Context, target string, r rollout.Release)
	after  func(target string, r rollout.Release, err error)
}

func (v fleetView) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	if v.before != nil {
		v.before(ctx, t.Name, r)
	}
	err := v.fleet.Deploy(ctx, t, r)
	if v.after != nil {
		v.after(t.Name, r, err)
	}
	return err
}

// faultyJournal is a journal whose Appends can be made to misbehave. It knows
// what every step's newest durable event is.
type faultyJournal struct {
	rollout.MemoryJournal
	mu      sync.Mutex
	appends int
	latest  map[string]rollout.Kind
	events  []rollout.Event // durable ones
	// fault is called before each append, counted from 1 over all sessions. It
	// says how many of the events get written, and what Append returns then.
	fault func(n int, events []rollout.Event) (written int, err error)
}

func (j *faultyJournal) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	s, err := j.MemoryJournal.Open(ctx, name, locks...)
	if err != nil {
		return nil, err
	}
	return &faultySession{s, j}, nil
}

func (j *faultyJournal) newest(step string) rollout.Kind {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.latest[step]
}

func (j *faultyJournal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.appends
}

// recorded returns how many events are durable.
func (j *faultyJournal) recorded() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.events)
}

type faultySession struct {
	rollout.Session
	journal *faultyJournal
}

func (s *faultySession) Append(ctx context.Context, events ...rollout.Event) error {
	j := s.journal
	j.mu.Lock()
	j.appends++
	n, fault := j.appends, j.fault
	j.mu.Unlock()
	var failure error
	if fault != nil {
		var written int
		written, failure = fault(n, events)
		events = events[:written]
	}
	if err := s.Session.Append(ctx, events...); err != nil {
		return err
	}
	j.note(events)
	return failure
}

func (j *faultyJournal) note(events []rollout.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.latest == nil {
		j.latest = make(map[string]rollout.Kind)
	}
	for _, ev := range events {
		switch ev.Kind {
		case rollout.Doing, rollout.Done, rollout.DoFailed, rollout.Undoing, rollout.Undone, rollout.UndoFailed:
			j.latest[ev.Step] = ev.Kind
		}
	}
	j.events = append(j.events, events...)
}

// recordedFirst is a deployer that finds out when something is deployed that
// is not on record as begun.
func recordedFirst(f *fleet, j *faultyJournal, broken func(format string, args ...any)) fleetView {
	return fleetView{fleet: f, before: func(_ context.Context, target string, r rollout.Release) {
		want := rollout.Doing
		if r.To == "v1" {
			want = rollout.Undoing
		}
		if got := j.newest(target); got != want {
			broken("%s gets %s, but its newest durable event is %v", target, r.To, got)
		}
	}}
}

// journalOf returns what a journal has on record of a rollout.
func journalOf(t *testing.T, j rollout.Journal, name string) []rollout.Event {
	t.Helper()
	s, err := j.Open(t.Context(), name)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	return collect(t, s.Events())
}

func collect(t *testing.T, seq iter.Seq2[rollout.Event, error]) (events []rollout.Event) {
	t.Helper()
	for ev, err := range seq {
		require.NoError(t, err)
		events = append(events, ev)
	}
	return events
}

func kindsOf(events []rollout.Event) (kinds []rollout.Kind) {
	for _, ev := range events {
		kinds = append(kinds, ev.Kind)
	}
	return kinds
}

// requireOneVersion asserts that the fleet is in one piece.
func requireOneVersion(t *testing.T, f *fleet, what string, args ...any) {
	t.Helper()
	n := len(f.versions)
	if v1, v2 := f.count("v1"), f.count("v2"); v1 != n && v2 != n {
		require.FailNow(t, "mixed versions", "%s: %d on v1, %d on v2", fmt.Sprintf(what, args...), v1, v2)
	}
}

// withSource is the plan with another source behind its one check.
func withSource(p rollout.Plan, s analysis.Source) rollout.Plan {
	p.Gate.Checks = slices.Clone(p.Gate.Checks)
	p.Gate.Checks[0].Source = s
	p.Gate.NoPreflight = "the test is about what the source does later"
	return p
}

// guard is a guard with a name.
type guard struct {
	name  string
	check func(ctx context.Context, act guardrails.Action) error
}

func (g guard) GuardName() string { return g.name }

func (g guard) Check(ctx context.Context, act guardrails.Action) error { return g.check(ctx, act) }

// toggle is a guard that answers as it was last told to.
type toggle struct {
	name   string
	mu     sync.Mutex
	answer func(act guardrails.Action) error
}

func (g *toggle) GuardName() string { return g.name }

func (g *toggle) set(answer func(act guardrails.Action) error) {
	g.mu.Lock()
	g.answer = answer
	g.mu.Unlock()
}

func (g *toggle) Check(_ context.Context, act guardrails.Action) error {
	g.mu.Lock()
	answer := g.answer
	g.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(act)
}
