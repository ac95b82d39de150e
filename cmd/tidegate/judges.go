package main

import (
	"github.com/tidegate-go/tidegate/analysis"
)

// judge returns the judge that the flags ask for.
func (a analyze) judge() (judge, error) {
	switch a.Judge {
	case "notworse":
		return a.notWorse()
	case "kayenta":
		return a.kayenta()
	case "mannwhitney":
		return a.mannWhitney()
	default:
		return a.threshold()
	}
}

func (a analyze) notWorse() (judge, error) {
	j := analysis.NotWorse{
		Detect: deref(a.Detect), Tolerate: deref(a.Tolerate), Negligible: deref(a.Negligible),
		Alpha: deref(a.Alpha), Beta: deref(a.Beta), Horizon: deref(a.Horizon), LowerIsWorse: deref(a.LowerIsWorse),
	}
	if a.Negligible != nil && *a.Negligible == 0 {
		j.Negligible = -1 // none, where the library takes 0 for its default
	}
	s := series{name: "notworse", kinds: []armKind{counts, value, buckets}, Judge: j}
	if deref(a.PerSlice) {
		s.Judge = analysis.PerSlice{Judge: j, Alpha: j.Alpha, Beta: j.Beta}
	}
	return s, flagProblems(j, "")
}

func (a analyze) threshold() (judge, error) {
	j := analysis.Threshold{Min: a.Min, Max: a.Max, Failures: deref(a.Failures), Consecutive: deref(a.Consecutive), MinSamples: deref(a.MinSamples), CanaryOnly: true}
	rename := ""
	switch a.Judge {
	case "above":
		j.Min, rename = a.Limit, "Limit"
	case "below":
		j.Max, rename = a.Limit, "Limit"
	}
	switch {
	case rename != "" && a.Limit == nil:
		return nil, badf("--judge %s needs --limit", a.Judge)
	case rename == "" && (a.Min == nil || a.Max == nil):
		return nil, badf("--judge within needs --min and --max")
	}
	s := series{name: a.Judge, kinds: []armKind{counts, value}, Judge: j}
	if deref(a.PerSlice) {
		s.Judge = analysis.PerSlice{Judge: j}
	}
	return s, flagProblems(j, rename)
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
