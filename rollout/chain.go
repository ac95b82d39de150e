package rollout

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
)

// stage is where a rollback stands.
type stage uint8

const (
	// relieving carries out the fast mitigations.
	relieving stage = iota
	// undoing takes steps back.
	undoing
	// tasting waits for the gate on the first batch.
	tasting
	// asking waits for what the targets say that they run.
	asking
	// recovering waits for the gate on the recovery.
	recovering
	// turning lets what runs come to its end, before the next link of the chain.
	turning
	// givingUp lets what runs come to its end, before the fallback.
	givingUp
	// fallingBack carries out the mitigations after the last version.
	fallingBack
	// paging calls a human.
	paging
)

// back is where the way back stands: what it has tried, and what came of it.
type back struct {
	stage   stage
	link    int // 0 is the previous version; those after it are Older
	batches int // that are through, on this link
	undone  int // undos that succeeded on this link
	missed  int // undos that failed on this link

	fast       int  // mitigations of Fast that are over
	fallback   int  // mitigations of Fallback that failed
	mitigating bool // the current mitigation is on record as begun
	relieved   string
	overdue    bool // it takes longer than the RTO
	paging     bool // a page is on record as begun
	last       bool // that page is the one at the end
	late       bool // a human was called since it takes too long
	paged      bool // a human was called at the end

	again     bool // what was astray has been undone once more
	astray    []Astray
	why       string    // it is given up
	measuring time.Time // the current gate of the way back began

	scope map[string]bool // the failure domains that are taken back; nil is all
}

// rollBack begins to take back every step that was ever started, newest wave
// first. What held the way forward does not hold the way back. It begins with the
// version that was tried last: the chain is never gone up again.
func (s *State) rollBack(scope map[string]bool) {
	idle := s.held("reset") || s.held("failure") // what a halt cut short is carried out by nobody
	s.phase, s.backAt = RollingBack, s.at
	s.holds = nil
	s.back = back{link: s.back.link, scope: scope}
	if idle {
		s.settle()
	}
	s.reason = ""
	s.advance()
}

// takesAllBack tells whether everything is being taken back.
func (s *State) takesAllBack() bool { return s.phase == RollingBack && s.back.scope == nil }

// widen takes back everything where only some failure domains were. What has been given
// up already waits for a human, and is not begun again.
func (s *State) widen(ev *Event, why string) error {
	b := &s.back
	if b.scope == nil || b.stage == givingUp || b.stage == fallingBack || b.stage == paging {
		return s.stale(ev)
	}
	b.scope = nil
	s.failure += "; then " + why
	switch b.stage {
	case undoing, tasting, asking, recovering:
		if b.stage != tasting {
			b.stage = undoing
		}
		s.undoAt = s.at // there is more to do
		s.fromTheTop()
		s.batch = s.undoing
	}
	s.advance()
	return nil
}

// version returns what the current link of the chain puts on a target.
func (s *State) version() string {
	if s.back.link == 0 {
		return s.spec.From
	}
	return s.spec.Undo.Older[s.back.link-1]
}

// runs tells what a step runs that is to be undone, or is being undone: 0 is the new
// version, 1 the previous one, and so on down the chain.
func (s *State) runs(i int) int32 {
	switch st := &s.steps[i]; st.status {
	case StepUndone:
		return st.link + 1
	case StepUndoing:
		return st.before
	}
	return 0
}

// named returns the version that runs means.
func (s *State) named(runs int32) string {
	switch runs {
	case 0:
		return s.spec.To
	case 1:
		return s.spec.From
	}
	return s.spec.Undo.Older[runs-2]
}

// rollbackDue returns when the way back to the current version has taken too long, or
// when a guard has kept back what gives relief for as long.
func (s *State) rollbackDue() (time.Time, bool) {
	d := s.spec.Undo.Deadline
	if d == 0 || s.phase != RollingBack {
		return time.Time{}, false
	}
	switch s.back.stage {
	case undoing, tasting, asking, recovering:
		return s.undoAt.Add(d), true
	case relieving, fallingBack:
		if !s.back.mitigating && len(s.holds) > 0 {
			return s.holds[0].Since.Add(d), true
		}
	}
	return time.Time{}, false
}

