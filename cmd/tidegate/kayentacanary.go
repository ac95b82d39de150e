package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/kayenta"
)

// The scores that a canary needs, where neither flags nor the config say.
const (
	defaultPass     = 95.0
	defaultMarginal = 75.0
)

// isCanaryConfig tells a canary config, as Kayenta stores it, from the settings of
// one metric.
func isCanaryConfig(config []field) bool {
	return slices.ContainsFunc(config, func(f field) bool { return f.name == "metrics" })
}

// canary returns the judge of a canary config.
func (a analyze) canary(name string, data []byte) (judge, error) {
	c, err := kayenta.ParseCanaryConfig(data)
	if err != nil {
		return nil, badf("%s: %s", name, strings.Join(canaryProblems(err), "; "))
	}
	j := canaryJudge{config: c, pass: defaultPass, marginal: defaultMarginal}
	for _, of := range []struct {
		into       *float64
		file, flag *float64
		flagName   string
	}{
		{&j.pass, c.Thresholds.Pass, a.Pass, "--pass"},
		{&j.marginal, c.Thresholds.Marginal, a.Marginal, "--marginal"},
	} {
		for _, v := range []*float64{of.file, of.flag} {
			if v != nil {
				*of.into = *v
			}
		}
		if !(*of.into >= 0 && *of.into <= 100) {
			return nil, badf("%s is %v: want a score from 0 to 100", of.flagName, *of.into)
		}
	}
	if j.marginal > j.pass {
		return nil, badf("--marginal is %v, above --pass, %v", j.marginal, j.pass)
	}
	return j, nil
}

// canaryProblems lists what is wrong with a canary config.
func canaryProblems(err error) (all []string) {
	var list interface{ Unwrap() []error }
	if errors.As(err, &list) {
		for _, one := range list.Unwrap() {
			all = append(all, canaryProblems(one)...)
		}
		return all
	}
	return []string{strings.TrimPrefix(err.Error(), "kayenta: ")}
}

// canaryJudge scores the metrics of each line, as one judgement of a canary.
type canaryJudge struct {
	config         kayenta.CanaryConfig
	pass, marginal float64
}

func (j canaryJudge) begin() trial { return &canaryTrial{j, analysis.Pass} }

type canaryTrial struct {
	canaryJudge
	sofar analysis.Outcome
}

type canaryAnswer struct {
	head
	Outcome analysis.Outcome        `json:"outcome"`
	Reason  string                  `json:"reason"`
	Score   number                  `json:"score"`
	Grade   string                  `json:"grade"`
	Groups  []groupAnswer           `json:"groups"`
	Metrics map[string]metricAnswer `json:"metrics"`
}

type groupAnswer struct {
	Name   string `json:"name"`
	Score  number `json:"score"` // null if no metric of it has data
	Weight number `json:"weight"`
}

type metricAnswer struct {
	Classification string   `json:"classification"`
	Critical       bool     `json:"critical"`
	Muted          bool     `json:"muted,omitempty"`
	Reason         string   `json:"reason"`
	Groups         []string `json:"groups,omitempty"`
	Canary         points   `json:"canary"`
	Baseline       points   `json:"baseline"`
	Deviation      number   `json:"deviation"`
}

