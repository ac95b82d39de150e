package simulate

import (
	"errors"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// Start is when every simulated rollout begins.
var start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// ErrStuck says that a rollout came to a standstill that no hold explains.
var ErrStuck = errors.New("simulate: the rollout is stuck")

// Trace is what happened in one simulated rollout.
type Trace struct {
	// Events is the journal.
	Events []rollout.Event
	// State is the fold of it. State.Result has exposure, time to detect and time to
	// recover.
	State *rollout.State
	// Changes is what targets ran, in order: each time that one changed.
	Changes []Change
	// Took is how long the rollout took, in virtual time. What happens after its end, and
	// does not begin it anew, does not count.
	Took time.Duration
	// Held says that it ended held, waiting for a human who said no more.
	Held bool
	// Runners is how many runners carried it out, one after the other.
	Runners int
	// Hits is how often each fault happened.
	Hits [faultCount]int

	targets []target
	index   map[string]int32
	asides  []aside
}

// Change is one target that runs another version from now on.
type Change struct {
	// At is the time since the start.
	At time.Duration
	// Step is the target, or the step that stands for what was changed.
	Step    string
	Version string
	// Epoch is that of the runner that did it; zero for other hands.
	Epoch uint64
}

// aside is a line of the story that is no event.
type aside struct {
	after int // so many events
	at    time.Duration
	text  string
}

// Runs returns what a target really runs in the end; empty for one that there is not.
func (t *Trace) Runs(step string) string {
	if i, ok := t.index[step]; ok {
		return t.targets[i].runs
	}
	return ""
}

// World returns what every target really runs.
func (t *Trace) World() map[string]string {
	all := make(map[string]string, len(t.index))
	for step, i := range t.index {
		all[step] = t.targets[i].runs
	}
	return all
}

// since is a time as the time since the start.
func since(at time.Time) time.Duration { return at.Sub(start) }
