package main

import (
	"os"
	"os/signal"

	"github.com/tidegate-go/tidegate/rollout"
)

// acknowledge calls said for each signal to stop, with how many there were: who
// presses ctrl-C wants to know that it was heard. It returns what ends that.
func acknowledge(said func(n int)) (end func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, rollout.InterruptSignals()...)
	over := make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for n := 1; ; n++ {
			select {
			case <-signals:
				said(n)
			case <-over:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(over)
		<-gone
	}
}
