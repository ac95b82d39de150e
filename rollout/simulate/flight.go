package simulate

import (
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// flight is an effect in flight.
type flight struct {
	r       *runner
	effect  rollout.Effect
	version string // that it puts on its target
	round   uint64 // that last wanted it
	outcome Outcome

	launched  bool
	cancelled bool // it was not wanted any more
	expired   bool // its time was over
	finished  bool // it has ended, and its runner is to learn of it
	left      bool // behind: it was reported as failed, and is still at it
	orphan    bool // its runner is dead, or has lost its lease
	zombie    bool // and it takes effect all the same
	over      bool
	returns   time.Duration // when it is over, of one that was left behind
}

func (f *flight) isStep() bool {
	return f.effect.Kind == rollout.DoStep || f.effect.Kind == rollout.UndoStep
}

// flightOf returns the flight of an effect, nil for none.
func (r *runner) flightOf(e *rollout.Effect) *flight {
	if e.Kind == rollout.DoStep || e.Kind == rollout.UndoStep {
		return r.slots[e.Index]
	}
	for _, f := range r.flights {
		if f.effect.Kind == e.Kind && f.effect.Step == e.Step && f.effect.Link == e.Link {
			return f
		}
	}
	return nil
}

// start records that effects begin, those that guards let begin, and gets them ready.
func (r *runner) start(fresh []rollout.Effect) {
	admitted, breach := r.watch.admit(fresh)
	for i := range admitted {
		e := fresh[i]
		kind := rollout.Unknown
		switch e.Kind {
		case rollout.DoStep:
			kind = rollout.Doing
		case rollout.UndoStep:
			kind = rollout.Undoing
		case rollout.Mitigate:
			kind = rollout.Mitigating
		}
		if kind != rollout.Unknown && !e.Begun && !r.record(rollout.Event{Kind: kind, Step: e.Step}) {
			continue
		}
		f := &flight{r: r, effect: e, round: r.round, version: r.s.spec.To}
		if e.Kind == rollout.UndoStep {
			f.version = orDefault(e.Version, r.s.spec.From)
		}
		r.flights = append(r.flights, f)
		if f.isStep() {
			r.slots[e.Index] = f
			r.steps++
		}
		r.ready = append(r.ready, f)
	}
	if breach != nil && r.record(rollout.Event{Kind: rollout.Breached, Breach: breach}) {
		r.stale = true
	}
}

// launch starts what is ready: its beginning is durable.
func (r *runner) launch() {
	s := r.s
	if r.epoch < s.epoch {
		r.die("it finds that it has lost its lease")
		return
	}
	ready := r.ready
	r.ready = nil
	for _, f := range ready {
		phase := r.state.Phase()
		if phase == rollout.Halted || (phase == rollout.RollingBack && f.effect.Kind == rollout.DoStep) {
			r.drop(f) // a guard has said no together with its beginning
			r.stale = true
			continue
		}
		f.launched = true
		if err := s.books.Begin(f.effect, r.epoch); err != nil {
			s.fail(err)
			return
		}
		r.fly(f)
	}
	if r.ready == nil {
		r.ready = ready[:0]
	}
}

// drop takes a flight off the list.
func (r *runner) drop(f *flight) {
	f.over = true
	r.s.books.Over(f.effect, r.epoch)
	for i, other := range r.flights {
		if other == f {
			end := len(r.flights) - 1
			r.flights[i] = r.flights[end]
			r.flights[end] = nil
			r.flights = r.flights[:end]
			break
		}
	}
	if f.isStep() && r.slots[f.effect.Index] == f {
		r.slots[f.effect.Index] = nil
		r.steps--
	}
}

// fly lets an effect take its course.
func (r *runner) fly(f *flight) {
	s := r.s
	limit := s.timeout
	switch f.effect.Kind {
	case rollout.DoStep:
		f.outcome = s.deploys(f.effect.Step)
	case rollout.UndoStep:
		f.outcome, limit = s.undoes(f.effect.Step), s.undoIn
	case rollout.Mitigate:
		f.outcome, limit = s.mitigates(f.effect.Step), time.Minute
	case rollout.AskAll:
		f.outcome = Outcome{Takes: s.upTo(5 * time.Second)}
	case rollout.Recheck:
		r.recheck(f)
		return
	}
	if f.outcome.Hangs || f.outcome.Late > 0 || f.outcome.Takes > limit {
		s.at(limit, func() {
			if !f.cancelled {
				f.expired = true
				r.expire(f)
			}
		})
		return
	}
	s.at(f.outcome.Takes, func() {
		if !f.cancelled {
			r.finish(f)
		}
	})
}

// cancel ends an effect that is not wanted any more.
func (r *runner) cancel(f *flight) {
	f.cancelled = true
	s := r.s
	switch {
	case f.expired || f.finished:
	case !f.isStep() && f.effect.Kind != rollout.Mitigate:
		r.drop(f)
	case !f.launched || f.over:
	case f.outcome.Late > 0:
		r.expire(f)
	case f.outcome.Hangs:
		s.at(s.upTo(5*time.Second), func() { r.finish(f) })
	default:
		// It ends a little later, and may have taken effect.
		f.outcome = Outcome{Err: "cancelled", Effect: s.rand.IntN(2) == 0}
		if s.rand.IntN(4) == 0 {
			f.outcome = Outcome{} // it made it after all
		}
		s.at(s.upTo(5*time.Second), func() { r.finish(f) })
	}
}

// land has a step take effect on its target.
func (s *sim) land(f *flight) bool {
	if !f.isStep() || (f.orphan && !f.zombie) {
		return true
	}
	return s.put(int32(f.effect.Index), f.version, f.r.epoch)
}

// finish is the end of an effect: what it did takes effect, and its runner learns how
// it came out.
func (r *runner) finish(f *flight) {
	s := r.s
	if f.over || f.finished {
		return
	}
	why := f.outcome.Err
	if f.outcome.Hangs && why == "" {
		why = "it hung"
	}
	if (why == "" || f.outcome.Effect) && !s.land(f) && why == "" {
		why = "the target cannot be reached, or refuses"
	}
	if f.orphan {
		f.finished = true
		r.deliver(func() { // it still thinks that it counts
			r.drop(f)
			r.report(f, why)
		})
		return
	}
	if s.hit(CrashAfterAct) {
		f.over = true
		r.die("it dies before it knows what became of %s", f.effect.Key())
		return
	}
	if why == "" && r.waitForDeaf(f) {
		return
	}
	f.finished = true
	r.deliver(func() {
		r.drop(f)
		if why != "" && f.cancelled && f.round == r.round {
			return // a halt cancelled it, and it is wanted again since: it begins again
		}
		r.report(f, why)
	})
}

// report records how an effect came out.
func (r *runner) report(f *flight, why string) {
	ev := rollout.Event{Step: f.effect.Step, Reason: why, Attempts: 1}
	ok := why == ""
	switch f.effect.Kind {
	case rollout.DoStep:
		ev.Kind = either(ok, rollout.Done, rollout.DoFailed)
	case rollout.UndoStep:
		ev.Kind = either(ok, rollout.Undone, rollout.UndoFailed)
	case rollout.Mitigate:
		ev.Kind, ev.Attempts = either(ok, rollout.Mitigated, rollout.MitigateFailed), 0
	case rollout.AskAll:
		ev = rollout.Event{Kind: rollout.Surveyed, Survey: r.survey(&f.effect)}
	}
	r.record(ev)
}

func either(ok bool, yes, no rollout.Kind) rollout.Kind {
	if ok {
		return yes
	}
	return no
}
