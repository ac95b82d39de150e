package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// engine is one Run: the shell around the core. The loop's goroutine owns every
// field; others reach it through post, and through the results of steps.
type engine struct {
	plan     *Plan
	runner   *Runner
	compiled *compiled
	session  Session
	log      *slog.Logger
	grace    time.Duration

	self    string        // who acts, for the journal
	hash    string        // of the plan
	longest time.Duration // that it can take
	proof   string        // of a step that is done

	state   State
	pending []Event // taken into the state, not yet durable
	fatal   error   // why the loop must end at once
	resumed bool
	ended   bool // Ended is on record

	base     context.Context // of everything that is in flight; outlives the caller's
	cancel   context.CancelFunc
	calls    chan func()   // what other goroutines want the loop to do
	finished chan struct{} // closed when the loop takes no more calls

	wanted []Effect // scratch
	steps  *executor
	baker  *baker
	watch  *guardWatch
	side   *sideWork
	gates  *rechecker // of the way back
	feeds  []*feed

	stop    stopMode
	signals int // that have come
	stopAt  time.Time
	helpers sync.WaitGroup // goroutines that ask sources and guards
}

// stopMode says how far an interrupt has got.
type stopMode uint8

const (
	running stopMode = iota
	// stopSoft starts nothing more forward; what is in flight may end, within
	// the grace. A rollback goes on.
	stopSoft
	// stopHard cancels everything, a rollback too.
	stopHard
)

func newEngine(ctx context.Context, r *Runner, c *compiled, session Session) *engine {
	log := r.Logger
	if log == nil {
		log = slog.Default()
	}
	e := &engine{
		plan: &r.Plan, runner: r, compiled: c, session: session,
		self:  fmt.Sprintf("tidegate[%d]", os.Getpid()),
		log:   log.With("rollout", r.Plan.Name),
		proof: proofOf(r.Deployer),
		grace: orDefault(r.Grace, DefaultGrace),
		calls: make(chan func(), 16), finished: make(chan struct{}),
	}
	e.base, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.steps = newExecutor(e)
	e.baker = newBaker(e)
	e.watch = newGuardWatch(e)
	e.side = &sideWork{e: e, tasks: make(map[string]*task)}
	e.gates = &rechecker{e: e}
	return e
}

func (e *engine) actor() string { return e.self }

// post has the loop call f, unless it has ended.
func (e *engine) post(f func()) bool {
	select {
	case e.calls <- f:
		return true
	case <-e.finished:
		return false
	}
}

// record takes an event into the state, to be made durable by the next flush.
// It is false when the event no longer matters.
func (e *engine) record(ev Event) bool {
	err := e.take(ev)
	if err != nil && !errors.Is(err, ErrStale) && e.fatal == nil {
		e.fatal = fmt.Errorf("rollout: internal error, please report it: %w", err)
	}
	return err == nil
}

func (e *engine) take(ev Event) error {
	if ev.At.IsZero() {
		ev.At = now()
	}
	ev.Epoch = e.session.Epoch()
	e.account(&ev)
	if err := e.state.Step(ev); err != nil {
		return err
	}
	e.pending = append(e.pending, ev)
	e.baker.follow()
	return nil
}

// replayed takes note of an event that was recorded by an earlier runner.
func (e *engine) replayed(ev Event) {
	e.ended = ev.Kind == Ended
	e.baker.follow()
	if ev.Kind == Observed && ev.Check != nil && ev.Wave > 0 {
		e.baker.replay(ev.Check)
	}
}

// now is the time of an event: UTC, and without the monotonic reading, so that
// an event read back from a journal is the event that was written.
func now() time.Time { return time.Now().UTC().Round(0) }

// flush makes what was recorded durable, and tells the observers. When it is
// false nothing more may be done.
func (e *engine) flush() bool {
	if e.fatal == nil && e.lost() {
		e.fatal = fmt.Errorf("rollout: stopped: %w", ErrFenced)
	}
	if e.fatal != nil {
		return false
	}
	if len(e.pending) == 0 {
		return true
	}
	if err := e.session.Append(e.base, e.pending...); err != nil {
		e.fatal = fmt.Errorf("rollout: stopped, since what is not recorded must not be done: recording %d events: %w", len(e.pending), err)
		return false
	}
	for _, ev := range e.pending {
		e.say(ev)
	}
	for _, f := range e.feeds {
		f.send(e.pending, false)
	}
	e.pending = e.pending[:0]
	return true
}

// lost tells whether another runner acts by now. A runner that has stood still may be
// about to go on with what it had begun.
func (e *engine) lost() bool {
	select {
	case <-e.session.Lost():
		return true
	default:
		return false
	}
}

