package rollout

// mitigation names the mitigation that is due; empty for none.
func (s *State) mitigation() string {
	b := &s.back
	switch {
	case s.phase != RollingBack:
	case b.stage == relieving && b.fast < len(s.spec.Undo.Fast):
		return s.spec.Undo.Fast[b.fast]
	case b.stage == fallingBack && b.relieved == "" && b.fallback < len(s.spec.Undo.Fallback):
		return s.spec.Undo.Fallback[b.fallback]
	}
	return ""
}

// pageDue tells whether a human is to be called: when the rollback takes too long, and
// when it is incomplete.
func (s *State) pageDue() bool {
	b := &s.back
	if s.phase != RollingBack || !s.spec.Undo.Page {
		return false
	}
	return b.paging || (b.overdue && !b.late) || (b.stage == paging && !b.paged)
}

// mitigated takes in that a mitigation, or the page, begins or has ended. One that
// fails holds up nothing.
func (s *State) mitigated(ev *Event) error {
	b := &s.back
	if ev.Step == PageName {
		if !s.pageDue() || b.paging == (ev.Kind == Mitigating) {
			return s.stale(ev)
		}
		if b.paging = ev.Kind == Mitigating; b.paging {
			b.last = b.stage == paging
		} else {
			b.late, b.paged = true, b.last
		}
		s.advance()
		return nil
	}
	if name := s.mitigation(); name == "" || ev.Step != name || b.mitigating == (ev.Kind == Mitigating) {
		return s.stale(ev)
	}
	b.mitigating = ev.Kind == Mitigating
	switch {
	case b.mitigating:
	case b.stage == relieving:
		b.fast++
	case ev.Kind == Mitigated:
		b.relieved = ev.Step
	default:
		b.fallback++
	}
	s.advance()
	return nil
}
