package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// series is a judge of the library, which judges all observations of a trial so
// far. Those from before the rollout tell it how comparable the arms are.
type series struct {
	name  string
	kinds []armKind // that it can judge
	analysis.Judge
}

func (j series) begin() trial { return &seriesTrial{of: j} }

type seriesTrial struct {
	of     series
	before []analysis.Observation // the A/A window
	trial  analysis.Trial         // nil until it is over
}

type seriesAnswer struct {
	head
	analysis.Verdict
}

func (t *seriesTrial) judge(r record, h head) (any, analysis.Outcome, error) {
	o, err := t.of.observation(r, h)
	switch {
	case err != nil:
		return nil, 0, err
	case r.before && t.trial != nil:
		return nil, 0, badf("before is true%s after a line where it is not: the lines from before the rollout come first", ofTrial(r.trial))
	case r.before:
		t.before = append(t.before, o)
		v := analysis.Verdict{Reason: "from before the rollout: shows how comparable the arms are"}
		return seriesAnswer{h, v}, v.Outcome, nil
	case t.trial == nil:
		t.trial = t.of.calibrated(t.before).Begin()
		t.before = nil
	}
	v := t.trial.Judge(o)
	return seriesAnswer{h, v}, v.Outcome, nil
}

// calibrated returns the judge for arms that are as comparable as an A/A window shows.
func (j series) calibrated(before []analysis.Observation) analysis.Judge {
	if c, ok := j.Judge.(analysis.Calibrator); ok && len(before) > 0 {
		return c.Calibrate(analysis.Calibrate(before))
	}
	return j.Judge
}

// observation makes one of a record, if the judge can judge it.
func (j series) observation(r record, h head) (o analysis.Observation, err error) {
	taken := []string{"slices"}
	if j.name == "notworse" {
		taken = append(taken, "before")
	}
	if err := r.only(taken...); err != nil {
		return o, err
	}
	if err := j.takes("", r.pair); err != nil {
		return o, err
	}
	o = analysis.Observation{Canary: r.canary.sample, Baseline: r.baseline.sample, Err: r.err}
	for _, s := range r.slices {
		if err := j.takes("of the slice "+strconv.Quote(short(s.name))+" ", s.pair); err != nil {
			return o, err
		}
		o.Slices = append(o.Slices, analysis.Slice{Name: s.name, Canary: s.canary.sample, Baseline: s.baseline.sample})
	}
	if o.At = time.Unix(int64(h.Observation), 0).UTC(); r.time != nil {
		o.At = *r.time
	}
	return o, nil
}

// takes refuses a pair that the judge cannot judge.
func (j series) takes(where string, p pair) error {
	for _, side := range p.arms() {
		if side.kind != nothing && !slices.Contains(j.kinds, side.kind) {
			return badf("%s %sis %s, which --judge %s cannot judge", side.name, where, side.kind, j.name)
		}
	}
	return nil
}
