package googlecloud

import (
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Of the database of a region: how many tasks can read it at the same time without
// slowing each other down, and how long one takes then.
const (
	serves = 5
	reads  = 10 * time.Second
)

// restarts are the tasks that come back, each of which reads the database of its region
// first.
type restarts struct {
	region map[string]string // by task
	now    map[string]int    // by region
	most   int               // in one region
}

func newRestarts(fleet []rollout.Target) *restarts {
	r := &restarts{region: make(map[string]string), now: make(map[string]int)}
	for _, task := range fleet {
		r.region[task.Name] = task.Labels["region"]
	}
	return r
}

// follow counts who is at it.
func (r *restarts) follow(_ *simulate.Trace, ev rollout.Event) error {
	region := r.region[ev.Step]
	switch ev.Kind {
	case rollout.Undoing:
		r.now[region]++
		r.most = max(r.most, r.now[region])
	case rollout.Undone, rollout.UndoFailed:
		r.now[region]--
	}
	return nil
}

// restart is one task that comes back. A crowd of so many times what the database serves
// is slower by more than that: what is given up and asked again is work for nothing. That
// it goes by the square is a guess; of the real one it is known that the stampede cost the
// largest region two hours.
func (r *restarts) restart(_ *rand.Rand, task string) simulate.Outcome {
	crowd := max(1, float64(r.now[r.region[task]])/serves)
	return simulate.Outcome{Takes: time.Duration(crowd * crowd * float64(reads))}
}
