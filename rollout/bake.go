package rollout

import (
	"context"
	"fmt"
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
	asks   []ask     // by check
	baking bool      // the wave is deployed
	since  time.Time // when it was, as the evaluation knows
	next   time.Time // zero: look at once
	// last says that the deadline has passed and one last round was asked.
	last bool
}

// ask is the state of one check's questions.
type ask struct {
	busy   bool
	number int       // of the question, to tell a late answer
	since  time.Time // it was asked
	seen   time.Time // end of the newest window that was asked about
}

// patience is how much longer than its timeout a source may take before the
// gate goes on without its answer.
const patience = time.Second

func newBaker(e *engine) *baker {
	return &baker{e: e, wave: -1, evals: make(map[*analysis.Gate]*analysis.Evaluation)}
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
	b.wave, b.gate, b.eval = wave, nil, nil
	b.baking, b.since, b.next, b.last = false, time.Time{}, time.Time{}, false
	if b.e.state.spec.Waves[wave].Ungated != "" {
		return
	}
	if b.gate = b.e.gate(wave); b.gate == nil {
		return
	}
	if b.evals[b.gate] == nil {
		b.evals[b.gate] = b.begin()
	}
	b.eval = b.evals[b.gate]
	b.eval.Enter(wave+1, b.e.state.enteredAt)
	b.asks = make([]ask, len(b.gate.Checks))
	for i := range b.asks {
		b.asks[i].seen = b.e.state.enteredAt
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
	return g.Begin()
}

// replay judges again what an earlier runner saw.
func (b *baker) replay(record *CheckRecord) {
	if b.eval == nil {
		return
	}
	for i, c := range b.gate.Checks {
		if c.Name == record.Name {
			b.eval.Observe(i, record.Observation)
			b.asks[i].seen = record.Observation.At
		}
	}
}

// keep asks what is due while that is wanted, and returns when to look again.
func (b *baker) keep(wanted bool) (next time.Time) {
	if !wanted || b.eval == nil {
		return time.Time{}
	}
	at := now()
	b.giveUp(at)
	if deadline := b.deadline(); !b.last && b.baking && !at.Before(deadline) {
		b.last, b.next = true, at
	}
	if !at.Before(b.next) {
		end := at
		if b.baking && b.next.IsZero() {
			end = b.since // the mark from which the bake's own data counts
		}
		b.askAll(at, end)
		b.next = at.Add(b.gate.Every())
	}
	next = b.next
	if b.baking && !b.last {
		next = earlier(next, b.deadline())
	}
	for i, a := range b.asks {
		if a.busy {
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
	return orDefault(b.gate.Checks[check].Timeout, b.gate.Every())
}

// askAll asks every check that is not still busy with the question before.
func (b *baker) askAll(at, end time.Time) {
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
		a.busy, a.since, a.number = true, at, a.number+1
		number, wave, limit := a.number, b.wave, b.timeout(i)
		b.e.helpers.Go(func() {
			ctx, cancel := context.WithTimeoutCause(b.e.base, limit, fmt.Errorf("no answer within %v", limit))
			defer cancel()
			o := observeOnce(ctx, check.Source, w)
			b.e.post(func() { b.answer(wave, i, number, o) })
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
	if o.At.IsZero() {
		o.At = w.End
	}
	return o
}

// giveUp goes on without the answers that are overdue.
func (b *baker) giveUp(at time.Time) {
	for i := range b.asks {
		a := &b.asks[i]
		if limit := b.timeout(i); a.busy && !at.Before(a.since.Add(limit+patience)) {
			b.answer(b.wave, i, a.number, analysis.Observation{At: at, Err: fmt.Sprintf("the source did not answer within %v", limit)})
			a.busy = true // it is still at it: do not ask it again
			a.since = at
		}
	}
}

// answer takes in what a check saw.
func (b *baker) answer(wave, check, number int, o analysis.Observation) {
	if wave != b.wave || number != b.asks[check].number || b.eval == nil {
		return
	}
	b.asks[check].busy = false
	if o.Err == "" {
		b.asks[check].seen = o.At
	}
	verdict := b.eval.Observe(check, o)
	b.e.record(Event{Kind: Observed, Wave: wave + 1, Check: &CheckRecord{Name: b.gate.Checks[check].Name, Observation: o, Verdict: verdict}})
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
	for i := range b.asks {
		if a := &b.asks[i]; a.busy && now().Before(a.since.Add(b.timeout(i)+patience)) {
			return false
		}
	}
	return true
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
			canary.Members = append(canary.Members, analysis.Member{Name: t.Name, Labels: t.Labels, Since: st.since})
		case StepPending:
			baseline.Members = append(baseline.Members, analysis.Member{Name: t.Name, Labels: t.Labels, Since: s.startedAt})
		}
	}
	return canary, baseline
}
