package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// baker asks the checks of the current wave's gate, again and again, and judges
// what they saw. It belongs to the loop; only the asking is done elsewhere.
type baker struct {
	e      *engine
	evals  map[*analysis.Gate]*analysis.Evaluation
	wave   int // from 0; -1 before the first
	gate   *analysis.Gate
	eval   *analysis.Evaluation
	asks   []ask // by check of the gate
	asked  map[*analysis.Gate][]ask
	baking bool      // the wave is deployed
	since  time.Time // when it was, as the evaluation knows
	next   time.Time // zero: look at once
	// last says that the deadline has passed and one last round was asked.
	last bool
}

// ask is the state of one check's questions. A source is asked one at a time,
// also when a wave ends before the answer is there.
type ask struct {
	busy  bool
	late  bool      // the gate goes on without the answer
	since time.Time // it was asked
	seen  time.Time // end of the newest window that was answered
}

// saw takes note of an answer about the time up to at. A source that answers
// with what it has said before does not turn time back.
func (a *ask) saw(o analysis.Observation) {
	if o.Err == "" && o.At.After(a.seen) {
		a.seen = o.At
	}
}

// patience is how much longer than its timeout a source may take before the
// gate goes on without its answer.
const patience = time.Second

func newBaker(e *engine) *baker {
	return &baker{e: e, wave: -1, evals: make(map[*analysis.Gate]*analysis.Evaluation), asked: make(map[*analysis.Gate][]ask)}
}

// follow keeps the evaluation in step with the state: which wave, and whether
// it bakes. It is called after every event, so that a journal that is replayed
// leads to the same evaluation.
func (b *baker) follow() {
	s := &b.e.state
	if s.spec == nil || s.wave >= len(s.spec.Waves) {
		return
	}
	if b.wave != s.wave {
		b.enter(s.wave)
	}
	if b.eval != nil && !b.since.Equal(s.deployedAt) {
		b.since, b.baking = s.deployedAt, !s.deployedAt.IsZero()
		b.eval.Deployed(s.deployedAt)
		b.next, b.last = time.Time{}, false // look at once
	}
}

func (b *baker) enter(wave int) {
	b.wave, b.gate, b.eval, b.asks = wave, nil, nil, nil
	b.baking, b.since, b.next, b.last = false, time.Time{}, time.Time{}, false
	if b.e.state.spec.Waves[wave].Ungated != "" {
		return
	}
	if b.gate = b.e.gate(wave); b.gate == nil {
		return
	}
	if b.evals[b.gate] == nil {
		b.evals[b.gate], b.asked[b.gate] = b.begin(), make([]ask, len(b.gate.Checks))
	}
	b.eval, b.asks = b.evals[b.gate], b.asked[b.gate]
	b.eval.Enter(wave+1, b.e.state.enteredAt)
	if !slices.ContainsFunc(b.later(wave), func(g *analysis.Gate) bool { return g == b.gate }) {
		b.eval.LastWave()
	}
	for i := range b.asks {
		b.asks[i].seen, b.asks[i].late = b.e.state.enteredAt, false
	}
}

// begin starts the evaluation of the current gate, with its share of the error
// rate when the plan has several gates.
func (b *baker) begin() *analysis.Evaluation {
	distinct := make(map[*analysis.Gate]bool)
	for _, g := range b.e.compiled.gates {
		if g != nil {
			distinct[g] = true
		}
	}
	g := *b.gate
	g.Alpha = orDefault(g.Alpha, analysis.DefaultAlpha) / float64(max(1, len(distinct)))
	eval := g.Begin()
	for _, c := range b.e.state.spec.Checks {
		if b.e.gate(c.Wave-1) == b.gate {
			eval.Start(c.Checks)
		}
	}
	return eval
}

// later are the gates of the waves after one.
func (b *baker) later(wave int) (gates []*analysis.Gate) {
	for w := wave + 1; w < len(b.e.state.spec.Waves); w++ {
		if b.e.state.spec.Waves[w].Ungated == "" {
			gates = append(gates, b.e.gate(w))
		}
	}
	return gates
}

// replay judges again what an earlier runner saw.
func (b *baker) replay(record *CheckRecord) {
	if b.eval == nil {
		return
	}
	for i, c := range b.gate.Checks {
		if c.Name == record.Name {
			b.eval.Observe(i, record.Observation)
			b.asks[i].saw(record.Observation)
		}
	}
}

// keep asks what is due while that is wanted, and returns when to look again.
func (b *baker) keep(wanted bool) (next time.Time) {
	if !wanted || b.eval == nil {
		return time.Time{}
	}
	// Questions are put by tick, which a clock that is set back does not put off.
	at, tick := now(), time.Now()
	if wave := b.wave; b.giveUp(tick) && (b.wave != wave || !b.e.forward()) {
		return at // that decided the wave: ask the core what it wants now
	}
	if deadline := b.deadline(); !b.last && b.baking && !at.Before(deadline) {
		b.last, b.next = true, tick
	}
	if !tick.Before(b.next) {
		end := at
		if b.baking && b.next.IsZero() {
			end = b.since // the mark from which the bake's own data counts
		}
		b.askAll(tick, end)
		b.next = tick.Add(b.gate.Every())
	}
	next = b.next
	if b.baking && !b.last {
		next = earlier(next, b.deadline())
	}
	for i, a := range b.asks {
		if a.busy && !a.late {
			next = earlier(next, a.since.Add(b.timeout(i)+patience))
		}
	}
	// A pass may only wait for the shortest bake to be over.
	if least := b.e.state.deployedAt.Add(b.gate.Bake.AtLeast); b.baking && at.Before(least) {
		next = earlier(next, least)
	} else if b.baking {
		b.decide(at)
	}
	return next
}

