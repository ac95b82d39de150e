package guardrails

import (
	"context"
	"time"
)

// History tells of rollouts, for guards that go by what has been: how many changes
// there were of late, and how they ended. filejournal.Dir is one.
type History interface {
	// Past returns the rollouts that were at work at some time since then, in the order
	// in which they began; those of all services if service is empty. One that cannot be
	// read is an error, not left out.
	Past(ctx context.Context, service string, since time.Time) ([]Past, error)
}

// Past is a rollout that has begun.
type Past struct {
	Rollout, Service, From, To string
	// Started is when it began, Ended when it came to its end; zero while it has not.
	Started, Ended time.Time
	Ending         Ending
}

// Ending is what a rollout came to.
type Ending uint8

const (
	// Unended has not come to its end.
	Unended Ending = iota
	// Completed is on the new version, verified.
	Completed
	// RolledBack is on the old version, verified.
	RolledBack
	// Failed is anything else: halted, aborted, partial, or not wholly undone.
	Failed
)

var endingWords = [...]string{"unended", "completed", "rolled back", "failed"}

// String returns the ending's words, such as "rolled back".
func (e Ending) String() string {
	if int(e) < len(endingWords) {
		return endingWords[e]
	}
	return "unknown ending"
}
