//go:build !unix

package procgroup

import (
	"os"
	"os/exec"
)

// lead does nothing where there are no process groups.
func lead(*exec.Cmd) {}

func join(*exec.Cmd) error { return nil }

// inherits tells whether a program can be given more files than its standard ones.
const inherits = false

// terminate ends the program: there is no way to ask it.
func terminate(leader *os.Process) { _ = leader.Kill() }

// kill ends the program.
func kill(leader *os.Process) { _ = leader.Kill() }