func (b *baker) deadline() time.Time { return b.e.state.deployedAt.Add(b.gate.Deadline()) }

func (b *baker) timeout(check int) time.Duration {
	return orDefault(b.gate.Checks[check].Timeout, max(b.gate.Every(), analysis.MinTimeout))
}

// askAll asks every check that is not still busy with the question before.
func (b *baker) askAll(tick, end time.Time) {
	canary, baseline := b.e.arms()
	if len(canary.Members) == 0 {
		return // nothing is deployed yet
	}
	for i := range b.gate.Checks {
		a := &b.asks[i]
		if a.busy {
			continue
		}
		check := b.gate.Checks[i]
		w := analysis.Window{Start: a.seen, End: end, Wave: b.wave + 1, Canary: canary, Baseline: baseline}
		if check.Window > 0 {
			w.Start = end.Add(-check.Window)
		}
		a.busy, a.late, a.since = true, false, tick
		gate, wave, limit := b.gate, b.wave, b.timeout(i)
		b.e.helpers.Go(func() {
			ctx, cancel := context.WithTimeoutCause(b.e.base, limit, fmt.Errorf("no answer within %v", limit))
			defer cancel()
			o := observeOnce(ctx, check.Source, w)
			if o.Share == 0 {
				o.Share = w.Share()
			}
			b.e.post(func() { b.answer(gate, wave, i, o) })
		})
	}
}

// observeOnce asks a source once; whatever goes wrong becomes an observation of
// nothing.
func observeOnce(ctx context.Context, source analysis.Source, w analysis.Window) (o analysis.Observation) {
	defer func() {
		if p := recover(); p != nil {
			o = analysis.Observation{At: w.End, Err: fmt.Sprintf("the source panicked: %v", p)}
		}
	}()
	o, err := source.Observe(ctx, w)
	if err = because(ctx, err); err != nil {
		return analysis.Observation{At: w.End, Err: brief(err)}
	}
	if o.At.IsZero() || o.At.After(w.End) {
		o.At = w.End // nothing later was asked about
	}
	return o
}

// giveUp goes on without the answers that are overdue. Such a source is still
// at it: it is not asked again before it has answered.
func (b *baker) giveUp(tick time.Time) (gaveUp bool) {
	for wave, i := b.wave, 0; wave == b.wave && i < len(b.asks); i++ {
		a := &b.asks[i]
		if limit := b.timeout(i); a.busy && !a.late && !tick.Before(a.since.Add(limit+patience)) {
			a.late, gaveUp = true, true
			b.take(i, analysis.Observation{At: now(), Err: fmt.Sprintf("the source did not answer within %v", limit)})
		}
	}
	return gaveUp
}

// answer takes in a source's answer. One about a wave that is over says nothing
// of this one.
func (b *baker) answer(gate *analysis.Gate, wave, check int, o analysis.Observation) {
	b.asked[gate][check].busy = false
	if wave == b.wave && b.eval != nil {
		b.take(check, o)
	}
}

// take judges what a check saw.
func (b *baker) take(check int, o analysis.Observation) {
	b.asks[check].saw(o)
	verdict := b.eval.Observe(check, o)
	b.e.record(Event{Kind: Observed, Wave: b.wave + 1, Check: &CheckRecord{Name: b.gate.Checks[check].Name, Observation: o, Verdict: verdict}})
	b.decide(now())
}

// decide records the gate's decision once it is final. At the deadline it waits
// for the answers to the last round.
func (b *baker) decide(at time.Time) {
	if b.eval == nil || !b.e.forward() || b.e.state.failure != "" {
		return
	}
	if deadline := b.deadline(); b.baking && !at.Before(deadline) && !(b.last && b.answered()) {
		at = deadline.Add(-1)
	}
	d := b.eval.Decide(at)
	if d.Outcome == analysis.Undecided {
		return
	}
	if d.Outcome == analysis.Inconclusive || d.Outcome == analysis.Error {
		if b.e.state.held("gate") {
			return
		}
	}
	b.e.record(Event{Kind: Judged, Wave: b.wave + 1, Decision: &d})
}

// answered tells whether every check has answered, or was given up on.
func (b *baker) answered() bool {
	return !slices.ContainsFunc(b.asks, func(a ask) bool { return a.busy && !a.late })
}

// arms returns who runs the new version for sure, and who surely runs the old
// one; those in between belong to neither.
func (e *engine) arms() (canary, baseline analysis.Arm) {
	s := &e.state
	canary.Version, baseline.Version = s.spec.To, s.spec.From
	for i := range s.steps {
		st := &s.steps[i]
		t := e.steps.units[i].target
		switch st.status {
		case StepDone:
			canary.Members = append(canary.Members, analysis.Member{Name: t.Name, Labels: t.Labels, Since: st.since, Weight: t.Weight})
		case StepPending:
			baseline.Members = append(baseline.Members, analysis.Member{Name: t.Name, Labels: t.Labels, Since: s.startedAt, Weight: t.Weight})
		}
	}
	return canary, baseline
}
