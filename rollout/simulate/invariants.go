package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// Invariants checks what must hold in every rollout. It keeps books of its own
// from the events, the effects that begin, and what the targets really run, and does
// not ask the core that it checks. The zero value is ready for one rollout.
//
//	I1  exposure never exceeds what the last passed gate allows
//	I2  no step of a wave starts before the gate of the wave before has passed, and it
//	    was approved; and none before that is durable
//	I3  after a failed gate, a breach or an abort, and while held, no forward step starts;
//	    one that a halt cut short may go on when a human says resume
//	I4  RolledBack: every step that ever started was undone after its last do, and its
//	    target really runs the version that it was undone to
//	I5  Completed: every step done, every gate passed, nothing held, and every target
//	    really runs the new version
//	I6  nothing is recorded, and nothing started, by a runner whose epoch is not the newest
//	I8  after a halt nothing is started, not even an undo
//	I9  no gate passes on missing, stale or NaN data
//	I10 no more targets are down than the capacity floor lets be
//
// and of the way back:
//
//	B1  nothing is undone that was not started, and nothing without a reason
//	B2  a step is done once, and once more only to rehearse, from the start where a crash
//	    has cut short the undo that was to be timed; nothing else meanwhile
//	B3  what is irreversible is not undone, and after it nothing is, but for a human
//	B4  the chain is only gone down, and a version that failed is not gone on with, but
//	    for a human
//	B5  mitigations come in their order
//	B6  RolledBack and Contained come after the survey and the gate that the plan wants,
//	    and Contained leaves nothing in doubt
//	B7  what a survey finds astray is undone once more, and only once: what the next one
//	    finds is for a human, or for the next version of the chain
//
// I7, that the journal replays to the same state, is checked by the simulation itself.
type Invariants struct {
	spec  *rollout.Spec
	index map[string]int32
	steps []stepBook
	left  []int // by wave: steps without an outcome
	needs [][]need

	passed   int // waves whose gate has passed
	approved []bool
	stopped  string
	back     bool  // it is being taken back
	excuse   bool  // something happened that may be a reason to stop
	failed   []int // by wave: steps
	failures int
	scope    []string // the failure domains of the wave that failed
	halted   bool
	paused   bool
	reset    bool // waits for resume after a halt
	holds    []heldBy
	outcome  rollout.Phase // of Ended

	epoch     uint64
	at        time.Time // of the newest event
	deployed  time.Time // the current wave
	down      int
	inFlight  int
	undone    int
	rehearsed bool // the rehearsal is over, or there is none
	anew      int  // how often it began once more
	cut       bool // since the last undo began, a runner has died or was halted
	final     bool // an irreversible step was started
	human     bool // has asked for a rollback since
	resumed   bool // a human let what a halt cut short go on

	link     int // of the last undo
	badLink  int // was found to make things worse; -1 for none
	mitigate int // how many mitigations have begun
	surveyed bool
	strays   int // surveys that found some astray, of this version of the chain
	verified bool
	seen     []sight // by check of the current wave's gate
}

// stepBook is what is known of one step.
type stepBook struct {
	wave    int32
	domain  string
	kind    rollout.Kind // of its last event; Unknown if it was never touched
	settled bool         // it has an outcome of its do
	drifted bool         // other hands changed the target, and nobody noticed yet
	does    int
	flying  uint64 // the epoch that carries it out now; 0 for none
	runs    string // really
	undoTo  string // the version that it was undone to last
}

type heldBy struct {
	guard string
	cap   bool
}

// sight is what a check has seen of the wave.
type sight struct {
	good time.Time
	bad  bool // the last observation was none
}

// Check takes the next event of a rollout.
func (v *Invariants) Check(ev rollout.Event) error {
	if ev.Kind == rollout.Started && ev.Spec != nil {
		v.begin(ev.Spec)
		v.at = ev.At
		return nil
	}
	if err := v.sound(&ev); err != nil {
		return err
	}
	if ev.At.After(v.at) {
		v.at = ev.At
	}
	i := v.step(ev.Step)
	if err := v.before(&ev, i); err != nil {
		return err
	}
	v.outcome = 0 // whoever speaks to a rollout that has ended begins it anew
	v.take(&ev, i)
	if v.spec.MaxDown > 0 && v.down > v.spec.MaxDown {
		return fmt.Errorf("I10: %d targets are down, and the floor lets %d be", v.down, v.spec.MaxDown)
	}
	if ev.Kind == rollout.Ended {
		v.outcome = ev.Outcome
		v.back = v.back && v.outcome == rollout.Halted // which a reset goes on from
		return v.ended()
	}
	return nil
}

