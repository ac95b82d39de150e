package rollout

import (
	"os"
	"syscall"
)

// InterruptSignals are the signals that ask a program to stop: ctrl-C and
// SIGTERM.
func InterruptSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }
