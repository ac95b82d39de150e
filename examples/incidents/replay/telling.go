package replay

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Telling is one way an incident that was a rollout may go: a plan in a world.
type Telling struct {
	Plan  rollout.Plan
	World simulate.World
	// Of is what the exposure is a share of, such as "of 8.5 million hosts", and Things
	// is what the targets are, such as "hosts". Empty means "of the fleet" and "targets".
	Of, Things string
	// Ill tells whether a target has the fault that runs a version. Nil means that those
	// have it that run the plan's new version.
	Ill func(target, version string) bool
	// Sum says that it is not known when it was noticed, only how long it all took.
	Sum bool
	// Notes are lines of the story that come from outside.
	Notes []Note
}

// Note is a line of the story.
type Note struct {
	// At is the time since the first change.
	At   time.Duration
	Text string
}

// seed is that of all replays: each is told the same way every time.
const seed = 1

// Tell plays the plan in the world and says what it came to.
func (t Telling) Tell() (Outcome, error) {
	trace, err := simulate.Play(&t.Plan, t.World, seed)
	if no := (*guardrails.Breach)(nil); errors.As(err, &no) {
		return t.Refused(no), nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("replay %s: %w", t.Plan.Name, err)
	}
	return t.Outcome(trace)
}
