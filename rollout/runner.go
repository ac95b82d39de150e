package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"
)

// DefaultGrace is how long what was cancelled may take to return.
const DefaultGrace = 10 * time.Second

// InterruptPolicy says what an interrupted Run does.
type InterruptPolicy uint8

const (
	// StopOnInterrupt starts nothing more and leaves a rollout that the next Run
	// resumes. It is the zero value: a shutdown is not a rollback.
	StopOnInterrupt InterruptPolicy = iota
	// RollBackOnInterrupt takes the change back.
	RollBackOnInterrupt
)

// Runner carries out a plan: it starts what the core wants, watches, records
// every event before it is acted on, and returns when there is nothing left to
// do. Set the fields, then call Run. The fields must not change during a Run.
type Runner struct {
	Plan Plan
	// Deployer puts the release on targets. It may be nil for a plan of Steps
	// alone.
	Deployer Deployer
	// Journal is the durable memory. Required: without one, a crash would leave
	// nobody who knows what was touched. See filejournal.Dir, and MemoryJournal
	// for tests.
	Journal   Journal
	Observers []Observer
	// Logger gets what operators should see. Nil means slog.Default.
	Logger *slog.Logger
	// OnInterrupt says what the end of Run's context, or the first of Signals,
	// does.
	OnInterrupt InterruptPolicy
	// Signals interrupt Run, such as InterruptSignals(). The first one interrupts,
	// as the end of the context does, and both together are one interrupt; a
	// rollback that is under way goes on to its end. The second one stops even
	// that, and leaves it resumable. Nil means that Run takes no signals.
	Signals []os.Signal
	// Grace is how long steps in flight may go on after an interrupt, and how
	// long a step that was cancelled may take to return before it is left behind
	// and counts as in doubt. Zero means DefaultGrace.
	Grace time.Duration

	mu   sync.Mutex
	live *engine
}

func errNoJournal() error {
	return &PlanError{[]*FieldError{{"Runner.Journal", "is nil: use filejournal.Dir(\"/var/lib/tidegate\"), or &rollout.MemoryJournal{} in a test"}}}
}

// Run starts the rollout, or resumes what a crash or an interrupt left, and
// returns when it has come to its end. It returns nil only when the rollout is
// Completed; a *Error otherwise that is one of ErrRolledBack, ErrHalted,
// ErrPartial, ErrAborted, ErrRollbackIncomplete and ErrInterrupted; or another
// error when it was refused before anything was touched (ErrInvalidPlan,
// ErrHeld, guardrails.ErrBreach, ErrPlanChanged), or when the journal failed.
//
// Before a new rollout begins, every guard has to pass its self-test
// (guardrails.ErrSelfTest), the way back has to be there (rollback.ErrBadVersion,
// rollback.ErrArtifact), and every gate's checks are asked once: one that could never
// pass (analysis.ErrPreflight), or that fails already (analysis.ErrBurning), refuses it.
// Where a gate is to compare the arms by watching them (analysis.Gate, Compare), that
// takes as long; an interrupt ends it, and is ErrInterrupted with nothing on record.
//
// The end of ctx interrupts Run (see OnInterrupt); it is not a rollback, and it
// does not stop one that is under way.
func (r *Runner) Run(ctx context.Context) (result Result, err error) {
	c, err := r.prepare()
	if err != nil {
		return Result{}, err
	}
	signals := make(chan os.Signal, 4)
	if len(r.Signals) > 0 {
		signal.Notify(signals, r.Signals...)
		defer signal.Stop(signals)
	}
	session, err := r.Journal.Open(ctx, r.Plan.Name, r.Plan.locks()...)
	if held := (*HeldError)(nil); errors.As(err, &held) && held.Lock != "" {
		if result, over, err := r.past(ctx); over {
			return result, err
		}
	}
	if err != nil {
		return Result{}, fmt.Errorf("rollout: opening the journal of %s: %w", r.Plan.Name, err)
	}
	defer func() {
		if cerr := session.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("rollout: closing the journal of %s: %w", r.Plan.Name, cerr)
		}
	}()
	e := newEngine(ctx, r, c, session)
	defer e.close()
	if err := e.begin(ctx, signals); err != nil {
		return e.state.Result(), err
	}
	if err := r.enter(e); err != nil {
		return e.state.Result(), err
	}
	defer r.leave()
	err = e.loop(ctx, signals)
	result = e.state.Result()
	result.Resumed = e.resumed
	return result, err
}

// past returns how the rollout ended, if it has: what is over needs no lock.
func (r *Runner) past(ctx context.Context) (result Result, over bool, err error) {
	session, err := r.Journal.Open(ctx, r.Plan.Name)
	if err != nil {
		return Result{}, false, err
	}
	defer session.Close() // nothing was written
	var state State
	last := Event{}
	if err := replay(&state, session, func(ev Event) { last = ev }); err != nil || !last.FreesLocks() {
		return Result{}, false, err
	}
	result = state.Result()
	result.Resumed = true
	return result, true, state.err()
}

