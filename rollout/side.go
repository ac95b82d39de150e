package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/rollback"
)

// sideWork carries out what the way back wants beside undos: mitigations, the page,
// and asking everyone what they run. It belongs to the loop.
type sideWork struct {
	e     *engine
	tasks map[string]*task // by effect key
}

// task is one of them, in flight.
type task struct {
	limit  time.Time
	cancel context.CancelFunc
	eff    Effect
	done   bool // it was given up, its answer does not count
}

// active is how many are in flight.
func (w *sideWork) active() int { return len(w.tasks) }

// keep starts what is wanted and cancels what is not, and returns when to look again. It
// asks the core once more what that is: an answer that has come in meanwhile may have
// settled it, and what is done must not be done again.
func (w *sideWork) keep() (next time.Time) {
	w.e.want()
	wanted := w.e.wanted
	for key, t := range w.tasks {
		if !slices.ContainsFunc(wanted, func(e Effect) bool { return e.Key() == key }) {
			w.drop(key, t)
		}
	}
	for _, eff := range wanted {
		if (eff.Kind == Mitigate || eff.Kind == AskAll) && w.tasks[eff.Key()] == nil {
			w.start(eff)
		}
	}
	at := time.Now()
	for key, t := range w.tasks {
		if over := t.limit.Add(w.e.grace); at.Before(over) {
			next = earlier(over, next)
		} else {
			w.drop(key, t)
			w.end(t.eff, nil, fmt.Errorf("left behind: it did not return within %v of being cancelled", w.e.grace))
			return at
		}
	}
	return next
}

func (w *sideWork) drop(key string, t *task) {
	t.done = true
	t.cancel()
	delete(w.tasks, key)
}

// start begins a task, a mitigation once that is durable.
func (w *sideWork) start(eff Effect) {
	var work func(context.Context) (*Survey, error)
	var limit time.Duration
	if eff.Kind == AskAll {
		work, limit = w.askAll()
	} else {
		if work, limit = w.mitigation(eff.Step); work == nil {
			w.e.fatal = fmt.Errorf("%w: it is to be mitigated by %s, which the plan does not have", ErrPlanChanged, eff.Step)
			return
		}
		if !eff.Begun && !w.e.record(Event{Kind: Mitigating, Step: eff.Step}) {
			return
		}
		if !w.e.flush() {
			return
		}
	}
	timed, stop := context.WithTimeoutCause(w.e.base, limit, fmt.Errorf("not done within %v", limit))
	t := &task{limit: time.Now().Add(limit), cancel: stop, eff: eff}
	w.tasks[eff.Key()] = t
	w.e.helpers.Go(func() {
		survey, err := (*Survey)(nil), errGoexit
		defer func() { // after runtime.Goexit too
			stop()
			w.e.post(func() {
				if !t.done {
					delete(w.tasks, eff.Key())
					w.end(eff, survey, err)
				}
			})
		}()
		survey, err = guard(timed, work)
		err = because(timed, err)
	})
}

// errGoexit is what comes of a goroutine that ends itself.
var errGoexit = errors.New("it ended its goroutine")

// guard makes an error of a panic.
func guard(ctx context.Context, work func(context.Context) (*Survey, error)) (survey *Survey, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	return work(ctx)
}

// end records how a task came out.
func (w *sideWork) end(eff Effect, survey *Survey, err error) {
	switch {
	case w.e.fatal != nil:
	case eff.Kind == AskAll && survey == nil:
		w.e.record(Event{Kind: Surveyed, Survey: w.silent(err)})
	case eff.Kind == AskAll:
		w.e.record(Event{Kind: Surveyed, Survey: survey})
	case err == nil:
		w.e.record(Event{Kind: Mitigated, Step: eff.Step})
	default:
		w.e.log.Error("a mitigation failed", "mitigation", eff.Step, "error", err)
		w.e.record(Event{Kind: MitigateFailed, Step: eff.Step, Reason: brief(err)})
	}
}

// mitigation returns what carries one out, nil when the plan does not have it.
func (w *sideWork) mitigation(name string) (func(context.Context) (*Survey, error), time.Duration) {
	p := &w.e.plan.Rollback
	if name == PageName {
		message := w.page()
		if p.Page == nil {
			return func(context.Context) (*Survey, error) { return nil, errNobody }, rollback.DefaultMitigationTimeout
		}
		return func(ctx context.Context) (*Survey, error) { return nil, p.Page(ctx, message) }, rollback.DefaultMitigationTimeout
	}
	for _, m := range slices.Concat(p.Fast, p.Fallback) {
		if m.Name == name {
			return func(ctx context.Context) (*Survey, error) { return nil, m.Do(ctx) }, m.Limit()
		}
	}
	return nil, 0
}

// page is what a human is told who is called.
func (w *sideWork) page() string {
	s := &w.e.state
	if s.back.stage == paging {
		return fmt.Sprintf("The rollback of %s from %s to %s is incomplete: %s.", w.e.plan.Name, s.spec.To, s.spec.From, s.incomplete())
	}
	return fmt.Sprintf("The rollback of %s from %s to %s takes longer than %v; it goes on. It was begun because of: %s.",
		w.e.plan.Name, s.spec.To, s.spec.From, s.spec.Undo.RTO, s.failure)
}

// frozen calls a human when the rollout has failed and is frozen instead of taken back.
// It is called before the end is on record: after a crash in between it is called again.
func (w *sideWork) frozen() {
	s, call := &w.e.state, w.e.plan.Rollback.Page
	if s.phase != Halted || s.failure == "" || s.killed || call == nil || w.e.fatal != nil {
		return
	}
	message := fmt.Sprintf("%s from %s to %s has failed and is frozen as it is: %s.", w.e.plan.Name, s.spec.From, s.spec.To, s.reason)
	limit := rollback.DefaultMitigationTimeout
	ctx, cancel := context.WithTimeoutCause(w.e.base, limit, fmt.Errorf("not done within %v", limit))
	defer cancel()
	done := make(chan error, 1)
	w.e.helpers.Go(func() {
		err := errGoexit
		defer func() { done <- err }() // after runtime.Goexit too
		_, err = guard(ctx, func(ctx context.Context) (*Survey, error) { return nil, call(ctx, message) })
	})
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		w.e.log.Error("nobody could be called", "error", err)
	}
}

// errNobody is why nobody is called where the plan has lost its Page.
var errNobody = errors.New("the plan has nobody to call any more")

// errSilent is why a survey has no answer of anyone.
var errSilent = errors.New("nobody answered in time")
