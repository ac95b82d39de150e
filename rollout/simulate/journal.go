package simulate

import (
	"fmt"

	"github.com/tidegate-go/tidegate/rollout"
)

// open has a new runner take the lease, and go on with what is on record; after a
// verb, if a human gave one meanwhile.
func (s *sim) open(verb *rollout.Event) {
	if s.err != nil || s.over {
		return
	}
	s.epoch++
	s.trace.Runners++
	s.books.Opened(s.epoch)
	r := newRunner(s)
	s.runner, s.trace.State = r, r.state
	for n := range s.trace.Events {
		ev := s.trace.Events[n]
		if err := r.state.Step(ev); err != nil {
			s.fail(fmt.Errorf("I7: event %d of the journal, %v %s, does not replay: %w", n+1, ev.Kind, ev.Step, err))
			return
		}
		r.follow(&ev, true)
		r.ended = ev.Kind == rollout.Ended
	}
	r.begin(verb)
}

// takeOver has another runner take the lease of one that does not know of it.
func (s *sim) takeOver(r *runner) {
	if r.gone || s.runner != r {
		return
	}
	s.aside("another runner takes the lease of epoch %d", r.epoch)
	r.orphan()
	s.open(nil)
}

// durable takes events into the journal, in order.
func (s *sim) durable(events []rollout.Event) {
	for i := range events {
		ev := events[i]
		s.trace.Events = append(s.trace.Events, ev)
		if s.err != nil {
			continue
		}
		if err := s.books.Check(ev); err != nil {
			s.fail(fmt.Errorf("simulate: event %d, %v %s: %w", len(s.trace.Events), ev.Kind, ev.Step, err))
		}
		if s.again != nil {
			s.fail(s.again.step(ev))
		}
		if s.world.Check != nil && s.err == nil {
			if err := s.world.Check(s.trace, ev); err != nil {
				s.fail(fmt.Errorf("simulate: event %d, %v %s: %w", len(s.trace.Events), ev.Kind, ev.Step, err))
			}
		}
	}
}