func (r *Runner) enter(e *engine) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live != nil {
		return fmt.Errorf("rollout: %w: this Runner runs already", ErrHeld)
	}
	r.live = e
	return nil
}

func (r *Runner) leave() {
	r.mu.Lock()
	r.live = nil
	r.mu.Unlock()
}

// prepare finds everything that is wrong before anything is touched.
func (r *Runner) prepare() (*compiled, error) {
	c, err := r.Plan.compile()
	var ps problems
	if invalid := (*PlanError)(nil); errors.As(err, &invalid) {
		ps = invalid.Problems
	}
	if r.Journal == nil {
		ps = append(ps, errNoJournal().(*PlanError).Problems...)
	}
	if r.Deployer == nil && len(r.Plan.Targets) > 0 {
		ps.add("Runner.Deployer", "is nil, but the plan has %d targets", len(r.Plan.Targets))
	}
	if r.Grace < 0 {
		ps.add("Runner.Grace", "is negative (%v)", r.Grace)
	}
	if len(ps) > 0 {
		return nil, &PlanError{ps}
	}
	return c, nil
}

// begin takes in what was recorded, or starts anew.
func (e *engine) begin(ctx context.Context, signals <-chan os.Signal) (err error) {
	if e.hash, err = e.compiled.hash(e.plan); err != nil {
		return err
	}
	e.longest = e.compiled.longest(e.plan)
	if err := replay(&e.state, e.session, e.replayed); err != nil {
		return fmt.Errorf("rollout: %s: %w", e.plan.Name, err)
	}
	e.observers()
	if e.state.spec != nil {
		return e.resume()
	}
	if err := untilSignal(ctx, signals, e.wayBackIsThere); err != nil {
		return fmt.Errorf("rollout: %s was not started, nothing was touched: %w", e.plan.Name, err)
	}
	if err := e.proveGuards(); err != nil {
		return fmt.Errorf("rollout: %s was not started, nothing was touched: %w", e.plan.Name, err)
	}
	if err := untilSignal(ctx, signals, e.preflight); err != nil {
		return fmt.Errorf("rollout: %s was not started, nothing was touched: %w", e.plan.Name, err)
	}
	if b := e.watch.start(ctx); b != nil {
		return fmt.Errorf("rollout: %s was not started, nothing was touched: %w", e.plan.Name, b)
	}
	_, e.compiled.spec.Undo.Survey = e.runner.Deployer.(Versioner)
	e.steps.units = e.compiled.units
	e.record(Event{Kind: Started, Spec: e.compiled.spec})
	if !e.flush() {
		return e.fatal
	}
	return nil
}

// resume checks that the journal's rollout is the plan's. The journal's waves
// and limits stand: they are what was begun.
func (e *engine) resume() error {
	spec, plan := e.state.spec, e.plan
	for _, f := range [...]struct{ name, was, is string }{
		{"service", spec.Service, plan.Release.Service}, {"old version", spec.From, plan.Release.From}, {"new version", spec.To, plan.Release.To},
	} {
		if f.was != f.is {
			return fmt.Errorf("%w: rollout %s was started with %s %q, the plan says %q: give the new rollout a name of its own", ErrPlanChanged, plan.Name, f.name, f.was, f.is)
		}
	}
	units := make(map[string]unit, len(e.compiled.units))
	for i := range e.compiled.units {
		u := &e.compiled.units[i]
		units[u.id()] = *u
	}
	var missing []string
	for id := range e.state.Steps() {
		u, ok := units[id]
		if !ok {
			missing = append(missing, id)
		}
		e.steps.units = append(e.steps.units, u)
	}
	if n := len(missing); n > 0 {
		return fmt.Errorf("%w: %d of its steps are not in the plan any more, such as %v", ErrPlanChanged, n, missing[:min(n, 3)])
	}
	for w, wave := range spec.Waves {
		if wave.Ungated == "" && e.gate(w) == nil {
			return fmt.Errorf("%w: wave %d had a gate, and has none in the plan", ErrPlanChanged, w+1)
		}
	}
	if spec.Guarded && len(plan.Guards) == 0 {
		return fmt.Errorf("%w: it was started under guards, and the plan has none", ErrPlanChanged)
	}
	e.resumed = true
	if e.state.phase.Final() {
		return nil
	}
	for h := range e.state.Holds() {
		if name, ok := strings.CutPrefix(h.Key, "guard:"); ok && !e.watch.knows(name) {
			return fmt.Errorf("%w: it is held by guard %s, which the plan does not have", ErrPlanChanged, name)
		}
	}
	if e.forward() {
		if err := e.proveGuards(); err != nil {
			return fmt.Errorf("rollout: %s was not resumed: %w", plan.Name, err)
		}
	}
	e.record(Event{Kind: Resumed, Actor: e.actor()})
	if !e.flush() {
		return e.fatal
	}
	return nil
}
