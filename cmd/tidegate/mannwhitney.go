package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/evidence"
	"github.com/tidegate-go/tidegate/analysis/kayenta"
)

var alternatives = map[string]evidence.Alternative{
	"two-sided": evidence.TwoSided, "greater": evidence.Greater, "less": evidence.Less,
}

// mannWhitney returns the judge that the flags ask for.
func (a analyze) mannWhitney() (judge, error) {
	j := rankJudge{alpha: analysis.DefaultAlpha, name: "two-sided"}
	if a.Alpha != nil {
		j.alpha = *a.Alpha
	}
	if !(j.alpha > 0 && j.alpha < 1) {
		return nil, badf("--alpha is %v: want a probability between 0 and 1", j.alpha)
	}
	if a.Alternative != nil {
		j.name = *a.Alternative
	}
	var ok bool
	if j.alternative, ok = alternatives[j.name]; !ok {
		return nil, badf("--alternative is %q: want two-sided, greater or less", j.name)
	}
	return j, nil
}

// rankJudge ranks the values of each line.
type rankJudge struct {
	alpha       float64
	name        string
	alternative evidence.Alternative
}

func (j rankJudge) begin() trial { return &rankTrial{j, analysis.Pass} }

type rankTrial struct {
	rankJudge
	sofar analysis.Outcome
}

type rankAnswer struct {
	head
	Outcome  analysis.Outcome `json:"outcome"`
	Reason   string           `json:"reason"`
	Canary   points           `json:"canary"`
	Baseline points           `json:"baseline"`
	U1       number           `json:"u1"`
	// P has the p-values by method, and then by alternative. There is no exact one
	// of large samples.
	P map[string]map[string]number `json:"p"`
}

func (t *rankTrial) judge(r record, h head) (any, analysis.Outcome, error) {
	if err := r.only(); err != nil {
		return nil, 0, err
	}
	if r.err != "" {
		t.sofar = worse(t.sofar, analysis.Error)
		return seriesAnswer{h, couldNotLook(r)}, t.sofar, nil
	}
	if err := r.needValues("mannwhitney"); err != nil {
		return nil, 0, err
	}
	for _, side := range r.arms() {
		if i := slices.IndexFunc(side.values, math.IsNaN); i >= 0 {
			return nil, 0, badf("%s.values[%d] is null: NaN has no rank, leave it out (or use --judge kayenta)", side.name, i)
		}
	}
	x, y := r.canary.values, r.baseline.values
	test := evidence.NewMannWhitney(x, y)
	a := rankAnswer{
		head: h, Canary: summed(kayenta.Summarize(x)), Baseline: summed(kayenta.Summarize(y)),
		U1: number(test.U()), P: pValues(test),
	}
	a.Outcome, a.Reason = t.conclude(test, x, y)
	t.sofar = worse(t.sofar, a.Outcome)
	return a, t.sofar, nil
}

func pValues(test evidence.MannWhitney) map[string]map[string]number {
	all := map[string]map[string]number{"asymptotic": {}, "asymptoticWithoutContinuity": {}}
	for name, alternative := range alternatives {
		all["asymptotic"][name] = number(test.Asymptotic(alternative, true))
		all["asymptoticWithoutContinuity"][name] = number(test.Asymptotic(alternative, false))
		if p, ok := test.Exact(alternative); ok {
			if all["exact"] == nil {
				all["exact"] = map[string]number{}
			}
			all["exact"][name] = number(p)
		}
	}
	return all
}

// conclude fails a difference. It passes none that it could not have seen.
func (j rankJudge) conclude(test evidence.MannWhitney, x, y []float64) (analysis.Outcome, string) {
	if len(x) == 0 || len(y) == 0 {
		return analysis.Inconclusive, fmt.Sprintf("the canary has %d and the baseline %d values: nothing to compare", len(x), len(y))
	}
	p := test.P(j.alternative)
	said := fmt.Sprintf("%s p-value %s (%d against %d values)", j.name, figure(p), len(x), len(y))
	if p <= j.alpha {
		return analysis.Fail, fmt.Sprintf("%s is at most %v", said, j.alpha)
	}
	if least := j.least(x, y); least > j.alpha {
		return analysis.Inconclusive, fmt.Sprintf("%s, and with these values it can't be below %s: too few, or too many tied, to reach %v",
			said, figure(least), j.alpha)
	}
	return analysis.Pass, fmt.Sprintf("%s is above %v: no difference found", said, j.alpha)
}

// least is the smallest p-value that any way to deal the values could have.
func (j rankJudge) least(x, y []float64) float64 {
	pool := slices.Sorted(slices.Values(slices.Concat(x, y)))
	p := func(x, y []float64) float64 { return evidence.NewMannWhitney(x, y).P(j.alternative) }
	return min(p(pool[:len(x)], pool[len(x):]), p(pool[len(y):], pool[:len(y)]))
}

func figure(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
