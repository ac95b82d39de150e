package simulate

import (
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// recheck asks a gate on the way back until it has decided.
func (r *runner) recheck(f *flight) {
	s := r.s
	gate, baseline := s.verify, armPending
	if f.effect.Step == rollout.CanaryGate {
		gate, baseline = s.canary, armDone
	}
	if len(gate.Checks) == 0 {
		ruling := Ruling{After: time.Minute, Outcome: analysis.Pass}
		if s.world.Recheck != nil {
			ruling = s.world.Recheck(s.rand, f.effect.Step)
		}
		if ruling = s.overrule(ruling); ruling.Outcome != analysis.Undecided {
			s.at(ruling.After, func() {
				r.judgeBack(f, &analysis.Decision{Outcome: ruling.Outcome, Reason: "the model says so"})
			})
		}
		return
	}
	b := &backCheck{r: r, f: f, gate: gate, eval: gate.Begin(), seen: s.clock(), baseline: baseline}
	b.eval.Enter(1, b.seen)
	b.eval.Deployed(b.seen)
	b.eval.LastWave()
	s.at(gate.Every(), b.turn)
}

// judgeBack records what a gate on the way back has decided.
func (r *runner) judgeBack(f *flight, d *analysis.Decision) {
	r.deliver(func() {
		if f.over || f.cancelled {
			return
		}
		r.drop(f)
		r.record(rollout.Event{Kind: rollout.UndoJudged, Step: f.effect.Step, Decision: d})
	})
}

// backCheck is one real gate on the way back.
type backCheck struct {
	r        *runner
	f        *flight
	gate     analysis.Gate
	eval     *analysis.Evaluation
	seen     time.Time
	baseline arm
}

func (b *backCheck) turn() {
	b.r.deliver(func() {
		r, s := b.r, b.r.s
		if b.f.over || b.f.cancelled {
			return
		}
		at := s.clock()
		look := Look{Gate: b.f.effect.Step, Start: b.seen, End: at, s: s, canary: armUndone, baseline: b.baseline, arms: r.arms}
		for i := range b.gate.Checks {
			look.Check = b.gate.Checks[i].Name
			seen := s.see(&look)
			verdict := b.eval.Observe(i, seen)
			r.record(rollout.Event{
				Kind: rollout.Observed, Wave: r.state.Wave(), Step: look.Gate,
				Check: &rollout.CheckRecord{Name: look.Check, Observation: seen, Verdict: verdict},
			})
		}
		b.seen = at
		if d := b.eval.Decide(at); d.Outcome != analysis.Undecided {
			r.judgeBack(b.f, &d)
			return
		}
		s.at(b.gate.Every(), b.turn)
	})
}
