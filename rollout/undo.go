package rollout

import "fmt"

// rollBack begins to take back every step that was ever started, newest wave
// first. What held the way forward does not hold the way back.
func (s *State) rollBack() {
	idle := s.held("reset") // what a halt cut short is carried out by nobody
	s.phase, s.undoAt = RollingBack, s.at
	s.holds = nil
	if idle {
		s.settle()
	}
	s.reason, s.batch = "", 0
	s.undoWave, s.undoNext = s.wave, min(s.last, s.bounds[s.wave+1]-1)
	s.advance()
}

// skipUndone moves undoNext past what cannot be undone any more.
func (s *State) skipUndone() {
	for s.undoNext >= s.bounds[s.undoWave] {
		if st := s.steps[s.undoNext].status; st == StepDone || st == StepDoing {
			return
		}
		s.undoNext--
	}
}

// advanceBack moves to the next older wave when one is undone, and ends the
// rollback when all are.
func (s *State) advanceBack() {
	for {
		s.skipUndone()
		inDoubt := len(s.doubt) > 0 && int(s.steps[s.doubt[len(s.doubt)-1]].wave) == s.undoWave
		left := s.undoNext >= s.bounds[s.undoWave]
		if len(s.running) > 0 || inDoubt {
			return
		}
		if left {
			if !s.mayTakeDown(s.down) {
				s.end(RollbackIncomplete, fmt.Sprintf("%d targets are down, and the capacity floor lets no more be taken down to be undone, after %s", s.down, s.failure))
			}
			return
		}
		if s.undoWave == 0 {
			s.endRollback()
			return
		}
		s.undoWave--
		s.batch = 0
	}
}

func (s *State) endRollback() {
	if n := s.tallies[0].Exposed; n > 0 {
		s.end(RollbackIncomplete, fmt.Sprintf("%d of %d targets could not be undone, after %s", n, len(s.steps), s.failure))
		return
	}
	s.end(RolledBack, s.failure)
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
