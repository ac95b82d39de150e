package main

import (
	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/kayenta"
)

// kayentaJudge classifies the values of each line as one metric.
type kayentaJudge struct{ config []field }

func (j kayentaJudge) begin() trial { return &kayentaTrial{j, analysis.Pass} }

type kayentaTrial struct {
	kayentaJudge
	sofar analysis.Outcome
}

type kayentaAnswer struct {
	head
	Outcome        analysis.Outcome `json:"outcome"`
	Reason         string           `json:"reason"`
	Canary         points           `json:"canary"`
	Baseline       points           `json:"baseline"`
	Classification string           `json:"classification"`
	Critical       bool             `json:"critical"`
	Deviation      number           `json:"deviation"`
	Lower          *number          `json:"ciLower,omitempty"`
	Upper          *number          `json:"ciUpper,omitempty"`
	Estimate       *number          `json:"estimate,omitempty"`
}

func (t *kayentaTrial) judge(r record, h head) (any, analysis.Outcome, error) {
	if err := r.only("config"); err != nil {
		return nil, 0, err
	}
	config, err := t.configOf(r)
	if err != nil {
		return nil, 0, err
	}
	if r.err != "" {
		t.sofar = worse(t.sofar, analysis.Error)
		return seriesAnswer{h, couldNotLook(r)}, t.sofar, nil
	}
	if err := r.needValues("kayenta"); err != nil {
		return nil, 0, err
	}
	result := kayenta.Classify(config, r.canary.values, r.baseline.values)
	a := kayentaAnswer{
		head: h, Reason: result.Label.String() + ": " + result.Reason,
		Canary: summed(result.Experiment), Baseline: summed(result.Control),
		Classification: result.Label.String(), Critical: result.Critical, Deviation: number(result.Ratio),
	}
	a.Outcome = outcomeOf(result)
	if a.Outcome == analysis.Pass && !(hasPoint(r.canary.values) && hasPoint(r.baseline.values)) {
		a.Outcome = analysis.Inconclusive
		a.Reason += "; Kayenta passes this, tidegate passes nothing without data"
	}
	// As Kayenta has it, also where the label could do without.
	shift, err := kayenta.Interval(kayenta.Clean(config, r.canary.values), kayenta.Clean(config, r.baseline.values), config.Confidence)
	if err == nil {
		a.Lower, a.Upper, a.Estimate = maybe(shift.Lower), maybe(shift.Upper), maybe(shift.Estimate)
	}
	t.sofar = worse(t.sofar, a.Outcome)
	return a, t.sofar, nil
}

// outcomeOf is what a canary of this one metric would come to.
func outcomeOf(r kayenta.Result) analysis.Outcome {
	switch r.Label {
	case kayenta.Pass:
		return analysis.Pass
	case kayenta.High, kayenta.Low, kayenta.NodataFailMetric:
		return analysis.Fail
	case kayenta.Nodata:
		if r.Critical {
			return analysis.Fail
		}
		return analysis.Inconclusive
	default:
		return analysis.Error
	}
}

func couldNotLook(r record) analysis.Verdict {
	return analysis.Verdict{Outcome: analysis.Error, Reason: "could not look: " + r.err}
}
