package analysistest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// prompt is how long a call may take to return when its context is done. What is
// slower on a machine that is busy is still right; what waits for a timeout of
// its own is not.
const prompt = 5 * time.Second

// within returns what a call returned, or an error if it takes too long once it
// should end.
func within(what string, should <-chan struct{}, call func() error) error {
	returned := make(chan error, 1)
	go func() { returned <- call() }()
	for _, stage := range []struct {
		over <-chan struct{}
		late string
	}{{should, "has not asked the backend"}, {nil, "has not returned"}} {
		late := time.NewTimer(prompt)
		defer late.Stop()
		select {
		case <-stage.over:
		case err := <-returned:
			return err
		case <-late.C:
			return fmt.Errorf("%s %s within %v", what, stage.late, prompt)
		}
	}
	return nil
}

// ended makes sure that a call ended with the error of its context.
func ended(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return fmt.Errorf("%s gave no error", what)
	case !errors.Is(err, ctx.Err()):
		return fmt.Errorf("%s gave an error that does not wrap %q: %w", what, ctx.Err(), err)
	}
	return nil
}

// refuses makes sure that a call does not work with a context that is done.
func refuses(ctx context.Context, name string, call func(context.Context) error) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	expired, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	ends := func(ctx context.Context, what string) error {
		return within(what, ctx.Done(), func() error { return ended(ctx, what, call(ctx)) })
	}
	return errors.Join(
		ends(cancelled, name+" with a context that was cancelled before"),
		ends(expired, name+" with a deadline that had passed before"),
	)
}

func cancelledBefore(ctx context.Context, _ *bench, rig Rig) error {
	w := rig.window(1)
	rig.traffic(w)
	return refuses(ctx, "Observe", func(ctx context.Context) error {
		_, err := rig.Source.Observe(ctx, w)
		return err
	})
}

func cancelledDuring(ctx context.Context, b *bench, rig Rig) error {
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	asked, over := rig.Hang(), make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-asked:
			cancel()
		case <-over:
		}
	}()
	what := "Observe with a context that was cancelled while the backend kept it waiting"
	if err := within(what, cancelled.Done(), func() error {
		o, err := rig.Source.Observe(cancelled, rig.window(1))
		if cancelled.Err() == nil {
			return fmt.Errorf("%s returned before that: the canary is %s, the error %w", what, describe(o.Canary), orNone(err))
		}
		return ended(cancelled, what, err)
	}); err != nil {
		return err
	}

	another := b.rig()
	another.Hang()
	timed, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	what = "Observe with a deadline that passed while the backend kept it waiting"
	return within(what, timed.Done(), func() error {
		o, err := another.Source.Observe(timed, another.window(1))
		if timed.Err() == nil && err != nil {
			return nil // it gave up in good time
		}
		if timed.Err() == nil {
			return fmt.Errorf("%s gave no error: the canary is %s", what, describe(o.Canary))
		}
		return ended(timed, what, err)
	})
}

func orNone(err error) error {
	if err == nil {
		return errors.New("none")
	}
	return err
}