// loop carries out what the core wants until there is nothing left.
func (e *engine) loop(ctx context.Context, signals <-chan os.Signal) error {
	interrupts, lost := ctx.Done(), e.session.Lost()
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	if ctx.Err() != nil { // do not begin what is to end at once
		interrupts = nil
		e.interrupt("the context ended: " + context.Cause(ctx).Error())
	}
	for {
		due := e.reconcile()
		if done, err := e.over(); done {
			return err
		}
		timer.Reset(time.Until(due))
		select {
		case <-e.steps.wake:
			e.steps.collect()
			if e.wentWell() {
				continue // durable together with what begins next, before that begins
			}
		case f := <-e.calls:
			f()
		case <-timer.C:
		case at := <-sweep.C:
			e.sweep(at)
		case <-interrupts:
			interrupts = nil
			e.interrupt("the context ended: " + context.Cause(ctx).Error())
		case s := <-signals:
			// A signal that ended the context too is one interrupt, not two.
			if e.signals++; e.signals > 1 {
				e.stop = stopHard
			} else {
				e.interrupt("signal: " + s.String())
			}
		case <-lost:
			lost = nil
			e.fatal = fmt.Errorf("rollout: stopped: %w", ErrFenced)
		}
		e.flush()
	}
}

// wentWell tells whether all that is not durable yet is that steps have ended well.
// Nothing is cancelled for that, and nothing begins before it is durable (startSteps).
func (e *engine) wentWell() bool {
	for i := range e.pending {
		if kind := e.pending[i].Kind; kind != Done && kind != Undone {
			return false
		}
	}
	return e.fatal == nil
}

// sweepInterval is how often the loop looks for what was cancelled and does not
// return.
const sweepInterval = time.Second

func (e *engine) sweep(at time.Time) {
	if e.stop == stopSoft && e.forward() && at.Sub(e.stopAt) >= e.grace {
		e.stop = stopHard
	}
	e.steps.sweep(at)
}

// forward tells whether the rollout is on its way forward.
func (e *engine) forward() bool { return e.state.phase == Deploying || e.state.phase == Gating }

// interrupt is the end of the caller's context, or the first signal.
func (e *engine) interrupt(why string) {
	if e.stop != running {
		return
	}
	if e.forward() && e.runner.OnInterrupt == RollBackOnInterrupt {
		e.record(Event{Kind: RollBack, Actor: e.actor(), Reason: why})
	}
	e.stop, e.stopAt = stopSoft, time.Now()
}

// over tells whether there is nothing left to do, and what Run returns.
func (e *engine) over() (bool, error) {
	if e.steps.active() > 0 || e.side.active() > 0 {
		return false, nil
	}
	switch {
	case e.fatal != nil:
		return true, e.fatal
	case e.state.phase.Final():
		if !e.ended {
			e.side.frozen()
			e.record(Event{Kind: Ended, Outcome: e.state.phase, Reason: e.state.reason})
		}
	case e.stop == stopHard || (e.stop == stopSoft && e.forward()):
		e.record(Event{Kind: Interrupted, Actor: e.actor(), Reason: "in phase " + e.state.phase.String()})
	default:
		return false, nil
	}
	if !e.flush() {
		return true, e.fatal
	}
	if e.state.phase.Final() {
		e.remember()
	}
	return true, e.state.err()
}

// close ends what is in flight and waits for it, for a while.
func (e *engine) close() {
	close(e.finished)
	e.cancel()
	done := make(chan struct{})
	go func() {
		e.helpers.Wait()
		close(done)
	}()
	timer := time.NewTimer(e.grace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		e.log.Warn("left behind: a source or a guard does not return after its context has ended", "grace", e.grace)
	}
	for _, f := range e.feeds {
		f.close(e.log)
	}
}

// observers starts to tell the observers, from the rollout's first event on.
func (e *engine) observers() {
	for _, o := range e.runner.Observers {
		if o == nil {
			continue
		}
		f := newFeed(o, e.log)
		e.feeds = append(e.feeds, f)
		var past []Event
		for ev, err := range e.session.Events() {
			if err != nil {
				break // it was read before without an error
			}
			past = append(past, ev)
		}
		f.send(past, false)
	}
}

// reconcile starts what is wanted and not running, cancels what is running and
// not wanted, and returns when to look again at the latest.
func (e *engine) reconcile() (due time.Time) {
	const often = 8 // what is recorded here may change what is wanted
	for range often {
		e.abandon()
		e.want()
		e.steps.keepOnly(e.wanted)
		if changed := e.startSteps(); !changed {
			break
		}
	}
	e.catchUp()
	due = time.Now().Add(time.Hour)
	analyze, watch, gate := false, false, ""
	for _, eff := range e.wanted {
		switch eff.Kind {
		case Analyze:
			analyze = true
		case Watch:
			watch = true
		case Recheck:
			gate = eff.Step
		case Timer:
			due = earlier(due, e.timer(eff))
		}
	}
	due = earlier(due, e.side.keep())
	due = earlier(due, e.gates.keep(gate))
	due = earlier(due, e.baker.keep(analyze))
	due = earlier(due, e.watch.keep(watch))
	if len(e.pending) > 0 && e.fatal == nil {
		due = time.Now() // what was recorded may change what is wanted
		e.flush()
	}
	return due
}

