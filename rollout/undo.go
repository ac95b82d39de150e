package rollout

import "fmt"

// toUndo tells whether a step runs something else than the way back leads to.
func (s *State) toUndo(i int) bool {
	switch st := &s.steps[i]; st.status {
	case StepDone:
		return s.inScope(i)
	case StepAstray:
		return true
	case StepUndone:
		return int(st.link) < s.back.link
	default:
		return false
	}
}

// inScope tells whether a step belongs to a failure domain that is taken back.
func (s *State) inScope(i int) bool {
	if s.back.scope == nil {
		return true
	}
	w := s.steps[i].wave
	return s.back.scope[s.spec.Waves[w].Steps[i-s.bounds[w]].Labels[s.spec.Undo.Domain]]
}

// domain returns the failure domains of the current wave's started steps, nil where
// everything is taken back.
func (s *State) domain() map[string]bool {
	label := s.spec.Undo.Domain
	if label == "" {
		return nil
	}
	scope := make(map[string]bool)
	for i := s.bounds[s.wave]; i < s.bounds[s.wave+1]; i++ {
		if s.steps[i].status != StepPending {
			scope[s.spec.Waves[s.wave].Steps[i-s.bounds[s.wave]].Labels[label]] = true
		}
	}
	return scope
}

// skipUndone moves undoNext past what cannot be undone any more.
func (s *State) skipUndone() {
	for s.undoNext >= s.bounds[s.undoWave] {
		if s.steps[s.undoNext].status == StepDoing || s.toUndo(s.undoNext) {
			return
		}
		s.undoNext--
	}
}

// advanceUndo moves to the next older wave when one is undone, and ends the link
// when all are.
func (s *State) advanceUndo() {
	for {
		s.skipUndone()
		inDoubt := len(s.doubt) > 0 && int(s.steps[s.doubt[len(s.doubt)-1]].wave) == s.undoWave
		left := s.undoNext >= s.bounds[s.undoWave]
		if len(s.running) > 0 || inDoubt {
			return
		}
		if left {
			if !s.mayTakeDown(s.down) {
				s.giveUp(fmt.Sprintf("%d targets are down, and the capacity floor lets no more be taken down to be undone", s.down))
			}
			return
		}
		if s.undoWave == 0 {
			break
		}
		s.undoWave--
		if s.batch > 0 {
			s.endBatch()
			if s.back.stage != undoing {
				return
			}
		}
	}
	if s.spec.Undo.Survey && s.last >= 0 {
		s.back.stage = asking
		return
	}
	s.endLink()
}

// unstick puts every step that could not be undone, or was left half undone,
// back in doubt.
func (s *State) unstick() {
	for i := range s.steps {
		switch s.steps[i].status {
		case StepUndoing, StepDoing, StepFailed:
			s.set(int32(i), StepStuck)
		}
	}
	for i := range s.steps { // in order of the waves, as State.doubt is
		if s.steps[i].status == StepStuck {
			s.set(int32(i), StepFailed)
		}
	}
}
