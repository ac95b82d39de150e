package replay

import (
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// unwatched is the check of a gate that looks at nothing.
const unwatched = "someone notices"

// Unwatched is the gate of those who have none: it looks at nothing, and the rollout
// stays as it is until a human says something, which is a Happening of the World.
func Unwatched() analysis.Gate {
	const long = 30 * 24 * time.Hour
	return analysis.Gate{
		Interval: long, Bake: analysis.Bake{AtMost: long}, OnDeadline: analysis.WaitAtDeadline,
		Checks: []analysis.Check{{Name: unwatched, Source: simulate.Unasked{}, Judge: analysis.Above(0)}},
	}
}

// isUnwatched tells whether it is such a gate that says so.
func isUnwatched(reason string) bool { return strings.Contains(reason, unwatched) }

// AtOnce puts a release everywhere at once, with nothing that watches it.
func AtOnce(plan rollout.Plan, why string) rollout.Plan {
	plan.Waves = rollout.Percent(100)
	plan.Gate = Unwatched()
	plan.Guards = nil
	plan.AllowBigBang = why
	plan.Concurrency = max(1, len(plan.Targets))
	return plan
}

// Human is somebody who takes the rollout back after so long.
func Human(after time.Duration, who, why string) simulate.Happening {
	return simulate.Happening{At: after, Verb: rollout.Event{Kind: rollout.RollBack, Actor: who, Reason: why}}
}
