package rollout

import (
	"fmt"
	"iter"
	"time"
)

// EffectKind says what an Effect does.
type EffectKind uint8

const (
	// DoStep puts a step into effect. Before it is carried out, a Doing event
	// must be durable.
	DoStep EffectKind = iota + 1
	// UndoStep takes a step back. Before it is carried out, an Undoing event
	// must be durable.
	UndoStep
	// Analyze asks the wave's checks, and reports Observed and Judged.
	Analyze
	// Watch asks the guards again and again, and reports Breached and Cleared.
	Watch
	// Timer reports Elapsed at its time.
	Timer
	// Mitigate carries out a mitigation, or the page. Before it is carried out, a
	// Mitigating event must be durable.
	Mitigate
	// AskAll asks the targets what they run, and reports Surveyed.
	AskAll
	// Recheck asks the checks of a gate on the way back, and reports Observed and
	// UndoJudged.
	Recheck
)

// Effect is something that should be in flight now.
type Effect struct {
	Kind EffectKind
	// Step is the step's ID, for DoStep and UndoStep; the timer's name for Timer; the
	// mitigation's name or PageName for Mitigate; CanaryGate or RecoveryGate for
	// Recheck.
	Step string
	// Version is what UndoStep puts on the target.
	Version string
	// From is what UndoStep takes off the target, as far as that is known.
	From string
	// Link counts the versions that the way back has tried before this one.
	Link int
	// Turn counts how often the step was begun, or begun to be undone, this time
	// included.
	Turn int
	// Index is the step's number in the spec, from 0.
	Index int
	// Wave counts from 1.
	Wave int
	// Begun says that the step is on record as begun. Where it is not running,
	// a crash came between: carry it out again.
	Begun bool
	// Due is when a Timer runs out.
	Due time.Time
}

// Key identifies the effect within its rollout. It is stable over crashes: an
// effect that is carried out again has the key that it had.
func (e Effect) Key() string {
	switch e.Kind {
	case DoStep:
		return "do/" + e.Step + e.turn()
	case UndoStep:
		return "undo/" + e.Step + e.turn()
	case Mitigate:
		return "mitigate/" + e.Step
	case AskAll:
		return "ask-all"
	case Recheck:
		return "recheck/" + e.Step
	case Timer:
		return "timer/" + e.Step
	case Watch:
		return "watch"
	default:
		return "analyze"
	}
}

// turn tells apart what is done to one step a second time: it is another action, and
// has a key of its own.
func (e Effect) turn() string {
	if e.Turn > 1 {
		return fmt.Sprint("/", e.Turn)
	}
	return ""
}

// The timers that the core may want.
const (
	holdTimer     = "hold"
	rollbackTimer = "rollback"
	rtoTimer      = "rto"
)

// Wants yields every effect that should be in flight now. What is in flight and
// not named is to be cancelled. Its cost grows with the effects in flight, not
// with the fleet.
func (s *State) Wants() iter.Seq[Effect] {
	return func(yield func(Effect) bool) {
		switch s.phase {
		case Deploying, Gating:
			s.wantForward(yield)
		case RollingBack:
			s.wantBack(yield)
		case Aborting:
			s.wantRunning(yield)
		}
	}
}

func (s *State) wantForward(yield func(Effect) bool) {
	wave := &s.spec.Waves[s.wave]
	if s.spec.Guarded && !yield(Effect{Kind: Watch, Wave: s.wave + 1}) {
		return
	}
	if wave.Ungated == "" && s.passed <= s.wave && s.tallies[0].Exposed > 0 && !yield(Effect{Kind: Analyze, Wave: s.wave + 1}) {
		return
	}
	if due, ok := s.holdDue(); ok && !yield(Effect{Kind: Timer, Step: holdTimer, Due: due}) {
		return
	}
	if !s.wantRunning(yield) {
		return
	}
	room := s.room()
	if s.rehearsal != noRehearsal {
		if room > 0 && len(s.running) == 0 {
			yield(s.rehearse())
		}
		return
	}
	for i := s.next; room > 0 && i < s.bounds[s.wave+1]; i++ {
		if s.steps[i].status != StepPending {
			continue
		}
		if !yield(s.effect(DoStep, i)) {
			return
		}
		room--
	}
}

// rehearse is the next step of the rehearsal.
func (s *State) rehearse() Effect {
	if s.rehearsal == rehearseUndo {
		return s.effect(UndoStep, 0)
	}
	return s.effect(DoStep, 0)
}

