package kayenta

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis"
)

// trial holds the points so far.
type trial struct {
	judge            Judge // with defaults filled in
	problem          string
	kind             analysis.SampleKind // of all samples
	canary, baseline points
	failed           analysis.Verdict // latched
}

// points are those of one arm.
type points struct {
	values  []float64
	seen    int // of them with data
	missed  int // in a row without data, in observations that had any
	summary analysis.Summary
}

// Judge takes the next observation.
func (t *trial) Judge(o analysis.Observation) analysis.Verdict {
	switch {
	case t.problem != "":
		return analysis.Verdict{Outcome: analysis.Error, Reason: t.problem}
	case t.failed.Outcome == analysis.Fail:
		return t.failed
	case o.Err != "":
		return t.verdict(analysis.Undecided, "could not look: "+o.Err)
	}
	if problem := t.take(o); problem != "" {
		return t.verdict(analysis.Error, problem)
	}
	if _, ok := o.Canary.Figure(); !ok {
		return t.verdict(analysis.Undecided, "no canary data")
	}
	if min(t.canary.seen, t.baseline.seen) < t.judge.MinPoints {
		return t.verdict(analysis.Undecided, fmt.Sprintf("the canary has %d and the baseline %d of the %d points needed",
			t.canary.seen, t.baseline.seen, t.judge.MinPoints))
	}
	return t.conclude(Classify(t.judge.Config, t.canary.values, t.baseline.values))
}

// take adds the points of an observation, or says why they cannot be.
func (t *trial) take(o analysis.Observation) (problem string) {
	canary, hasCanary := o.Canary.Figure()
	baseline, hasBaseline := o.Baseline.Figure()
	kind := t.kind
	for _, arm := range [...]struct {
		has  bool
		kind analysis.SampleKind
	}{{hasCanary, o.Canary.Kind}, {hasBaseline, o.Baseline.Kind}} {
		switch {
		case !arm.has:
		case kind == analysis.NoData:
			kind = arm.kind
		case kind != arm.kind:
			return "values cannot be compared with counts"
		}
	}
	t.kind = kind
	if hasCanary || hasBaseline {
		t.canary.take(canary, hasCanary, o.Canary)
		t.baseline.take(baseline, hasBaseline, o.Baseline)
	}
	return ""
}

func (p *points) take(figure float64, has bool, s analysis.Sample) {
	if !has {
		p.values = append(p.values, math.NaN())
		p.missed++
		return
	}
	p.values = append(p.values, figure)
	p.seen++
	p.missed = 0
	p.summary.Rate = figure
	if s.Kind == analysis.CountKind {
		p.summary.Events += min(s.Events, s.Total)
		p.summary.Total += s.Total
		p.summary.Rate = float64(p.summary.Events) / float64(p.summary.Total)
	}
}

// conclude turns a classification into a verdict.
func (t *trial) conclude(r Result) analysis.Verdict {
	reason := r.Label.String() + ": " + r.Reason
	if t.baseline.missed > 0 {
		reason += fmt.Sprintf("; no baseline in the last %d observations", t.baseline.missed)
	}
	switch r.Label {
	case Pass:
		return t.verdict(analysis.Pass, reason)
	case High, Low:
		if r.Critical {
			reason = "critical, " + reason
		}
		t.failed = t.verdict(analysis.Fail, reason)
		t.canary.values, t.baseline.values = nil, nil // not needed any more
		return t.failed
	case Error:
		return t.verdict(analysis.Error, reason)
	default:
		return t.verdict(analysis.Undecided, reason)
	}
}

func (t *trial) verdict(outcome analysis.Outcome, reason string) analysis.Verdict {
	return analysis.Verdict{Outcome: outcome, Reason: reason, Canary: t.canary.summary, Baseline: t.baseline.summary}
}
