package main

import (
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// series is a judge of the library, which judges all observations of a trial so
// far.
type series struct {
	name  string
	kinds []armKind // that it can judge
	analysis.Judge
}

func (j series) begin() trial { return seriesTrial{j, j.Begin()} }

type seriesTrial struct {
	of series
	analysis.Trial
}

type seriesAnswer struct {
	head
	analysis.Verdict
}

func (t seriesTrial) judge(r record, h head) (any, analysis.Outcome, error) {
	if r.config != nil {
		return nil, 0, badf("config is for --judge kayenta only")
	}
	for _, side := range r.arms() {
		if side.kind != nothing && !slices.Contains(t.of.kinds, side.kind) {
			return nil, 0, badf("%s is %s, which --judge %s cannot judge", side.name, side.kind, t.of.name)
		}
	}
	o := analysis.Observation{Canary: r.canary.sample, Baseline: r.baseline.sample, Err: r.err}
	if r.time != nil {
		o.At = *r.time
	} else {
		o.At = time.Unix(int64(h.Observation), 0).UTC()
	}
	v := t.Judge(o)
	return seriesAnswer{h, v}, v.Outcome, nil
}
