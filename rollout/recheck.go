package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// rechecker asks the gates of the way back: the one on the first batch that is
// undone, and the one on the recovery. It belongs to the loop; only the asking is
// done elsewhere. What it has seen is forgotten when its runner dies: another one
// looks anew.
type rechecker struct {
	e      *engine
	stage  string // CanaryGate, RecoveryGate, or empty
	since  time.Time
	number int // of the evaluation, to tell an answer that is not waited for
	gate   analysis.Gate
	eval   *analysis.Evaluation
	asks   []ask
	blind  []bool // by check: it could not look the last time
	probe  bool   // it is to be found out whether anybody can look at all
	next   time.Time
	last   bool // the deadline has passed and one last round was asked
}

// keep asks what is due while a gate is wanted, and returns when to look again.
func (r *rechecker) keep(stage string) (next time.Time) {
	s := &r.e.state
	if stage != r.stage || !r.since.Equal(s.back.measuring) {
		r.begin(stage)
	}
	if r.stage == "" {
		return time.Time{}
	}
	at := now()
	number := r.number
	r.giveUp(at)
	if number != r.number || s.recheck() != stage {
		return at
	}
	deadline := r.since.Add(r.gate.Deadline())
	if !r.last && !at.Before(deadline) {
		r.last, r.next = true, at
	}
	if r.probe {
		r.probe = false
		r.askAll(at, true)
	}
	if !at.Before(r.next) {
		r.askAll(at, false)
		r.next = at.Add(r.gate.Every())
	}
	r.decide(at)
	if s.recheck() != stage {
		return at
	}
	next = r.next
	if !r.last {
		next = earlier(next, deadline)
	}
	for i, a := range r.asks {
		if a.busy && !a.late {
			next = earlier(next, a.since.Add(r.timeout(i)+patience))
		}
	}
	if least := r.since.Add(r.gate.Bake.AtLeast); at.Before(least) {
		next = earlier(next, least)
	}
	return next
}

// begin begins a gate. The first round comes after an interval: there is nothing to see
// in no time at all.
func (r *rechecker) begin(stage string) {
	r.number++
	r.stage, r.since = stage, r.e.state.back.measuring
	r.probe, r.last, r.eval, r.asks = stage == CanaryGate, false, nil, nil
	policy := r.e.plan.Rollback.WithDefaults()
	switch stage {
	case CanaryGate:
		r.gate = policy.Canary
	case RecoveryGate:
		r.gate = policy.Verify
	default:
		return
	}
	r.next = r.since.Add(r.gate.Every())
	r.eval = r.gate.Begin()
	r.eval.Enter(1, r.since)
	if stage == RecoveryGate {
		r.eval.LastWave()
	}
	r.eval.Deployed(r.since)
	r.asks, r.blind = make([]ask, len(r.gate.Checks)), make([]bool, len(r.gate.Checks))
	for i := range r.asks {
		r.asks[i].seen = r.since
	}
}

func (r *rechecker) timeout(check int) time.Duration {
	return orDefault(r.gate.Checks[check].Timeout, max(r.gate.Every(), analysis.MinTimeout))
}

// askAll asks every check that is not still busy with the question before. A probe is
// about the time before the gate began, and only finds out who can look.
func (r *rechecker) askAll(at time.Time, probe bool) {
	canary, baseline := r.e.armsBack(r.stage)
	for i, check := range r.gate.Checks {
		a := &r.asks[i]
		if a.busy {
			continue
		}
		w := analysis.Window{Start: a.seen, End: at, Wave: 1, Canary: canary, Baseline: baseline}
		if probe {
			w.Start, w.End = r.since.Add(-r.gate.Every()), r.since
		}
		if check.Window > 0 {
			w.Start = w.End.Add(-check.Window)
		}
		a.busy, a.late, a.since = true, false, at
		number, limit := r.number, r.timeout(i)
		r.e.helpers.Go(func() {
			ctx, cancel := context.WithTimeoutCause(r.e.base, limit, fmt.Errorf("no answer within %v", limit))
			defer cancel()
			empty := false
			o := analysis.Observation{At: w.End, Err: "the source ended its goroutine"}
			defer func() {
				r.e.post(func() {
					if number == r.number {
						r.asks[i].busy = false
						r.take(i, o, o.Err != "" && !empty, probe)
					}
				})
			}()
			o = observeOnce(ctx, analysis.SourceFunc(func(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
				o, err := check.Source.Observe(ctx, w)
				empty = errors.Is(err, analysis.ErrNoData)
				return o, err
			}), w)
			if o.Share == 0 {
				o.Share = w.Share()
			}
		})
	}
}

// giveUp goes on without the answers that are overdue.
func (r *rechecker) giveUp(at time.Time) {
	for i := range r.asks {
		a := &r.asks[i]
		if limit := r.timeout(i); a.busy && !a.late && !at.Before(a.since.Add(limit+patience)) {
			a.late = true
			r.take(i, analysis.Observation{At: at, Err: fmt.Sprintf("the source did not answer within %v", limit)}, true, false)
		}
	}
}

// take judges what a check saw. A probe that could look has seen nothing that counts.
func (r *rechecker) take(check int, o analysis.Observation, blind, probe bool) {
	r.blind[check] = blind
	if probe && !blind {
		return
	}
	r.asks[check].saw(o)
	verdict := r.eval.Observe(check, o)
	r.e.record(Event{Kind: Observed, Step: r.stage, Check: &CheckRecord{Name: r.gate.Checks[check].Name, Observation: o, Verdict: verdict}})
	r.decide(now())
}

// decide records what the gate comes to. The first batch waits for no metrics that
// are down; the recovery does, until its deadline.
func (r *rechecker) decide(at time.Time) {
	if r.e.state.recheck() != r.stage {
		return
	}
	deadline := r.since.Add(r.gate.Deadline())
	answered := !slices.ContainsFunc(r.asks, func(a ask) bool { return a.busy && !a.late })
	if !at.Before(deadline) && !(r.last && answered) {
		at = deadline.Add(-1)
	}
	d := r.eval.Decide(at)
	if len(r.gate.Checks) == 0 { // it was resumed with a plan that has lost them
		d = analysis.Decision{Outcome: analysis.Error, Reason: "the plan has no checks for it any more"}
	} else if r.stage == CanaryGate && d.Outcome == analysis.Undecided && r.blinded() {
		d = analysis.Decision{Outcome: analysis.Error, Reason: "nobody can say how the first batch does, and a rollback does not wait for that: " + d.Reason}
	}
	if d.Outcome != analysis.Undecided {
		r.e.record(Event{Kind: UndoJudged, Step: r.stage, Decision: &d})
	}
}

// blinded tells whether no check that counts can look.
func (r *rechecker) blinded() bool {
	for i, check := range r.gate.Checks {
		if !check.Shadow && !r.blind[i] {
			return false
		}
	}
	return true
}

// armsBack returns who runs the restored version for sure, and on the way back who
// surely runs the new one.
func (e *engine) armsBack(stage string) (canary, baseline analysis.Arm) {
	s := &e.state
	canary.Version, baseline.Version = s.version(), s.spec.To
	for i := range s.steps {
		st := &s.steps[i]
		t := e.steps.units[i].target
		member := analysis.Member{Name: t.Name, Labels: t.Labels, Since: st.since, Weight: t.Weight}
		switch {
		case st.status == StepUndone && int(st.link) == s.back.link:
			canary.Members = append(canary.Members, member)
		case st.status == StepDone && stage == CanaryGate:
			baseline.Members = append(baseline.Members, member)
		}
	}
	return canary, baseline
}
