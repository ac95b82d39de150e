package analysis

import (
	"fmt"
	"time"
)

// Burning says what a gate does about a check that fails before anything has been
// deployed: the service is in trouble already. The zero value blocks.
type Burning struct {
	policy burningPolicy
	reason string
	until  time.Time
}

type burningPolicy uint8

const (
	block burningPolicy = iota
	fixForward
	disarm
)

// Block refuses the rollout: a service in trouble is not to be changed, and a check
// that fails already could not tell whether the release is any good.
func Block() Burning { return Burning{} }

// FixForward lets the rollout begin: the release is meant to end the trouble. The
// checks that burned at the start do not fail the release for that, but each must
// pass before the gate does. The reason is for the record, and required.
func FixForward(reason string) Burning { return Burning{policy: fixForward, reason: reason} }

// Disarm lets the rollout begin without the checks that burned at the start: until
// then they are judged and reported, with no effect, and afterwards they act. The
// reason is for the record, and it and a time are required.
func Disarm(reason string, until time.Time) Burning {
	return Burning{policy: disarm, reason: reason, until: until}
}

// Blocks tells whether a check that burns at the start refuses the rollout.
func (b Burning) Blocks() bool { return b.policy == block }

// String says what is done, and why.
func (b Burning) String() string {
	switch b.policy {
	case fixForward:
		return "fix forward: " + b.reason
	case disarm:
		return fmt.Sprintf("disarm until %s: %s", b.until.Format(time.RFC3339), b.reason)
	}
	return "block"
}

func (b Burning) problem() string {
	switch {
	case b.policy == block:
		return ""
	case b.reason == "":
		return "has no reason: say why it is right to deploy to a service in trouble"
	case b.policy == disarm && b.until.IsZero():
		return "has no time at which the checks act again"
	}
	return ""
}