// step returns a step by its ID, nil for one that there is not.
func (v *Invariants) step(id string) *stepBook {
	if i, ok := v.index[id]; ok {
		return &v.steps[i]
	}
	return nil
}

// Opened takes in that a runner has taken the lease.
func (v *Invariants) Opened(epoch uint64) { v.epoch = max(v.epoch, epoch) }

// Need says that a check must have seen data of a wave (from 1), no older than fresh,
// before the gate of that wave passes. It comes before the rollout's first event.
func (v *Invariants) Need(wave int, check string, fresh time.Duration) {
	for len(v.needs) < wave {
		v.needs = append(v.needs, nil)
	}
	v.needs[wave-1] = append(v.needs[wave-1], need{check, fresh})
}

// Ran takes in that a target runs a version from now on, which the rollout put there,
// or other hands.
func (v *Invariants) Ran(step, version string, byOthers bool) error {
	i, ok := v.index[step]
	if !ok {
		return fmt.Errorf("simulate: there is no step %q", step)
	}
	return v.ran(i, version, byOthers)
}

func (v *Invariants) ran(i int32, version string, byOthers bool) error {
	if v.spec == nil {
		return nil
	}
	b := &v.steps[i]
	b.runs = version
	if b.drifted = byOthers; byOthers {
		return nil
	}
	if version == v.spec.To && int(b.wave) > v.passed {
		return fmt.Errorf("I1: %s of wave %d runs the new version, but only %d gates have passed", v.id(i), b.wave+1, v.passed)
	}
	if v.outcome != 0 && v.outcome != rollout.Halted {
		return v.ended() // it came late
	}
	return nil
}

func (v *Invariants) id(i int32) string {
	for id, k := range v.index {
		if k == i {
			return id
		}
	}
	return ""
}

// sound refuses an event that no rollout can have.
func (v *Invariants) sound(ev *rollout.Event) error {
	switch {
	case v.spec == nil:
		return fmt.Errorf("simulate: %v comes before a rollout has started", ev.Kind)
	case ev.Kind == rollout.Judged && (ev.Decision == nil || ev.Wave < 1 || ev.Wave > len(v.left)):
		return fmt.Errorf("simulate: a judgement on wave %d without a decision, or of a wave that there is not", ev.Wave)
	case ev.Kind == rollout.UndoJudged && ev.Decision == nil:
		return errors.New("simulate: a judgement on the way back without a decision")
	case ev.Kind == rollout.Breached && ev.Breach == nil:
		return errors.New("simulate: a breach without its details")
	case ev.Kind == rollout.Surveyed && ev.Survey == nil:
		return errors.New("simulate: a survey without what was found")
	case ev.Kind >= rollout.Doing && ev.Kind <= rollout.UndoFailed && v.step(ev.Step) == nil:
		return fmt.Errorf("simulate: there is no step %q", ev.Step)
	}
	return nil
}

func (v *Invariants) begin(spec *rollout.Spec) {
	*v = Invariants{spec: spec, index: make(map[string]int32), badLink: -1, epoch: v.epoch, needs: v.needs, rehearsed: !spec.Undo.Rehearse}
	for w, wave := range spec.Waves {
		v.left = append(v.left, len(wave.Steps))
		v.approved = append(v.approved, !wave.Approval)
		v.failed = append(v.failed, 0)
		for _, s := range wave.Steps {
			v.index[s.ID] = int32(len(v.steps))
			v.steps = append(v.steps, stepBook{wave: int32(w), runs: spec.From, domain: s.Labels[spec.Undo.Domain]})
		}
	}
}

// before checks whether the event may happen at all.
func (v *Invariants) before(ev *rollout.Event, b *stepBook) error {
	if ev.Epoch < v.epoch && ev.Epoch != 0 {
		return fmt.Errorf("I6: %v is recorded by epoch %d, but %d acts by now", ev.Kind, ev.Epoch, v.epoch)
	}
	switch ev.Kind {
	case rollout.Doing:
		return v.beforeDo(ev, b)
	case rollout.Undoing:
		return v.beforeUndo(ev, b)
	case rollout.Mitigating:
		return v.beforeMitigation(ev)
	case rollout.Judged:
		if ev.Decision.Outcome == analysis.Pass {
			return v.beforePass(ev)
		}
	case rollout.Override:
		for _, h := range v.holds {
			if h.guard == ev.Step && h.cap {
				return fmt.Errorf("I1: an override lifts %s, which is a cap", ev.Step)
			}
		}
	}
	return nil
}
