package rollout

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/rollback"
)

// rehearsal is where the proof of the way back stands: the very first step is done,
// undone, and done again, and nothing else is started meanwhile.
type rehearsal uint8

const (
	noRehearsal rehearsal = iota
	rehearseDo
	rehearseUndo
	rehearseAgain
)

// rehearsed goes on with the rehearsal when its step has come out. An undo whose beginning
// is not known, since a crash cut it short, has measured nothing: where its time matters,
// it is rehearsed anew.
func (s *State) rehearsed(ev *Event, i int32, began time.Time) {
	switch {
	case s.rehearsal == noRehearsal || s.phase != Deploying:
	case ev.Kind == Done && s.rehearsal == rehearseDo:
		s.rehearsal = rehearseUndo
	case ev.Kind == Done:
		s.rehearsal = noRehearsal
	case ev.Kind == DoFailed:
		s.fail(fmt.Sprintf("the way back could not be rehearsed, since the first step failed: %s: %s", ev.Step, ev.Reason), true)
	case ev.Kind == UndoFailed:
		s.set(i, StepFailed) // to be undone like any other
		s.fail(fmt.Sprintf("the way back does not work: rehearsing it on %s: %s", ev.Step, ev.Reason), true)
	case ev.Kind == Undone:
		s.rehearsal = rehearseAgain
		s.done--
		if began.IsZero() {
			if s.spec.Undo.RTO > 0 {
				s.rehearsal = rehearseDo
			}
			return
		}
		took := s.at.Sub(began)
		if need := s.backIn(took); s.spec.Undo.RTO > 0 && need > s.spec.Undo.RTO {
			rounds, _ := rollback.Rounds(s.spec.sizes(), s.spec.Undo.Batch, s.spec.undosAtOnce())
			s.fail(fmt.Sprintf("a rollback of all %d targets would take %v, and may take %v: undoing %s took %v, and %d undos come after one another",
				len(s.steps), need.Round(time.Second), s.spec.Undo.RTO, ev.Step, took.Round(time.Millisecond), rounds), true)
		}
	}
}

// backIn is how long it takes to undo everything when one undo takes so long.
func (s *State) backIn(one time.Duration) time.Duration {
	u := &s.spec.Undo
	return rollback.Estimate(s.spec.sizes(), u.Batch, s.spec.undosAtOnce(), one, u.Jitter)
}
