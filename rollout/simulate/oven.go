package simulate

import (
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// oven asks the checks of the current wave's gate, and judges what they saw, as the
// real runner does; or it has the model decide, where there is no real gate.
type oven struct {
	r      *runner
	wave   int // from 0; -1 before the first
	gate   *analysis.Gate
	eval   *analysis.Evaluation
	evals  map[*analysis.Gate]*analysis.Evaluation
	seen   []time.Time // by check: the end of the newest window that was answered
	baking bool        // the wave is deployed
	since  time.Time   // when it was
	next   time.Time   // round; zero for at once
	last   bool        // the deadline has passed, and one last round was asked
	asking bool        // a round is in the inbox

	// For a gate that is not real.
	on    bool
	round int // of what was scheduled; what is of an older one is void
}

// follow keeps the evaluation in step with the state, as an event was taken in.
func (o *oven) follow(ev *rollout.Event, replay bool) {
	r := o.r
	wave := r.state.Wave() - 1
	if wave != o.wave {
		o.enter(wave)
	}
	if r.state.Phase() == rollout.Gating && (!o.baking || ev.Kind == rollout.Resumed) {
		o.baking, o.since, o.next, o.last = true, r.newest, time.Time{}, false
		if o.eval != nil {
			o.eval.Deployed(r.newest)
		}
		o.on = false
	}
	if replay && ev.Kind == rollout.Observed && ev.Step == "" && o.eval != nil {
		for i := range o.gate.Checks {
			if o.gate.Checks[i].Name == ev.Check.Name {
				o.eval.Observe(i, ev.Check.Observation)
				o.saw(i, &ev.Check.Observation)
			}
		}
	}
}

func (o *oven) saw(check int, seen *analysis.Observation) {
	if seen.Err == "" && seen.At.After(o.seen[check]) {
		o.seen[check] = seen.At
	}
}

func (o *oven) enter(wave int) {
	s := o.r.s
	o.wave, o.gate, o.eval, o.on = wave, nil, nil, false
	o.baking, o.since, o.next, o.last = false, time.Time{}, time.Time{}, false
	if wave < 0 || s.gates[wave] == nil {
		return
	}
	o.gate = s.gates[wave]
	if o.eval = o.evals[o.gate]; o.eval == nil {
		gate := *o.gate
		gate.Alpha = orDefault(gate.Alpha, analysis.DefaultAlpha) / float64(s.shares)
		o.eval = gate.Begin()
		if o.evals == nil {
			o.evals = make(map[*analysis.Gate]*analysis.Evaluation)
		}
		o.evals[o.gate] = o.eval
	}
	o.eval.Enter(wave+1, o.r.newest)
	last := true
	for _, later := range s.gates[wave+1:] {
		last = last && later != o.gate
	}
	if last {
		o.eval.LastWave()
	}
	o.seen = o.seen[:0]
	for range o.gate.Checks {
		o.seen = append(o.seen, o.r.newest)
	}
}

// keep asks what is due while that is wanted.
func (o *oven) keep(wanted bool) {
	r := o.r
	switch {
	case !wanted:
		o.on = false
		o.round++
	case o.eval == nil:
		if !o.on {
			o.on = true
			o.round++
			o.script(o.round)
		}
	case r.state.Failure() != "": // it is decided already
	default:
		at := r.s.clock()
		if due := o.due(at); at.Before(due) {
			r.setAlarm(since(due) - r.s.skew)
		} else if !o.asking {
			o.asking = true
			r.inbox = append(r.inbox, o.ask)
		}
	}
}

// due is when to look again.
func (o *oven) due(at time.Time) time.Time {
	due := o.next
	if !o.baking {
		return due
	}
	if deadline := o.since.Add(o.gate.Deadline()); !o.last && deadline.Before(due) {
		due = deadline
	}
	if least := o.since.Add(o.gate.Bake.AtLeast); at.Before(least) && least.Before(due) {
		due = least // a pass may only wait for that
	}
	return due
}

// ask asks every check, when that is due, and decides.
func (o *oven) ask() {
	r, s := o.r, o.r.s
	o.asking = false
	if phase := r.state.Phase(); o.eval == nil || r.state.Failure() != "" || (phase != rollout.Deploying && phase != rollout.Gating) {
		return
	}
	at, wave := s.clock(), o.wave
	if deadline := o.since.Add(o.gate.Deadline()); o.baking && !o.last && !at.Before(deadline) {
		o.last, o.next = true, at
	}
	if !at.Before(o.next) {
		end := at
		if o.baking && o.next.IsZero() {
			end = o.since // the mark from which the bake's own data counts
		}
		o.next = at.Add(o.gate.Every())
		if !o.look(end) || o.wave != wave {
			return
		}
	}
	d := o.eval.Decide(at)
	switch d.Outcome {
	case analysis.Undecided:
		return
	case analysis.Inconclusive, analysis.Error:
		if held(r.state, "gate") {
			return
		}
	}
	r.record(rollout.Event{Kind: rollout.Judged, Wave: o.wave + 1, Decision: &d})
}

// look has every check see what there is to see. It is false when nothing is deployed
// yet.
func (o *oven) look(end time.Time) bool {
	r, s := o.r, o.r.s
	look := Look{Wave: o.wave + 1, End: end, s: s, canary: armDone, baseline: armPending, arms: r.arms}
	if !look.Canary().Any() {
		return false
	}
	for i := range o.gate.Checks {
		c := &o.gate.Checks[i]
		look.Check, look.Start = c.Name, o.seen[i]
		if c.Window > 0 {
			look.Start = end.Add(-c.Window)
		}
		seen := s.see(&look)
		o.saw(i, &seen)
		verdict := o.eval.Observe(i, seen)
		r.record(rollout.Event{Kind: rollout.Observed, Wave: o.wave + 1, Check: &rollout.CheckRecord{Name: c.Name, Observation: seen, Verdict: verdict}})
	}
	return true
}

func held(s *rollout.State, key string) bool {
	for h := range s.Holds() {
		if h.Key == key {
			return true
		}
	}
	return false
}

// script has the model decide: once a second whether the gate fails already, while the
// wave is being deployed, and then what it decides.
func (o *oven) script(round int) {
	r, s := o.r, o.r.s
	judge := func(outcome analysis.Outcome) {
		r.record(rollout.Event{Kind: rollout.Judged, Wave: o.wave + 1, Decision: &analysis.Decision{Outcome: outcome, Reason: "the model says so"}})
	}
	if !o.baking {
		if s.world.Looks == nil && s.world.Faults[GateEarly] == 0 {
			return // it is kept again once the wave is deployed
		}
		s.pollAt(time.Second, func() {
			if o.round != round || r.gone {
				return
			}
			if (s.world.Looks != nil && s.world.Looks(s.rand, o.wave+1)) || s.hit(GateEarly) {
				r.deliver(func() {
					if o.round == round {
						judge(analysis.Fail)
					}
				})
			}
			if o.round == round {
				o.script(round)
			}
		})
		return
	}
	ruling := Ruling{After: time.Minute, Outcome: analysis.Pass}
	if s.world.Gate != nil {
		ruling = s.world.Gate(s.rand, o.wave+1)
	}
	ruling = s.overrule(ruling)
	if ruling.Outcome == analysis.Undecided {
		return
	}
	s.at(ruling.After, func() {
		r.deliver(func() {
			if o.round == round {
				judge(ruling.Outcome)
			}
		})
	})
}

// overrule lets a gate that is not real go wrong.
func (s *sim) overrule(ruling Ruling) Ruling {
	switch {
	case s.hit(GateFails):
		ruling.Outcome = analysis.Fail
	case s.hit(GateUndecided):
		ruling.Outcome = [...]analysis.Outcome{analysis.Inconclusive, analysis.Error}[s.rand.IntN(2)]
	}
	return ruling
}
