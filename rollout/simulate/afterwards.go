package simulate

import "github.com/tidegate-go/tidegate/rollout"

// shut ends what a runner has to do: Ended is on record. The rollout is over with that,
// unless a human speaks, or something is still to happen.
func (s *sim) shut() {
	s.closed, s.closedAt = true, s.now
	if ev := s.verb(); ev.Kind != rollout.Unknown {
		s.reopen(ev)
	}
	s.over = s.over || (s.closed && s.coming == 0)
}

// reopen has a human speak to a rollout that has ended. If that matters it goes on: the
// verb comes onto the record, and a new runner resumes. If not, nothing is recorded.
func (s *sim) reopen(ev rollout.Event) {
	var after rollout.State
	for _, past := range s.trace.Events {
		_ = after.Step(past) // the runner that has ended has replayed it
	}
	ev.At, ev.Epoch = s.clock(), s.epoch
	if err := after.Step(ev); err != nil {
		s.refused(&ev, err)
		return
	}
	s.closed = false
	s.runner.orphan()
	s.open(&ev)
}

// refused tells of a verb that was not taken: no journal does.
func (s *sim) refused(ev *rollout.Event, why error) {
	s.aside("%v by %s is refused: %v", ev.Kind, ev.Actor, why)
}
