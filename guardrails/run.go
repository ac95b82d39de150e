package guardrails

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// Run runs a program under guards: see Guarded.Run.
func Run(ctx context.Context, guards []Guard, cmd *exec.Cmd) error {
	return Guarded{Guards: guards}.Run(ctx, cmd)
}

// Run runs a command that is set up and not started, as the leader of a process group
// of its own, and waits until it has ended. When a guard says no, and when ctx is
// done, the whole group gets TERM, and KILL after the Grace. When the program ends by
// itself, what it left in its group is killed, so that nothing goes on behind the
// back of who relies on its end. What makes a group or session of its own (setsid, a
// daemon) can't be stopped; the error says so where that was noticed.
//
// Input and output are those of the command. Its fields Cancel and WaitDelay are
// heeded; where the latter is zero it is the Grace, or seconds. A program that reads from a
// terminal is stopped by the system, since its group is not the one in the
// foreground: give it another input.
//
// If no guard says no, Run returns nil for the status 0, and else an error in which
// errors.As finds an *exec.ExitError; a breach, and the cause of a ctx that is done,
// are returned with it. A command that cannot be started is ErrRefused. Whatever the
// program does, Run returns within three Graces after it began to stop it, or within
// seconds where the Grace is less.
//
// Where there are no process groups (Windows), only the program itself is killed, and
// at once.
func (g Guarded) Run(ctx context.Context, cmd *exec.Cmd) error {
	return g.run(ctx, false, func(work context.Context) (bool, error) {
		begun, stopped, err := procgroup.Lead(work, cmd, g.grace())
		if !begun || !stopped || ctx.Err() == nil {
			return begun, err
		}
		if err == nil {
			return true, fmt.Errorf("guardrails: the program was stopped: %w", context.Cause(ctx))
		}
		return true, fmt.Errorf("guardrails: the program was stopped: %w: %w", context.Cause(ctx), err)
	})
}
