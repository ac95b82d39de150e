//go:build unix

package procgroup

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// lead makes a program the leader of a group of its own.
func lead(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// join makes somebody else's command the leader of a group of its own, and keeps the
// rest of its attributes.
func join(cmd *exec.Cmd) error {
	attr := syscall.SysProcAttr{}
	if cmd.SysProcAttr != nil {
		attr = *cmd.SysProcAttr
	}
	if attr.Pgid != 0 {
		return errors.New("procgroup: the command is to join another group, which is not ours to stop")
	}
	attr.Setpgid = !attr.Setsid // a new session has a new group
	cmd.SysProcAttr = &attr
	return nil
}

// inherits tells whether a program can be given more files than its standard ones.
const inherits = true

// terminate asks all of the group to end.
func terminate(leader *os.Process) { _ = syscall.Kill(-leader.Pid, syscall.SIGTERM) }

// kill ends all of the group.
func kill(leader *os.Process) { _ = syscall.Kill(-leader.Pid, syscall.SIGKILL) }
