package analysis_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// trialFunc is a trial, and the judge that begins it.
type trialFunc func(analysis.Observation) analysis.Verdict

func (f trialFunc) Begin() analysis.Trial                         { return f }
func (f trialFunc) Judge(o analysis.Observation) analysis.Verdict { return f(o) }

// judgeFunc is a judge by how it begins.
type judgeFunc func() analysis.Trial

func (f judgeFunc) Begin() analysis.Trial { return f() }

// A judge with a bug passes nothing, and does not take the rollout down.
func TestABrokenJudgePassesNothing(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, broken := range map[string]analysis.Judge{
		"there is none":     nil,
		"it cannot begin":   judgeFunc(func() analysis.Trial { panic("no settings") }),
		"it begins nothing": judgeFunc(func() analysis.Trial { return nil }),
		"it panics":         trialFunc(func(analysis.Observation) analysis.Verdict { panic("out of range") }),
		"its rate is NaN": trialFunc(func(analysis.Observation) analysis.Verdict {
			return analysis.Verdict{Outcome: analysis.Pass, Canary: analysis.Summary{Rate: math.NaN()}}
		}),
		"its harm is endless": trialFunc(func(analysis.Observation) analysis.Verdict {
			return analysis.Verdict{Outcome: analysis.Pass, Evidence: analysis.Evidence{Harm: math.Inf(1)}}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			gate := analysis.Gate{Checks: []analysis.Check{{Name: "errors", Judge: broken}}, Bake: analysis.Bake{AtMost: time.Minute}}
			e := gate.Begin()
			e.Enter(1, begin)
			e.Deployed(begin)
			v := e.Observe(0, analysis.Observation{At: begin.Add(10 * time.Second), Canary: analysis.Counts(1, 100)})
			require.Equal(t, analysis.Error, v.Outcome)
			require.Equal(t, analysis.Undecided, e.Decide(begin.Add(10*time.Second)).Outcome)
			require.Equal(t, analysis.Error, e.Decide(begin.Add(2*time.Minute)).Outcome)
		})
	}
}

// A source that counts every event once cannot serve two checks.
func TestAnExclusiveSourceServesOneCheck(t *testing.T) {
	source := &onlyOnce{}
	gate := analysis.Gate{Checks: []analysis.Check{
		{Name: "errors", Source: source, Judge: analysis.Below(0.1)},
		{Name: "more errors", Source: source, Judge: analysis.Below(0.2)},
		{Name: "others", Source: &onlyOnce{}, Judge: analysis.Below(0.2)},
	}}
	var got []string
	gate.Problems(func(path, _ string) { got = append(got, path) })
	require.Equal(t, []string{"Checks[1].Source"}, got)
}

type onlyOnce struct {
	analysis.SourceFunc
	_ int // so that two of them are not one
}

func (*onlyOnce) Exclusive() {}
