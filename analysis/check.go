package analysis

import "time"

// Check is one question that a gate asks again and again: a Source to look
// with, and a Judge to decide.
type Check struct {
	// Name names the check in every report, such as "errors". Required, unique
	// in its gate.
	Name   string
	Source Source
	Judge  Judge
	// Critical marks the check in reports as one that people must see first.
	Critical bool
	// Shadow judges and reports, with no effect on the gate.
	Shadow bool
	// Window is how far back one observation of the Source looks, where that is
	// fixed by its query, such as 5m for rate(x[5m]). A window longer than the
	// bake would judge traffic from before the wave, and is refused. Zero means
	// that an observation covers the time since the last.
	Window time.Duration
	// Timeout bounds one observation. Zero means the gate's Interval.
	Timeout time.Duration
}

// Bake is how long a wave is watched after its last step.
type Bake struct {
	// AtLeast is the shortest bake, however good the figures.
	AtLeast time.Duration
	// AtMost is the deadline: without a verdict by then, the gate is
	// Inconclusive. Zero means DefaultAtMost, or twice AtLeast if that is more.
	AtMost time.Duration
	// Samples is how many canary events (requests) each counting check must have
	// seen since the wave began. Zero means no such floor.
	Samples uint64
}

// DeadlinePolicy says what follows when a gate has no verdict at its deadline.
// Neither choice promotes.
type DeadlinePolicy uint8

const (
	// RollBackAtDeadline takes the change back. It is the zero value.
	RollBackAtDeadline DeadlinePolicy = iota
	// WaitAtDeadline holds for a human, and goes on looking.
	WaitAtDeadline
)
