package main

import (
	"os"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// crasher is an Observer that kills its own process in the middle of wave 2:
// when the first of the wave's servers is done, and the other is not.
type crasher struct {
	before func() // what to do first

	mu    sync.Mutex
	state rollout.State
	began time.Time
}

// Observe kills the process when it is time.
func (c *crasher) Observe(ev rollout.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Step(ev) != nil || ev.At.Before(c.began) {
		return
	}
	if ev.Kind == rollout.Done && c.state.Wave() == 2 {
		c.before()
		kill()
	}
}

// kill ends the process as a power cut does: nothing is flushed, closed or said
// goodbye to.
func kill() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill() // SIGKILL, where there are signals
	}
	if err != nil {
		os.Exit(137)
	}
	select {} // it is on its way
}
