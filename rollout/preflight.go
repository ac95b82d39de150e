package rollout

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// untilSignal does what a signal ends, as the end of ctx does: to compare the arms, or to
// read artifacts, may take long, and nothing has begun that would have to be left in order.
func untilSignal(ctx context.Context, signals <-chan os.Signal, do func(context.Context) error) error {
	if ctx.Err() != nil { // nothing goes on record: who resumes it would not try the checks
		return fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
	}
	asking, cancel := context.WithCancelCause(ctx)
	done, heard := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(heard)
		select {
		case s := <-signals:
			cancel(fmt.Errorf("signal: %v", s))
		case <-done:
		}
	}()
	err := do(asking)
	close(done)
	<-heard
	interrupted := asking.Err() != nil
	why := context.Cause(asking)
	cancel(nil)
	switch {
	case interrupted && err != nil:
		return fmt.Errorf("%w: %w", ErrInterrupted, err)
	case interrupted:
		return fmt.Errorf("%w: %w", ErrInterrupted, why) // it came as the last answer did
	}
	return err
}

// preflight tries the checks of all gates before anything is touched, and puts what
// was learnt of them into the spec. The canary is what comes first with each gate,
// and the baseline all that comes after: all of it still runs the old version.
func (e *engine) preflight(ctx context.Context) error {
	spec := e.compiled.spec
	tried := make(map[*analysis.Gate]bool)
	first := 0
	for w, wave := range spec.Waves {
		after := first + len(wave.Steps)
		if gate := e.gate(w); wave.Ungated == "" && gate != nil && !tried[gate] {
			tried[gate] = true
			starts, err := gate.Preflight(ctx, e.untouched(first, after), e.untouched(after, len(e.compiled.units)))
			if err != nil {
				return err
			}
			spec.Checks = append(spec.Checks, SpecChecks{Wave: w + 1, Checks: starts})
		}
		first = after
	}
	return e.preflightBack(ctx)
}

// preflightBack tries the checks of the gates of the way back, which are needed when
// there is no time to mend them. Whether the service is in trouble by now does not
// matter to them.
func (e *engine) preflightBack(ctx context.Context) error {
	n := len(e.compiled.spec.Waves[0].Steps)
	policy := e.plan.Rollback.WithDefaults()
	for _, g := range []struct {
		name string
		gate *analysis.Gate
	}{{"Rollback.Canary", &policy.Canary}, {"Rollback.Verify", &policy.Verify}} {
		if len(g.gate.Checks) == 0 {
			continue
		}
		_, err := g.gate.Preflight(ctx, e.untouched(0, n), e.untouched(n, len(e.compiled.units)))
		if err != nil && !errors.Is(err, analysis.ErrBurning) {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}

// proveGuards has every guard show that it can say no, before it is relied upon.
func (e *engine) proveGuards() error {
	ctx, cancel := context.WithTimeout(e.base, guardPatience)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- guardrails.SelfTest(ctx, e.plan.Guards...) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: not within %v: %w", guardrails.ErrSelfTest, guardPatience, context.Cause(ctx))
	}
}

// untouched is an arm of units that run the old version.
func (e *engine) untouched(from, to int) analysis.Arm {
	arm := analysis.Arm{Version: e.compiled.spec.From}
	for _, u := range e.compiled.units[from:to] {
		arm.Members = append(arm.Members, analysis.Member{Name: u.target.Name, Labels: u.target.Labels, Weight: u.target.Weight})
	}
	return arm
}
