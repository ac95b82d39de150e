package analysis

import (
	"fmt"
	"slices"
	"time"
)

// MinTimeout is the shortest time that a source gets by default.
const MinTimeout = 2 * time.Second

// Check is one question that a gate asks again and again: a Source to look
// with, and a Judge to decide. All checks of a gate have to pass, and one that
// fails is enough to fail the release.
type Check struct {
	// Name names the check in every report, such as "errors". Required, unique
	// in its gate.
	Name   string
	Source Source
	Judge  Judge
	// Critical marks the check in reports as one that people must see first. In a
	// gate with a PassScore, it must pass and fails the release by itself, whatever the
	// score.
	Critical bool
	// Weight is how much the check counts: for a gate's PassScore, and for its share
	// of the gate's Alpha. Zero means 1.
	Weight float64
	// Shadow judges and reports, with no effect on the gate: for trying out a
	// check before it may stop anything.
	Shadow bool
	// Window is how far back one observation of the Source looks, where that is
	// fixed by its query, such as 5m for rate(x[5m]). Zero means that an
	// observation covers the time since the last, which is right for counts.
	// A window longer than the bake would judge traffic from before the wave, and
	// one longer than the gate's Interval would show a judge that adds up
	// (NotWorse) the same events again: both are refused.
	Window time.Duration
	// Slow makes this a check of what takes long to show, such as a leak: it can fail
	// any gate, but holds up only the last wave's, which does not pass before the
	// release has been watched for so long, since the first wave was deployed, and
	// the check passes. Zero means that it has to pass for every wave.
	Slow time.Duration
	// NoData says what follows when there have been NoDataAfter observations in a row
	// with nothing to look at. Zero for those means DefaultNoDataAfter.
	NoData      NoDataPolicy
	NoDataAfter int
	// Timeout bounds one observation: a source that takes longer has seen nothing.
	// Zero means the gate's Interval, but no less than MinTimeout.
	Timeout time.Duration
}

// Bake is how long a wave is watched after its last step: until all checks pass
// or one fails, within these bounds. The zero Bake passes as soon as the checks
// do.
type Bake struct {
	// AtLeast is the shortest bake, however good the figures: as long as a
	// regression may take to show, such as a leak or a cache that runs out.
	AtLeast time.Duration
	// AtMost is the deadline: without a verdict by then, the gate is
	// Inconclusive. Zero means DefaultAtMost, or twice AtLeast if that is more.
	AtMost time.Duration
	// Samples is how many canary events (requests) each counting check must have
	// seen since the wave began. Zero means no such floor.
	Samples uint64
}

// DeadlinePolicy says what follows when a gate has no verdict at its deadline,
// whether the evidence was too thin (Inconclusive) or the checks could not look
// (Error). Neither choice promotes.
type DeadlinePolicy uint8

const (
	// RollBackAtDeadline takes the change back. It is the zero value.
	RollBackAtDeadline DeadlinePolicy = iota
	// WaitAtDeadline holds for a human, and goes on looking.
	WaitAtDeadline
)

var deadlineWords = [...]string{"roll-back", "wait"}

// MarshalText writes the policy as its word.
func (p DeadlinePolicy) MarshalText() ([]byte, error) {
	if int(p) >= len(deadlineWords) {
		return nil, fmt.Errorf("analysis: unknown deadline policy %d", uint8(p))
	}
	return []byte(deadlineWords[p]), nil
}

// UnmarshalText reads a policy's word. An unknown word is an error.
func (p *DeadlinePolicy) UnmarshalText(text []byte) error {
	i := slices.Index(deadlineWords[:], string(text))
	if i < 0 {
		return fmt.Errorf("analysis: unknown deadline policy %q: want one of %v", text, deadlineWords)
	}
	*p = DeadlinePolicy(i)
	return nil
}
