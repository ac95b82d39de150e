package rollout

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// asked is a target that is asked what it runs.
type asked struct {
	id     string
	target Target
}

// undone are the targets that should run the version that is restored.
func (w *sideWork) undone() (all []asked) {
	s := &w.e.state
	for i := range s.steps {
		if u := &w.e.steps.units[i]; s.steps[i].status == StepUndone && u.step == nil {
			all = append(all, asked{u.id(), u.target})
		}
	}
	return all
}

// askAll returns what asks every target that was undone what it runs. A target that
// does not say is astray as well.
func (w *sideWork) askAll() func(context.Context) (*Survey, error) {
	versioner, _ := w.e.runner.Deployer.(Versioner)
	if versioner == nil {
		return func(context.Context) (*Survey, error) { return &Survey{}, nil }
	}
	all, want := w.undone(), w.e.state.version()
	limit := w.e.state.spec.Concurrency
	return func(ctx context.Context) (*Survey, error) {
		survey := &Survey{Asked: len(all)}
		var mu sync.Mutex
		var group errgroup.Group
		group.SetLimit(max(limit, 1))
		for _, a := range all {
			group.Go(func() error {
				runs, err := versionOf(ctx, versioner, a.target)
				if err == nil && runs == want {
					return nil
				}
				found := Astray{Step: a.id, Runs: runs}
				if err != nil {
					found.Err = brief(err)
				}
				mu.Lock()
				defer mu.Unlock()
				survey.Astray = append(survey.Astray, found)
				return nil
			})
		}
		return survey, group.Wait()
	}
}

func versionOf(ctx context.Context, versioner Versioner, target Target) (runs string, err error) {
	defer recovered(&err)
	runs, err = versioner.Version(ctx, target)
	return runs, because(ctx, err)
}

// silent is the survey that nobody answered.
func (w *sideWork) silent(err error) *Survey {
	if err == nil {
		err = errSilent
	}
	all := w.undone()
	survey := &Survey{Asked: len(all)}
	for _, a := range all {
		survey.Astray = append(survey.Astray, Astray{Step: a.id, Err: brief(err)})
	}
	return survey
}
