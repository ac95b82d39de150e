package simulate

import "time"

// target is what one target really is.
type target struct {
	runs  string
	since time.Duration // it runs that
	fence uint64        // the highest that it has seen
	away  time.Duration // until then nobody reaches it
}

// put has a target run a version, if it lets that runner do so. It is false when the
// target cannot be reached, or has seen a newer runner.
func (s *sim) put(i int32, version string, epoch uint64) bool {
	t := &s.targets[i]
	if s.now < t.away {
		return false
	}
	if s.fencing {
		if epoch < t.fence {
			s.aside("%s refuses a late write of epoch %d", s.steps[i].ID, epoch)
			return false
		}
		t.fence = epoch
	}
	s.change(i, version, epoch)
	s.fail(s.books.ran(i, version, false))
	return true
}

// drift has other hands put a version on a target.
func (s *sim) drift(i int32, version string) {
	if s.over {
		return
	}
	s.aside("other hands put %s on %s", version, s.steps[i].ID)
	s.change(i, version, 0)
	s.fail(s.books.ran(i, version, true))
}

func (s *sim) change(i int32, version string, epoch uint64) {
	t := &s.targets[i]
	if t.runs == version {
		return
	}
	t.runs, t.since = version, s.now
	s.trace.Changes = append(s.trace.Changes, Change{s.now, s.steps[i].ID, version, epoch})
}
