package procgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// ErrEscaped is returned when a program was stopped and its group is gone, but a
// process that left the group still runs.
var ErrEscaped = errors.New("a process that left the group still runs")

// killPatience is how long the system may take to end a group that was killed, at least.
const killPatience = 3 * time.Second

// Lead runs a command that its caller has set up, as the leader of a process group
// of its own, until it ends, and nothing of its group is left then. Its input and
// output are the caller's. When ctx is done the group is sent TERM, and KILL after
// the grace (DefaultGrace if zero).
//
// It tells whether the command was begun at all, and whether it was then stopped, and
// returns what cmd.Wait did: an *exec.ExitError for a status other than 0. That it
// was stopped is no error by itself. ErrStuck and ErrEscaped are joined to it, the
// latter only after a stop: a program that ends by itself may have left a daemon.
//
// A Writer or Reader that is no *os.File is served for a grace after the end, or for
// seconds where that is less, and is then left alone (exec.ErrWaitDelay), unless
// cmd.WaitDelay says otherwise.
func Lead(ctx context.Context, cmd *exec.Cmd, grace time.Duration) (begun, stopped bool, err error) {
	grace = orDefault(grace, DefaultGrace)
	switch {
	case cmd == nil || cmd.Path == "" && len(cmd.Args) == 0:
		return false, false, errors.New("procgroup: there is no program to run")
	case cmd.Process != nil:
		return false, false, errors.New("procgroup: the command was started before")
	case ctx.Err() != nil:
		return false, false, done(ctx)
	}
	if cmd.Err == nil && cmd.Dir != "" {
		if _, err := os.Stat(cmd.Dir); err != nil { // or else the program would be what is not there
			return false, false, fmt.Errorf("procgroup: %w", err)
		}
	}
	if err := join(cmd); err != nil {
		return false, false, err
	}
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = max(grace, killPatience)
	}
	extra := cmd.ExtraFiles
	line, err := tie(cmd)
	if err != nil {
		return false, false, fmt.Errorf("procgroup: %w", err)
	}
	defer line.close()
	err = cmd.Start()
	cmd.ExtraFiles = extra
	if err != nil {
		return false, false, fmt.Errorf("procgroup: %w", err)
	}
	line.started()
	stopped, err = follow(ctx, cmd, line, grace)
	return true, stopped, err
}

// follow waits until a started command and its group are gone, and stops them when
// ctx is done. As in supervise, the leader is not reaped before its group was killed.
func follow(ctx context.Context, cmd *exec.Cmd, line *lifeline, grace time.Duration) (stopped bool, err error) {
	reap := sync.OnceValue(cmd.Wait)
	exited := make(chan struct{})
	go func() {
		awaitExit(cmd.Process, reap)
		close(exited)
	}()
	select {
	case <-exited:
	case <-ctx.Done():
		stopped = true
		terminate(cmd.Process)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		wait(timer, exited)
		wait(timer, line.cut) // without the leader, others may still be cleaning up
	}
	kill(cmd.Process)

	timer := time.NewTimer(max(grace, killPatience))
	defer timer.Stop()
	if !wait(timer, exited) {
		go reap()
		return stopped, fmt.Errorf("procgroup: %w", ErrStuck)
	}
	err = reap()
	if stopped && !wait(timer, line.cut) {
		return stopped, errors.Join(err, fmt.Errorf("procgroup: %w", ErrEscaped))
	}
	return stopped, err
}

// lifeline is a pipe that a program and all that it starts inherit, and of which they
// know nothing: it is cut when the last of them is gone, or has closed all its files.
type lifeline struct {
	ours, theirs *os.File
	listening    bool
	cut          chan struct{}
}

// tie gives a command that is not started yet a lifeline, if it can inherit one.
func tie(cmd *exec.Cmd) (*lifeline, error) {
	l := &lifeline{cut: make(chan struct{})}
	if !inherits {
		close(l.cut)
		return l, nil
	}
	var err error
	if l.ours, l.theirs, err = os.Pipe(); err != nil {
		return nil, err
	}
	cmd.ExtraFiles = append(slices.Clone(cmd.ExtraFiles), l.theirs)
	return l, nil
}

// started lets go of the program's end, and begins to listen.
func (l *lifeline) started() {
	if l.ours == nil {
		return
	}
	_ = l.theirs.Close()
	l.listening = true
	go func() {
		defer close(l.cut)
		_, _ = l.ours.Read(make([]byte, 1)) // nobody writes
	}()
}

// close ends the listening.
func (l *lifeline) close() {
	if l.ours != nil {
		closeAll([]*os.File{l.ours, l.theirs})
	}
	if l.listening {
		<-l.cut
	}
}
