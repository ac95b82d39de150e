package simulate

import (
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// patience is for how many turns a rollout may do nothing, such as poll its guards,
// before it counts as being at a standstill; unless something is still due.
const patience = 10_000

// stillness watches for a rollout to come to a standstill while its polls go on.
type stillness struct {
	turns int           // without an event
	until time.Duration // all that is due is through by then; zero where nobody has looked
}

// standstill takes in one turn, and tells whether nothing is to come of any more.
func (s *sim) standstill(before int) bool {
	q := &s.quiet
	if len(s.trace.Events) > before {
		*q = stillness{}
		return false
	}
	if q.turns++; q.turns <= patience {
		return false
	}
	// Once for each stretch without an event: there is always a next look at nothing.
	if q.until == 0 {
		q.until = s.latest()
	}
	return s.now > q.until
}

// latest is when all that is due by now is through: steps in flight, happenings, the
// core's timers, and the look or the deadline of a gate.
func (s *sim) latest() time.Duration {
	last := s.now
	due := func(at time.Duration) {
		if at < forever {
			last = max(last, at)
		}
	}
	for i := range s.agenda {
		if a := &s.agenda[i]; !a.poll {
			due(a.at)
		}
	}
	r := s.runner
	if r == nil || r.gone {
		return last
	}
	for e := range r.state.Wants() {
		switch e.Kind {
		case rollout.Timer:
			due(since(e.Due) - s.skew)
		case rollout.Analyze:
			r.oven.dates(due)
		}
	}
	return last
}

// dates says when the gate looks next, and when its deadline is over. After that it goes
// on to look, but what it waits for is a human.
func (o *oven) dates(due func(time.Duration)) {
	if o.eval == nil || o.last {
		return // the model's gates make appointments
	}
	skew := o.r.s.skew
	due(since(o.next) - skew)
	if o.baking {
		due(since(o.since.Add(o.gate.Deadline())) - skew)
	}
}