// catchUp takes in what is there already. The loop may have waited for guards:
// who has answered meanwhile is not late.
func (e *engine) catchUp() {
	for {
		select {
		case f := <-e.calls:
			f()
		default:
			return
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// timer records that a timer has run out, or returns when it will.
func (e *engine) timer(eff Effect) time.Time {
	if time.Now().Before(eff.Due) {
		return eff.Due
	}
	if e.record(Event{Kind: Elapsed, Step: eff.Step}) {
		return time.Now()
	}
	return time.Now().Add(sweepInterval)
}

// want asks the core, and leaves out what an interrupt rules out.
func (e *engine) want() {
	e.wanted = e.wanted[:0]
	if e.fatal != nil || e.stop == stopHard {
		return
	}
	stopped := e.stop == stopSoft && e.forward()
	for eff := range e.state.Wants() {
		if stopped && !eff.Begun && eff.Kind != Watch {
			continue
		}
		e.wanted = append(e.wanted, eff)
	}
}

// abandon reports the steps that a crash cut short, that the guards have not let
// begin again, and that are not to go on any more: nobody else will.
func (e *engine) abandon() {
	phase := e.state.phase
	if (phase != RollingBack && phase != Aborting) || e.fatal != nil || e.stop == stopHard {
		return
	}
	for _, i := range slices.Clone(e.state.running) {
		if e.steps.isRunning(int(i)) {
			continue
		}
		ev := Event{Kind: DoFailed, Step: e.steps.units[i].id(), Reason: "cut short by a crash, and not begun again"}
		if e.state.steps[i].status == StepUndoing {
			if e.state.mayUndo() && phase == RollingBack {
				continue // it is begun again once the guards let it
			}
			ev.Kind = UndoFailed
		}
		e.record(ev)
	}
}

// startSteps asks the guards about the steps that are wanted and not running,
// records those that may begin, and starts them once that is durable. Those that
// a crash cut short are on record already, but the guards may have changed their
// minds since. It is true when a guard's no may have changed what is wanted.
func (e *engine) startSteps() (changed bool) {
	start, fresh := e.steps.start[:0], e.steps.fresh[:0]
	for _, eff := range e.wanted {
		switch {
		case eff.Kind != DoStep && eff.Kind != UndoStep, e.steps.isRunning(eff.Index):
		case e.stop == stopSoft && e.forward():
		default:
			fresh = append(fresh, eff)
		}
	}
	if len(fresh) > 0 {
		admitted, breach := e.watch.admit(fresh)
		if breach != nil && breach.Consequence != guardrails.Hold {
			admitted = 0 // what is to be stopped at once does not begin first
		}
		at := now()
		for _, eff := range fresh[:admitted] {
			kind := Doing
			if eff.Kind == UndoStep {
				kind = Undoing
			}
			e.state.likely = int32(eff.Index)
			if eff.Begun || e.record(Event{At: at, Kind: kind, Step: eff.Step}) {
				start = append(start, eff)
			}
		}
		if breach != nil {
			changed = e.record(Event{At: at, Kind: Breached, Breach: breach})
		}
	}
	e.steps.start, e.steps.fresh = start, fresh
	if e.flush() {
		e.steps.launch(start)
	}
	return changed
}

// gate returns the gate behind a wave of the journal, counted from 0: the
// plan's wave of that number, or the plan's own gate.
func (e *engine) gate(wave int) *analysis.Gate {
	if wave < len(e.compiled.gates) && e.compiled.gates[wave] != nil {
		return e.compiled.gates[wave]
	}
	if len(e.plan.Gate.Checks) > 0 {
		return &e.plan.Gate
	}
	return nil
}

// command gives a verb to the loop; done is false when the loop has ended.
func (e *engine) command(ctx context.Context, ev Event) (done bool, err error) {
	reply := make(chan error, 1)
	posted := e.post(func() {
		err := e.take(ev)
		if err == nil && !e.flush() {
			err = e.fatal
		}
		reply <- err
	})
	if !posted {
		return false, nil
	}
	select {
	case err := <-reply:
		return true, err
	case <-ctx.Done():
		return true, fmt.Errorf("rollout: command %v: not known to be taken: %w", ev.Kind, context.Cause(ctx))
	case <-e.finished:
		select {
		case err := <-reply:
			return true, err
		default:
			return false, nil
		}
	}
}
