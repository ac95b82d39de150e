package main

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// A judge judges trials.
type judge interface{ begin() trial }

// A trial judges the observations of one trial, in order. What it answers is
// written out. The outcome is that of the trial so far.
type trial interface {
	judge(r record, h head) (answer any, sofar analysis.Outcome, err error)
}

// head is what all answers begin with.
type head struct {
	Trial string `json:"trial,omitempty"`
	// Observation counts them within their trial, from 1.
	Observation int        `json:"observation"`
	Before      bool       `json:"before,omitempty"`
	Time        *time.Time `json:"time,omitempty"`
}

// trials are those of one run, by their names.
type trials map[string]*course

// course is how a trial goes.
type course struct {
	trial
	seen    int
	latest  *time.Time
	outcome analysis.Outcome
}

// judge judges a record, and writes the answer.
func (t trials) judge(j judge, r record, out *json.Encoder) error {
	c := t[r.trial]
	if c == nil {
		c = &course{trial: j.begin()}
		t[r.trial] = c
	}
	if r.time != nil {
		if c.latest != nil && r.time.Before(*c.latest) {
			return badf("time goes backwards%s, from %s to %s", ofTrial(r.trial), c.latest.Format(time.RFC3339Nano), r.time.Format(time.RFC3339Nano))
		}
		c.latest = r.time
	}
	c.seen++
	answer, outcome, err := c.trial.judge(r, head{Trial: r.trial, Observation: c.seen, Before: r.before, Time: r.time})
	if err != nil {
		return err
	}
	c.outcome = outcome
	return out.Encode(answer)
}

func ofTrial(name string) string {
	if name == "" {
		return ""
	}
	return " in trial " + strconv.Quote(short(name))
}

// exitCode is what to exit with: the worst of all trials.
func (t trials) exitCode() int {
	all := analysis.Pass
	for _, c := range t {
		all = worse(all, c.outcome)
	}
	switch all {
	case analysis.Pass:
		return exitPass
	case analysis.Fail:
		return exitFail
	default:
		return exitInconclusive
	}
}

// worse returns the worse outcome: a fail over all that is neither, over a pass.
func worse(a, b analysis.Outcome) analysis.Outcome {
	rank := func(o analysis.Outcome) int {
		switch o {
		case analysis.Pass:
			return 0
		case analysis.Fail:
			return 2
		default:
			return 1
		}
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}
