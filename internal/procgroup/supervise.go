package procgroup

import (
	"context"
	"os/exec"
	"sync"
	"time"
)

// supervise waits until a started program and its group are gone, and stops them
// when ctx is done or the output is too large.
//
// The leader is not reaped before the group has been killed: as long as it is a
// zombie its number can't go to another process, so that no stranger is killed.
func supervise(ctx context.Context, cmd *exec.Cmd, p *plumbing, grace time.Duration) error {
	reap := sync.OnceValue(cmd.Wait)
	exited := make(chan struct{})
	go func() {
		awaitExit(cmd.Process, reap)
		close(exited)
	}()

	var why error
	select {
	case <-exited:
	case <-p.flooded:
		why = ErrTooLarge
	case <-ctx.Done():
		why = done(ctx)
	}
	if why != nil {
		terminate(cmd.Process)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		// Without the leader, open output tells that others are still cleaning up.
		wait(timer, exited)
		wait(timer, p.drained)
	}
	kill(cmd.Process)

	timer := time.NewTimer(grace)
	defer timer.Stop()
	if !wait(timer, exited) {
		go reap()
		if why != nil {
			return why
		}
		return ErrStuck
	}
	err := reap()
	whole := wait(timer, p.drained)
	switch {
	case why != nil:
		return why
	case p.stdout.over():
		return ErrTooLarge
	case err != nil:
		return err
	case !whole:
		return ErrHeld
	}
	return nil
}

// wait tells whether something ended before the timer did.
func wait(timer *time.Timer, end <-chan struct{}) bool {
	select {
	case <-end:
		return true
	default:
	}
	select {
	case <-end:
		return true
	case <-timer.C:
		timer.Reset(0) // for who waits next
		return false
	}
}