// room is how many more steps may be started forward now.
func (s *State) room() int {
	if s.phase != Deploying || s.failure != "" || len(s.holds) > 0 {
		return 0
	}
	room := s.spec.Concurrency - len(s.running)
	if s.spec.MaxDown > 0 {
		room = min(room, s.spec.MaxDown-s.down)
	}
	return room
}

// wantRunning yields the steps that are in flight and may go on.
func (s *State) wantRunning(yield func(Effect) bool) bool {
	// On the way back a step that is being done is to be cancelled; it is undone
	// once it has ended. One that a halt cut short goes on when a human says so, unless
	// the rollout has failed.
	noDo := s.phase == RollingBack || s.held("reset") || s.held("failure")
	noUndo := !s.mayUndo()
	for _, i := range s.running {
		kind, not := DoStep, noDo
		if s.steps[i].status == StepUndoing {
			kind, not = UndoStep, noUndo
		}
		if not {
			continue
		}
		e := s.effect(kind, int(i))
		e.Begun = true
		if !yield(e) {
			return false
		}
	}
	return true
}

func (s *State) wantBack(yield func(Effect) bool) {
	u := &s.spec.Undo
	if s.spec.Guarded && !yield(Effect{Kind: Watch, Wave: s.undoWave + 1}) {
		return
	}
	if due, ok := s.rollbackDue(); ok && !yield(Effect{Kind: Timer, Step: rollbackTimer, Due: due}) {
		return
	}
	if u.RTO > 0 && u.Page && !s.back.overdue && !yield(Effect{Kind: Timer, Step: rtoTimer, Due: s.backAt.Add(u.RTO)}) {
		return
	}
	if s.pageDue() && !yield(Effect{Kind: Mitigate, Step: PageName, Begun: s.back.paging}) {
		return
	}
	if name := s.mitigation(); name != "" && (s.back.mitigating || len(s.holds) == 0) && !yield(Effect{Kind: Mitigate, Step: name, Begun: s.back.mitigating}) {
		return
	}
	if gate := s.recheck(); gate != "" && !yield(Effect{Kind: Recheck, Step: gate, Link: s.back.link, Version: s.version()}) {
		return
	}
	if s.back.stage == asking && !yield(Effect{Kind: AskAll, Link: s.back.link, Version: s.version()}) {
		return
	}
	if !s.wantRunning(yield) {
		return
	}
	room, down := s.undoRoom(), s.down
	// What is in doubt comes first: to undo a target that is down already takes
	// no capacity away, and may give some back.
	for k := len(s.doubt) - 1; room > 0 && k >= 0 && int(s.steps[s.doubt[k]].wave) == s.undoWave; k-- {
		if !yield(s.effect(UndoStep, int(s.doubt[k]))) {
			return
		}
		room--
	}
	for i := s.undoNext; room > 0 && i >= s.bounds[s.undoWave] && s.mayTakeDown(down); i-- {
		if !s.toUndo(i) {
			continue
		}
		if !yield(s.effect(UndoStep, i)) {
			return
		}
		room--
		down++
	}
}

// undoRoom is how many more undos may be started now, floor aside.
func (s *State) undoRoom() int {
	if s.phase != RollingBack || s.back.stage != undoing || len(s.holds) > 0 {
		return 0
	}
	return min(s.batchSize()-s.batch, s.spec.Undo.Parallel-len(s.running))
}

// mayTakeDown tells whether a target that serves may be taken down when so
// many are down already.
func (s *State) mayTakeDown(down int) bool { return s.spec.MaxDown == 0 || down < s.spec.MaxDown }

func (s *State) effect(kind EffectKind, i int) Effect {
	e := Effect{Kind: kind, Step: s.id(i), Index: i, Wave: int(s.steps[i].wave) + 1}
	st := &s.steps[i]
	if kind == DoStep {
		e.Turn = int(st.dos) + count(st.status != StepDoing)
		return e
	}
	e.Turn = int(st.undos) + count(st.status != StepUndoing)
	e.Version, e.From = s.spec.From, s.spec.To
	if s.phase == RollingBack {
		e.Link, e.Version, e.From = s.back.link, s.version(), s.named(s.runs(i))
	}
	return e
}

// holdDue returns when forward motion has been held for too long.
func (s *State) holdDue() (time.Time, bool) {
	if s.spec.HoldAtMost == 0 || len(s.holds) == 0 || s.failure != "" {
		return time.Time{}, false
	}
	return s.holds[0].Since.Add(s.spec.HoldAtMost), true
}
