//go:build !unix

package procgroup

import (
	"os"
	"os/exec"
)

// lead does nothing where there are no process groups.
func lead(*exec.Cmd) {}

// terminate ends the program: there is no way to ask it.
func terminate(leader *os.Process) { _ = leader.Kill() }

// kill ends the program.
func kill(leader *os.Process) { _ = leader.Kill() }
