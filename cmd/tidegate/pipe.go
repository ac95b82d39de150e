package main

import (
	"os"
	"os/signal"
	"syscall"
)

// outliveReader lets the program go on when who reads its report has gone (| head):
// a report that nobody reads is no reason to die in the middle of a change. It
// returns what ends that. Scripts get the signal as usual.
func outliveReader() (end func()) {
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGPIPE)
	return func() { signal.Stop(gone) }
}
