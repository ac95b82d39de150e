package guardrails

import "time"

// Action is one thing that automation is about to do.
type Action struct {
	Verb Verb
	// Rollout names the rollout, Service what it changes, From and To the
	// versions.
	Rollout, Service, From, To string
	// Wave counts from 1; 0 before the first.
	Wave int
	// Target is what is about to be changed, empty for verbs that change
	// nothing. Labels and Weight are the target's.
	Target string
	Labels map[string]string
	Weight int64
	// Issued is when the change was decided on, and Sequence its number among the
	// changes of the service; zero where nobody says. Fence is the token of the runner
	// that acts: it grows with every runner that takes a rollout over.
	Issued   time.Time
	Sequence uint64
	Fence    uint64
	// Plan is the hash of the plan, which an approval is given for; empty outside of
	// rollouts.
	Plan string
	// Longest is how long all of it may take, from a Start to its end; zero where
	// nobody knows.
	Longest time.Duration
	// Fleet tells how much is exposed, with this action counted as done. It is
	// nil outside of rollouts, and valid only until Check returns.
	Fleet Fleet
}

// Fleet tells how much of a fleet is exposed to the change.
type Fleet interface {
	// Tally counts the targets whose label has the value; all targets when both
	// are empty. A target without the label counts where value is empty.
	Tally(label, value string) Tally
}

// Tally counts targets, and adds up their weights.
type Tally struct {
	// Targets is how many there are.
	Targets int
	// Exposed is how many may run the new version: every target that a step was
	// started on and not yet verified to be undone.
	Exposed int
	// Unproven is how many of the exposed no gate has passed yet: the blast
	// radius if the new version is bad.
	Unproven int
	// Weight, ExposedWeight and UnprovenWeight are the same in units of
	// weight (users, requests or hosts that a target stands for).
	Weight, ExposedWeight, UnprovenWeight int64
}
