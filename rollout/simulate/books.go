package simulate

import (
	"math"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// take keeps the books.
func (v *Invariants) take(ev *rollout.Event, b *stepBook) {
	switch ev.Kind {
	case rollout.Doing, rollout.Done, rollout.DoFailed, rollout.Undoing, rollout.Undone, rollout.UndoFailed:
		v.stepped(ev, b)
	case rollout.Resumed:
		v.cut = true
		if v.passed < len(v.left) && v.left[v.passed] == 0 {
			v.deployed = v.at
		}
	case rollout.Observed:
		if ev.Step == "" && ev.Check != nil {
			v.observed(ev)
		}
	case rollout.Judged:
		switch {
		case ev.Decision.Outcome == analysis.Pass:
			v.pass(max(v.passed, ev.Wave))
			v.skipUngated()
		case ev.Decision.Outcome == analysis.Fail:
			v.fail("a failed gate", ev.Wave-1)
		case v.spec.Waves[ev.Wave-1].OnDeadline != analysis.WaitAtDeadline && !ev.Decision.Blameless:
			v.fail("a gate without a verdict", ev.Wave-1)
		}
	case rollout.UndoJudged:
		switch {
		case ev.Decision.Outcome == analysis.Fail:
			v.badLink = max(v.badLink, v.link)
		case ev.Step == rollout.RecoveryGate && ev.Decision.Outcome == analysis.Pass:
			v.verified = true
		}
	case rollout.Surveyed:
		v.survey(ev.Survey)
	case rollout.Mitigating:
		v.back = true
		if ev.Step != rollout.PageName {
			v.mitigate = 1 + slices.Index(slices.Concat(v.spec.Undo.Fast, v.spec.Undo.Fallback), ev.Step)
		}
	case rollout.Breached:
		switch ev.Breach.Consequence {
		case guardrails.Rollback:
			v.fail("a breach", -1)
		case guardrails.Halt:
			v.halted = true
		case guardrails.Hold:
			v.holds = append(v.holds, heldBy{ev.Breach.Guard, ev.Breach.Cap})
		}
	case rollout.Cleared, rollout.Override:
		v.holds = slices.DeleteFunc(v.holds, func(h heldBy) bool { return h.guard == ev.Step })
	case rollout.Elapsed:
		v.fail("a deadline", -1)
	default:
		v.verb(ev)
	}
}

func (v *Invariants) verb(ev *rollout.Event) {
	switch ev.Kind {
	case rollout.Abort:
		v.stop("an abort")
		v.halted, v.back = false, false
	case rollout.RollBack:
		v.stop("a rollback")
		v.human = true
		if v.back {
			return // it goes on, and takes back more
		}
		// A human may try again what automation must not.
		v.back, v.mitigate, v.undone, v.badLink, v.strays = true, 0, 0, -1, 0
		v.surveyed, v.verified = false, false
	case rollout.Kill:
		v.halted = true
	case rollout.Reset:
		v.halted, v.reset, v.cut = false, true, true
	case rollout.Pause:
		v.paused = true
	case rollout.Resume:
		v.paused, v.reset, v.resumed = false, false, true
	case rollout.Approve:
		if v.passed < len(v.approved) {
			v.approved[v.passed] = true
		}
	}
}

func isDown(k rollout.Kind) bool {
	return k == rollout.Doing || k == rollout.DoFailed || k == rollout.Undoing || k == rollout.UndoFailed
}

func inFlight(k rollout.Kind) bool { return k == rollout.Doing || k == rollout.Undoing }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stepped takes in what became of a step.
func (v *Invariants) stepped(ev *rollout.Event, b *stepBook) {
	v.down += count(isDown(ev.Kind)) - count(isDown(b.kind))
	v.inFlight += count(inFlight(ev.Kind)) - count(inFlight(b.kind))
	b.kind = ev.Kind
	if ev.Kind == rollout.Undoing {
		v.cut = false
		if v.stopped != "" || v.excuse {
			v.undone++
			v.back = true
		}
	}
	settled := b.settled
	switch ev.Kind {
	case rollout.Doing:
		b.does++
		settled = false
		v.final = v.final || v.irreversible(ev.Step)
	case rollout.UndoFailed:
		if !v.rehearsed {
			v.rehearsed = true
			v.fail("a rehearsal that failed", int(b.wave))
		}
	case rollout.Done, rollout.DoFailed:
		settled = true
		if ev.Kind == rollout.DoFailed {
			v.doFailed(b)
		}
		if b.does-v.anew == 2 || ev.Kind == rollout.DoFailed {
			v.rehearsed = true
		}
	case rollout.Undone:
		v.surveyed, v.verified = false, false
		if !v.rehearsed {
			settled = false
			timed := v.spec.Undo.RTO > 0
			v.excuse = v.excuse || (timed && !v.cut) // it may have taken too long
			v.anew += count(timed && v.cut)
		}
	}
	if settled != b.settled {
		b.settled = settled
		v.left[b.wave] += count(!settled) - count(settled)
	}
	if ev.Kind == rollout.Done || ev.Kind == rollout.DoFailed {
		if v.left[b.wave] == 0 {
			v.deployed = v.at
		}
		v.skipUngated()
	}
}

// observed takes in what a check has seen of the current wave.
func (v *Invariants) observed(ev *rollout.Event) {
	w := ev.Wave - 1
	if w != v.passed || w >= len(v.needs) {
		return
	}
	for i, n := range v.needs[w] {
		if n.check != ev.Check.Name {
			continue
		}
		for len(v.seen) <= i {
			v.seen = append(v.seen, sight{})
		}
		o := &ev.Check.Observation
		if o.Err == "" && finite(o.Canary) {
			v.seen[i] = sight{good: o.At}
		} else {
			v.seen[i].bad = true
		}
	}
}

// finite tells whether there is data in a sample.
func finite(s analysis.Sample) bool {
	switch s.Kind {
	case analysis.CountKind, analysis.BucketKind:
		return s.Total > 0
	case analysis.ValueKind:
		return !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0)
	}
	return false
}