// outOfTime goes on where the way back has taken too long: down the chain, or, where
// only the proof is missing that all is well, to a human.
func (s *State) outOfTime() {
	b, d := &s.back, s.spec.Undo.Deadline
	switch b.stage {
	case relieving:
		b.fast = len(s.spec.Undo.Fast)
	case undoing, tasting:
		s.goDown(fmt.Sprintf("not undone within %v", d))
	case asking:
		s.giveUp(fmt.Sprintf("everything is undone, but the targets have not said what they run within %v", d))
	case recovering:
		s.giveUp(fmt.Sprintf("everything is back on %s, but the metrics have not shown that they have recovered within %v", s.version(), d))
	case fallingBack:
		b.fallback = len(s.spec.Undo.Fallback)
	}
}

// enterLink begins the way back to the current link's version.
func (s *State) enterLink() {
	b := &s.back
	b.stage, b.batches, b.undone, b.missed, b.again, b.astray = undoing, 0, 0, 0, false, nil
	s.undoAt = s.at
	s.fromTheTop()
}

// fromTheTop goes through the waves once more, from the newest.
func (s *State) fromTheTop() {
	s.batch = 0
	s.undoWave, s.undoNext = s.wave, min(s.last, s.bounds[s.wave+1]-1)
}

// goDown goes to the next version of the chain; after the last one it gives up.
func (s *State) goDown(why string) {
	if s.back.link >= len(s.spec.Undo.Older) {
		s.giveUp(why)
		return
	}
	s.back.stage, s.back.why = turning, why
}

// giveUp leaves versions alone: what remains is to give relief, and to call a human.
func (s *State) giveUp(why string) { s.back.stage, s.back.why = givingUp, why }

// advanceBack goes on to where the way back has got by now.
func (s *State) advanceBack() {
	for s.phase == RollingBack {
		b := &s.back
		was := b.stage
		switch b.stage {
		case relieving:
			if b.fast == len(s.spec.Undo.Fast) {
				s.enterLink()
			}
		case undoing:
			s.advanceUndo()
		case turning:
			if len(s.running) == 0 {
				b.link++
				s.unstick()
				s.enterLink()
			}
		case givingUp:
			if len(s.running) == 0 {
				b.stage = fallingBack
			}
		case fallingBack:
			if b.relieved != "" || b.fallback == len(s.spec.Undo.Fallback) {
				b.stage = paging
			}
		case paging:
			if b.paged || !s.spec.Undo.Page {
				s.end(RollbackIncomplete, s.incomplete())
				return
			}
		}
		if b.stage == was {
			return
		}
	}
}

// incomplete says why a rollback is, and what runs where as far as is known.
func (s *State) incomplete() string {
	why := s.back.why + ", after " + s.failure
	if name := s.back.relieved; name != "" {
		why += "; mitigated by " + name
	}
	const most = 5
	for i, a := range s.back.astray {
		if i == most {
			return why + fmt.Sprintf("; and %d more", len(s.back.astray)-most)
		}
		if a.Runs != "" {
			why += fmt.Sprintf("; %s runs %s", a.Step, a.Runs)
		} else {
			why += fmt.Sprintf("; %s does not say what it runs", a.Step)
		}
	}
	return why
}

// hopeless is how many undos of a link may fail before one succeeds, where there is
// another version to try.
const hopeless = 3

// mayUndo tells whether an undo may be in flight.
func (s *State) mayUndo() bool {
	return s.phase != RollingBack || s.back.stage == undoing || s.back.stage == relieving
}

// undoEnded takes in that an undo has ended, well or not.
func (s *State) undoEnded(ok bool) {
	b := &s.back
	if ok {
		b.undone++
	} else {
		b.missed++
	}
	if b.stage != undoing {
		return
	}
	if b.undone == 0 && b.missed >= hopeless && b.link < len(s.spec.Undo.Older) {
		s.goDown(fmt.Sprintf("%s could not be restored on any of the first %d targets", s.version(), b.missed))
		return
	}
	if s.undoing == 0 && s.batch >= s.batchSize() {
		s.endBatch()
	}
}

// batchSize is how many undos the current batch may have.
func (s *State) batchSize() int {
	if !s.spec.Undo.Ramp {
		return s.spec.Undo.Batch
	}
	return rollback.Ramp(s.back.batches, s.spec.Undo.Batch)
}

