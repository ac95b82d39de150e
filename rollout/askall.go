package rollout

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// askLimit is how long a target may take to say what it runs. One that is gone must not
// hold up the survey for as long as an undo may take.
const askLimit = 30 * time.Second

// asked is a target that is asked what it runs.
type asked struct {
	id     string
	target Target
}

// surveyed are the targets that should run the version that is restored: those that were
// undone, and those that could not be, to know what they run.
func (w *sideWork) surveyed() (all []asked) {
	s := &w.e.state
	for i := range s.steps {
		status := s.steps[i].status
		if u := &w.e.steps.units[i]; (status == StepUndone || status == StepStuck) && u.step == nil {
			all = append(all, asked{u.id(), u.target})
		}
	}
	return all
}

// askAll returns what asks those targets what they run, and how long that may take. A
// target that does not say is astray as well.
func (w *sideWork) askAll() (work func(context.Context) (*Survey, error), limit time.Duration) {
	versioner, _ := w.e.runner.Deployer.(Versioner)
	each := min(askLimit, w.e.plan.Rollback.WithDefaults().Timeout)
	if versioner == nil {
		return func(context.Context) (*Survey, error) { return &Survey{}, nil }, each
	}
	all, want := w.surveyed(), w.e.state.version()
	parallel := max(w.e.state.spec.Concurrency, 1)
	rounds := (len(all) + parallel - 1) / parallel
	return func(ctx context.Context) (*Survey, error) {
		found := make([]*Astray, len(all))
		var next atomic.Int64
		var workers sync.WaitGroup
		for range min(parallel, len(all)) {
			workers.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
					found[i] = astray(ctx, versioner, all[i], want, each)
				}
			})
		}
		workers.Wait()
		survey := &Survey{Asked: len(all)}
		for _, a := range found {
			if a != nil {
				survey.Astray = append(survey.Astray, *a)
			}
		}
		return survey, nil
	}, time.Duration(rounds+1) * each
}

// astray asks a target, and returns nil if it runs what it should.
func astray(ctx context.Context, versioner Versioner, a asked, want string, limit time.Duration) *Astray {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	runs, err := versionOf(ctx, versioner, a.target)
	switch {
	case err != nil:
		return &Astray{Step: a.id, Err: brief(err)}
	case runs == "":
		return &Astray{Step: a.id, Err: "it named no version"}
	case runs != want:
		return &Astray{Step: a.id, Runs: runs}
	}
	return nil
}

// versionOf asks one target. One that does not heed its context is left behind.
func versionOf(ctx context.Context, versioner Versioner, target Target) (string, error) {
	type answer struct {
		runs string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errGoexit}
		defer func() { answers <- a }() // after runtime.Goexit too
		defer recovered(&a.err)
		a.runs, a.err = versioner.Version(ctx, target)
	}()
	select {
	case a := <-answers:
		return a.runs, because(ctx, a.err)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// silent is the survey that nobody answered.
func (w *sideWork) silent(err error) *Survey {
	if err == nil {
		err = errSilent
	}
	all := w.surveyed()
	survey := &Survey{Asked: len(all)}
	for _, a := range all {
		survey.Astray = append(survey.Astray, Astray{Step: a.id, Err: brief(err)})
	}
	return survey
}
