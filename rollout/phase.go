package rollout

import "fmt"

// Phase is where a rollout stands.
type Phase uint8

const (
	// Pending is before the first event.
	Pending Phase = iota
	// Deploying puts the new version on the targets of the current wave.
	Deploying
	// Gating has done the wave's steps and waits for its gate.
	Gating
	// RollingBack takes the change back.
	RollingBack
	// Aborting lets what runs come to its end and starts nothing more.
	Aborting

	// Completed is success: every target on the new version and verified,
	// every gate passed.
	Completed
	// Partial is the end of all waves, with failed targets within the budget.
	Partial
	// RolledBack has every step that ever started undone and verified.
	RolledBack
	// RollbackIncomplete could not undo every step: a human has to.
	RollbackIncomplete
	// Halted is frozen: nothing is started, not even an undo, until Reset.
	Halted
	// Aborted was stopped by a human and left as it is.
	Aborted
	// Contained has the failure domain that failed undone and verified; the others
	// keep the new version.
	Contained
)

var phaseWords = [...]string{
	"pending", "deploying", "gating", "rolling-back", "aborting",
	"completed", "partial", "rolled-back", "rollback-incomplete", "halted", "aborted", "contained",
}

// String returns the phase's word, such as "rolled-back".
func (p Phase) String() string {
	if int(p) < len(phaseWords) {
		return phaseWords[p]
	}
	return fmt.Sprintf("phase(%d)", uint8(p))
}

// MarshalText writes the phase as its word.
func (p Phase) MarshalText() ([]byte, error) {
	if int(p) >= len(phaseWords) {
		return nil, fmt.Errorf("rollout: unknown phase %d", uint8(p))
	}
	return []byte(phaseWords[p]), nil
}

// UnmarshalText reads a phase's word. An unknown word is an error.
func (p *Phase) UnmarshalText(text []byte) error {
	for i, w := range phaseWords {
		if w == string(text) {
			*p = Phase(i)
			return nil
		}
	}
	return fmt.Errorf("rollout: unknown phase %q", text)
}

// Final tells whether nothing more happens in this phase without a human.
func (p Phase) Final() bool { return p >= Completed }