// survey takes in what the targets said that they run.
func (v *Invariants) survey(survey *rollout.Survey) {
	v.surveyed = true
	for i := range v.steps {
		if v.steps[i].kind == rollout.Undone {
			v.steps[i].drifted = false // somebody has looked
		}
	}
	astray := false
	for _, a := range survey.Astray {
		b := v.step(a.Step)
		if b == nil {
			continue
		}
		astray = astray || b.kind == rollout.Undone
		if a.Runs == "" {
			b.drifted = true // it did not say
		}
	}
	v.strays += count(astray)
}

func (v *Invariants) stop(why string) {
	if v.stopped == "" {
		v.stopped, v.resumed = why, false
	}
	v.holds = v.holds[:0]
}

func (v *Invariants) pass(waves int) {
	v.passed, v.seen, v.deployed = waves, v.seen[:0], time.Time{}
}

// fail takes in a reason to take the change back, or to freeze where it cannot be: one
// of a wave (from 0), whose failure domains must be taken back, or of everything (-1).
func (v *Invariants) fail(why string, wave int) {
	if v.stopped == "" {
		for i := range v.steps {
			if b := &v.steps[i]; wave >= 0 && int(b.wave) == wave && b.does > 0 {
				v.scope = append(v.scope, b.domain)
			}
		}
		v.halted = v.halted || v.final || v.spec.OnFailure == rollout.Freeze
		v.back = !v.halted
	}
	v.stop(why)
}

// doFailed takes in that a step failed: it may be one too many.
func (v *Invariants) doFailed(b *stepBook) {
	v.failed[b.wave]++
	v.failures++
	switch {
	case v.failed[b.wave] > v.spec.WaveFailures, v.failures > v.spec.Failures:
		v.fail("failed steps beyond the budget", int(b.wave))
	case v.failed[b.wave] == len(v.spec.Waves[b.wave].Steps):
		v.fail("a wave of failed steps", int(b.wave))
	case v.spec.MaxDown > 0 && v.failures >= v.spec.MaxDown:
		v.excuse = true // if anything is left to do
	case v.spec.Undo.Rehearse && !v.rehearsed:
		v.fail("a rehearsal that failed", int(b.wave))
	}
}

// skipUngated counts waves without a gate as passed once they are through.
func (v *Invariants) skipUngated() {
	for v.passed < len(v.left) && v.spec.Waves[v.passed].Ungated != "" && v.left[v.passed] == 0 {
		v.pass(v.passed + 1)
	}
}