// endBatch lets the next batch begin; the first one that has restored a target is
// the canary of the way back.
func (s *State) endBatch() {
	s.batch = 0
	b := &s.back
	if b.undone == 0 {
		return
	}
	b.batches++
	if b.batches == 1 && s.spec.Undo.Canary {
		b.stage, b.measuring = tasting, s.at
	}
}

// undoJudged takes in what a gate on the way back has decided.
func (s *State) undoJudged(ev *Event) error {
	b := &s.back
	gate := s.recheck()
	switch {
	case ev.Decision == nil:
		return s.bad(ev, "it has no decision")
	case gate == "" || ev.Step != gate:
		return s.stale(ev)
	}
	failed, passed := false, false
	switch ev.Decision.Outcome {
	case analysis.Fail:
		failed = true
	case analysis.Pass:
		passed = true
	case analysis.Inconclusive, analysis.Error:
	default:
		return s.bad(ev, "it is not final: "+ev.Decision.Outcome.String())
	}
	switch {
	case b.stage == tasting && failed:
		s.goDown(fmt.Sprintf("%s made things worse on the first %s: %s", s.version(), targets(b.undone), ev.Decision.Reason))
	case b.stage == tasting:
		b.stage = undoing // with metrics or without
	case passed:
		s.endRollback()
	case failed:
		s.goDown(fmt.Sprintf("everything is back on %s, but the metrics have not recovered: %s", s.version(), ev.Decision.Reason))
	default:
		s.giveUp(fmt.Sprintf("everything is back on %s, but nobody knows whether the metrics have recovered: %s", s.version(), ev.Decision.Reason))
	}
	s.advance()
	return nil
}

// recheck names the gate that is waited for; empty for none.
func (s *State) recheck() string {
	switch {
	case s.phase != RollingBack:
	case s.back.stage == tasting:
		return CanaryGate
	case s.back.stage == recovering:
		return RecoveryGate
	}
	return ""
}

// surveyed takes in what the targets that were undone run. What is astray is undone
// once more, and only once.
func (s *State) surveyed(ev *Event) error {
	b := &s.back
	if s.phase != RollingBack || b.stage != asking {
		return s.stale(ev)
	}
	if ev.Survey == nil {
		return s.bad(ev, "it has no survey")
	}
	var astray []int32
	for _, a := range ev.Survey.Astray {
		i, ok := s.index[a.Step]
		if !ok {
			return s.bad(ev, "there is no step "+a.Step)
		}
		if s.steps[i].status == StepUndone {
			astray = append(astray, i)
		}
	}
	for _, i := range astray {
		s.set(i, StepAstray)
	}
	b.astray = ev.Survey.Astray
	if len(astray) > 0 && !b.again {
		b.again, b.stage = true, undoing
		s.fromTheTop()
	} else {
		s.endLink()
	}
	s.advance()
	return nil
}

// endLink ends the way back to one version: all of it is undone, or stuck.
func (s *State) endLink() {
	switch {
	case s.back.undone == 0 && s.back.missed > 0 && s.back.link < len(s.spec.Undo.Older):
		s.goDown(fmt.Sprintf("%s could not be restored on any of %d targets", s.version(), s.back.missed))
	case s.down+s.astray > 0:
		s.giveUp(fmt.Sprintf("%d of %d targets could not be undone", s.down+s.astray, len(s.steps)))
	case s.spec.Undo.Verify && s.last >= 0:
		s.back.stage, s.back.measuring = recovering, s.at
	default:
		s.endRollback()
	}
}

// endRollback ends a rollback that has undone, and verified, all that it was to.
func (s *State) endRollback() {
	if s.tallies[0].Exposed > 0 {
		s.end(Contained, fmt.Sprintf("%s; %d of %d targets keep %s", s.failure, s.tallies[0].Exposed, len(s.steps), s.spec.To))
		return
	}
	reason := s.failure
	if s.back.link > 0 {
		reason += "; back on " + s.version()
	}
	s.end(RolledBack, reason)
}

func targets(n int) string {
	if n == 1 {
		return "target"
	}
	return fmt.Sprintf("%d targets", n)
}
