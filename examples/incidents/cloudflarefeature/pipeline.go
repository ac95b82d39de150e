package cloudflarefeature

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// pipeline sends each file out as a rollout of its own.
type pipeline struct {
	files map[string]file // by version
	last  file            // that was good
	diff  *guardrails.MaxDiff
	flap  *guardrails.Flap
	// guards are what each rollout is asked by: both of them.
	guards []guardrails.Guard
}

// guarded is the pipeline as it could have been.
func guarded() *pipeline {
	p := &pipeline{files: make(map[string]file), last: good("features-1115")}
	p.files[p.last.version] = p.last
	p.diff = &guardrails.MaxDiff{
		New: func(_ context.Context, act guardrails.Action) (guardrails.Artifact, error) { return p.measure(act.To) },
		Good: func(_ context.Context, act guardrails.Action) (guardrails.Artifact, error) {
			return p.measure(act.From)
		},
		MaxEntries: limit,
	}
	p.flap = &guardrails.Flap{Reversals: 1} // one bad file after good ones is enough
	p.flap.Observe(true)
	p.guards = []guardrails.Guard{p.flap, p.diff}
	return p
}

func (p *pipeline) measure(version string) (guardrails.Artifact, error) {
	f, ok := p.files[version]
	if !ok {
		return guardrails.Artifact{}, fmt.Errorf("the file %s: %w", version, fs.ErrNotExist)
	}
	return f.Artifact, nil
}

// run sends out the first three files from 11:20 on: bad, good, and bad.
func (p *pipeline) run() (replay.Outcome, error) {
	all := replay.Outcome{Of: "of the edge", Refused: true, Ending: "refused, and the pipeline is latched"}
	for n, f := range []file{bad("features-1120"), good("features-1125"), bad("features-1130")} {
		o, err := p.send(f)
		if err != nil {
			return all, err
		}
		if !o.Refused {
			all.Refused, all.Detect, all.Recover = false, o.Detect, o.Recover
			all.Exposed, all.Ending = max(all.Exposed, o.Exposed), o.Ending
		}
		at := time.Duration(n) * every
		all.Story = append(all.Story, replay.Line(at, fmt.Sprintf("%s, of %v: %s", f.version, f.Artifact, o.Ending)))
	}
	all.Story = append(all.Story, replay.Line(3*every, "every place runs "+p.last.version+", the last good one; a human looks into it, and resets"))
	return all, nil
}

// send plays the rollout of one file, and tells Flap how it came out. One that is refused
// is dropped: the next is on its way.
func (p *pipeline) send(f file) (replay.Outcome, error) {
	p.files[f.version] = f
	plan := push(p.last, f)
	plan.Waves = rollout.Percent(1, 10, 100)
	plan.Guards = p.guards
	plan.Gate = analysis.Gate{
		Bake: analysis.Bake{AtLeast: 30 * time.Second},
		Checks: []analysis.Check{
			{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.NotWorse{}},
		},
	}
	seen := simulate.Signal{PerSecond: 200, Old: 0.0001, New: 0.0001}
	if f.crashes() {
		seen.New = 1
	}
	t := replay.Telling{
		Plan: plan, World: simulate.World{Signals: map[string]simulate.Signal{"errors": seen}},
		Ill: func(_, version string) bool { return p.files[version].crashes() },
	}
	trace, err := simulate.Play(&t.Plan, t.World, 1)
	if no := (*guardrails.Breach)(nil); errors.As(err, &no) {
		return p.refused(f, t.Refused(no), no), nil
	}
	if err != nil {
		return replay.Outcome{}, err
	}
	o, err := t.Outcome(trace)
	if err != nil {
		return o, err
	}
	arrived := trace.State.Phase() == rollout.Completed
	if arrived {
		p.last = f
	}
	p.flap.Observe(arrived)
	return o, nil
}

// refused is what becomes of a file that a guard says no to.
func (p *pipeline) refused(f file, o replay.Outcome, no *guardrails.Breach) replay.Outcome {
	o.Ending = fmt.Sprintf("%s says no (%v): %s", no.Guard, no.Consequence, no.Reason)
	if no.Guard == p.diff.GuardName() {
		o.Ending += " (" + no.Evidence + ")"
	}
	// What Flap itself has refused says nothing of the file.
	if f.crashes() {
		p.flap.Observe(false)
	}
	return o
}
