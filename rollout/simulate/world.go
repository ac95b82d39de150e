package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// Defaults of a World.
const (
	// DefaultUndoTimeout bounds one undo, with all its tries.
	DefaultUndoTimeout = 15 * time.Minute
	// DefaultMost is how many events a rollout may have.
	DefaultMost = 1_000_000
)

// World is all that a rollout happens in. The zero World is the best of all worlds,
// but for gates that are real: what they see must be said, by Signals or See.
type World struct {
	// Model says how single things come out.
	Model
	// Faults are the odds of what goes wrong beside that.
	Faults Faults
	// Signals are what the checks of real gates see, by the check's name.
	Signals map[string]Signal
	// See takes the place of Signals, for every check.
	See func(r *rand.Rand, look *Look) analysis.Observation
	// Happenings are what happens at set times, after the end of the rollout as well: a
	// verb may take back what is completed, or go on with what was halted.
	Happenings []Happening
	// Fencing has targets refuse the writes of runners whose epoch is not the newest
	// that they have seen. It is on where there are Zombies.
	Fencing bool
	// StepTimeout bounds one step, and UndoTimeout one undo with all its tries. Grace
	// is how long what was cancelled may take to return. Zero means the plan's, or the
	// defaults of package rollout.
	StepTimeout, UndoTimeout, Grace time.Duration
	// Most is how many events the rollout may have. Zero means DefaultMost.
	Most int
	// Replay checks I7 the thorough way: every event is written, read back and folded,
	// and the states are compared. It is slow.
	Replay bool
	// Check is called after every event that is durable, beside Invariants. Its error
	// ends the simulation.
	Check func(*Trace, rollout.Event) error
}

// Happening is what happens at a set time after the start. Any of its fields may be
// set.
type Happening struct {
	At time.Duration `json:"at"`
	// Verb is what a human says; its Actor and Reason are filled in where empty.
	Verb rollout.Event `json:"verb,omitzero"`
	// Breach is a guard's no, and Clear the name of a guard that is content again.
	Breach *guardrails.Breach `json:"breach,omitempty"`
	Clear  string             `json:"clear,omitempty"`
	// Crash kills the runner.
	Crash bool `json:"crash,omitempty"`
	// Skew sets all clocks forward or back.
	Skew time.Duration `json:"skew,omitempty"`
	// Target gets Version by other hands, or cannot be reached for as long as Away.
	Target  string        `json:"target,omitempty"`
	Version string        `json:"version,omitempty"`
	Away    time.Duration `json:"away,omitempty"`
}
