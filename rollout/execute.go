package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// do puts one step into effect and verifies it.
func (e *engine) do(ctx context.Context, u *unit, release Release) (err error) {
	defer recovered(&err)
	if u.step != nil {
		return because(ctx, u.step.Do(ctx))
	}
	versioner, _ := e.runner.Deployer.(Versioner)
	if versioner != nil {
		if v, err := versioner.Version(ctx, u.target); err == nil && v == release.To {
			return e.verify(ctx, u.target, release)
		}
	}
	if err := e.runner.Deployer.Deploy(ctx, u.target, release); err != nil {
		return because(ctx, err)
	}
	return e.verify(ctx, u.target, release)
}

// undo takes one step back and verifies that, in a few tries. Deploy is called
// even when the target says that it runs the old version: what was cut short
// may still be on its way there.
func (e *engine) undo(ctx context.Context, u *unit, release Release) (tries int, err error) {
	p := e.plan.Rollback.WithDefaults()
	for tries = 1; ; tries++ {
		try, cancel := context.WithTimeoutCause(ctx, p.Timeout, fmt.Errorf("not undone within %v", p.Timeout))
		err = e.undoOnce(try, u, release)
		cancel()
		if err == nil || ctx.Err() != nil || tries >= p.Attempts {
			return tries, err
		}
		pause := time.NewTimer(p.Pause(tries))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return tries, err
		}
	}
}

// onceMore settles a step that is carried out while an earlier try at it was left
// behind. Only when that has returned can this one be the last word.
func (e *engine) onceMore(ctx context.Context, deaf <-chan struct{}, carry func() (int, error)) error {
	limit := e.plan.Rollback.WithDefaults().Timeout
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-deaf:
		_, err := carry()
		return err
	case <-timer.C:
	case <-ctx.Done():
	}
	return fmt.Errorf("carried out, but a try that was left behind has not returned within %v and may still take effect", limit)
}

func (e *engine) undoOnce(ctx context.Context, u *unit, release Release) (err error) {
	defer recovered(&err)
	if u.step != nil {
		return because(ctx, u.step.Undo(ctx))
	}
	if err := e.runner.Deployer.Deploy(ctx, u.target, release); err != nil {
		return because(ctx, err)
	}
	return e.verify(ctx, u.target, release)
}

// The pauses between two questions to a target that is on its way.
const (
	firstLook = 50 * time.Millisecond
	lastLook  = 5 * time.Second
)

// verify asks the target until it runs the version and is healthy, as far as
// the Deployer can tell, or the context ends.
func (e *engine) verify(ctx context.Context, target Target, release Release) error {
	versioner, _ := e.runner.Deployer.(Versioner)
	prober, _ := e.runner.Deployer.(Prober)
	if versioner == nil && prober == nil {
		return nil
	}
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		err := look(ctx, versioner, prober, target, release.To)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("deployed, but not verified: %w: %w", context.Cause(ctx), err)
		}
	}
}

func look(ctx context.Context, versioner Versioner, prober Prober, target Target, want string) error {
	if versioner != nil {
		v, err := versioner.Version(ctx, target)
		if err != nil {
			return fmt.Errorf("asking for its version: %w", err)
		}
		if v != want {
			return fmt.Errorf("it runs %q, not %q", v, want)
		}
	}
	if prober != nil {
		ok, err := prober.Healthy(ctx, target)
		if err != nil {
			return fmt.Errorf("asking for its health: %w", err)
		}
		if !ok {
			return errors.New("it is not healthy")
		}
	}
	return nil
}

// because adds why the context ended, where that is what the error says.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		if cause := context.Cause(ctx); cause != ctx.Err() {
			return fmt.Errorf("%w: %w", cause, err)
		}
	}
	return err
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the deployer panicked: %v", p)
	}
}

// brief bounds what an error adds to the journal.
func brief(err error) string {
	const most = 1000
	s := err.Error()
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}