func (t *canaryTrial) judge(r record, h head) (any, analysis.Outcome, error) {
	if err := r.only("metrics"); err != nil {
		if r.has["config"] {
			err = badf("config is for a metric by itself: --config has those of all metrics")
		}
		return nil, 0, err
	}
	if r.err != "" {
		t.sofar = worse(t.sofar, analysis.Error)
		return seriesAnswer{h, couldNotLook(r)}, t.sofar, nil
	}
	byName, err := t.valuesOf(r)
	if err != nil {
		return nil, 0, err
	}
	a := canaryAnswer{head: h, Groups: []groupAnswer{}, Metrics: map[string]metricAnswer{}}
	var results []kayenta.MetricResult
	compared := 0
	for _, m := range t.config.Metrics {
		p := byName[m.Name]
		result := kayenta.Classify(m.Config, p.canary.values, p.baseline.values)
		results = append(results, kayenta.MetricResult{
			Name: m.Name, Groups: m.Groups, Label: result.Label, Critical: result.Critical, Muted: m.Config.Muted,
		})
		a.Metrics[m.Name] = metricAnswer{
			Classification: result.Label.String(), Critical: result.Critical, Muted: m.Config.Muted, Reason: result.Reason, Groups: m.Groups,
			Canary: summed(result.Experiment), Baseline: summed(result.Control), Deviation: number(result.Ratio),
		}
		if !m.Config.Muted && hasPoint(p.canary.values) && hasPoint(p.baseline.values) {
			compared++
		}
	}
	score := kayenta.Sum(results, t.config.GroupWeights)
	a.Score = number(score.Total)
	for _, g := range score.Groups {
		one := groupAnswer{Name: g.Name, Score: number(g.Score), Weight: number(g.Weight)}
		if g.NoData {
			one.Score = number(math.NaN())
		}
		a.Groups = append(a.Groups, one)
	}
	a.conclude(t.canaryJudge, score, results, compared)
	t.sofar = worse(t.sofar, a.Outcome)
	return a, t.sofar, nil
}

// valuesOf are those of the line's metrics, which must be in the config.
func (j canaryJudge) valuesOf(r record) (map[string]pair, error) {
	if !r.has["metrics"] || r.has["canary"] || r.has["baseline"] {
		return nil, badf(`want {"metrics":{"name":{"canary":{"values":[…]},"baseline":{"values":[…]}},…}}, as --config is a canary config`)
	}
	byName := map[string]pair{}
	for _, m := range r.metrics {
		if _, err := j.config.Metric(m.name); err != nil {
			return nil, badf("metrics.%s is in the line, but not in --config", shown(m.name))
		}
		for _, side := range m.arms() {
			if side.kind != values && side.kind != nothing {
				return nil, badf(`metrics.%s.%s is %s: --judge kayenta wants {"values":[…]}`, shown(m.name), side.name, side.kind)
			}
		}
		byName[m.name] = m.pair
	}
	return byName, nil
}

// conclude says what a score comes to. What Kayenta would pass without having seen
// anything, or in spite of an error, does not pass here.
func (a *canaryAnswer) conclude(j canaryJudge, score kayenta.Score, results []kayenta.MetricResult, compared int) {
	grade := kayenta.Thresholds{Pass: &j.pass, Marginal: &j.marginal}.Grade(score.Total)
	a.Grade = grade.String()
	a.Reason = fmt.Sprintf("%s: score %v of 100, %v or more to pass, %v to be marginal", a.Grade, score.Total, j.pass, j.marginal)
	if score.Reason != "" {
		a.Reason += "; " + score.Reason
	}
	judged, missing := 0, 0
	var failed, broken []string
	critical := false
	for _, r := range results {
		if r.Muted {
			continue
		}
		judged++
		switch r.Label {
		case kayenta.Pass:
			continue
		case kayenta.Nodata:
			missing++
		case kayenta.Error:
			broken = append(broken, r.Name)
		default:
			failed = append(failed, r.Name+" is "+r.Label.String())
		}
		critical = critical || r.Critical
	}
	if len(failed) > 0 {
		a.Reason += "; " + strings.Join(failed, ", ")
	}
	switch {
	case grade == kayenta.GradePass && len(broken) > 0:
		a.Outcome = analysis.Error
		a.Reason += fmt.Sprintf("; Kayenta passes this, but could not compare %s", strconv.Quote(broken[0]))
	case grade == kayenta.GradePass && compared == 0:
		a.Outcome = analysis.Inconclusive
		a.Reason += "; Kayenta passes this, tidegate passes nothing without data"
	case grade == kayenta.GradePass:
		a.Outcome = analysis.Pass
	case grade == kayenta.GradeMarginal, !critical && 2*missing >= judged:
		a.Outcome = analysis.Inconclusive
	default:
		a.Outcome = analysis.Fail
	}
}
