package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
)

// compiled is a plan with its waves made.
type compiled struct {
	spec  *Spec
	units map[string]unit // by step ID
	gates []*analysis.Gate
}

// unit is what stands behind a step of the spec.
type unit struct {
	target Target
	step   *Step // nil for a target
}

// waves makes the waves and checks that they are the fleet, each target once.
// It returns nil when they are not.
func (p *Plan) waves(ps *problems) *compiled {
	var wp problems // what makes the waves unusable
	defer func() { *ps = append(*ps, wp...) }()
	fleet := p.fleet(&wp)
	if p.Waves == nil {
		wp.add("Waves", "is nil: say how the fleet is split, such as OneThenDouble()")
		return nil
	}
	waves, err := p.Waves.Split(slices.Clone(p.Targets))
	if err != nil {
		wp.add("Waves", "%v", err)
		return nil
	}
	c := &compiled{spec: p.spec(), units: make(map[string]unit, len(p.Targets))}
	for w, wave := range waves {
		path := fmt.Sprintf("wave %d", w+1)
		sw := SpecWave{Ungated: wave.Ungated, Approval: wave.Approval}
		sw.Steps = c.steps(wave, fleet, path, &wp)
		gate := p.gateOf(wave, path, ps)
		if gate != nil {
			sw.OnDeadline = gate.OnDeadline
		}
		c.gates = append(c.gates, gate)
		c.spec.Waves = append(c.spec.Waves, sw)
	}
	if slices.Contains(c.gates, &p.Gate) {
		p.Gate.Problems(ps.under("Gate"))
	}
	if len(waves) == 0 {
		wp.add("Targets", "the fleet is empty: no target is an error, never \"all\"")
	} else if missing := c.missing(p.Targets); len(missing) > 0 && len(wp) == 0 {
		wp.add("Waves", "%d targets are in no wave, such as %s", len(missing), strings.Join(missing[:min(3, len(missing))], ", "))
	}
	if len(wp) > 0 {
		return nil
	}
	return c
}

// fleet indexes the plan's targets by name.
func (p *Plan) fleet(ps *problems) map[string]int {
	fleet := make(map[string]int, len(p.Targets))
	for i, t := range p.Targets {
		switch {
		case t.Name == "":
			ps.add(fmt.Sprintf("Targets[%d].Name", i), "is empty")
		case fleet[t.Name] == 1:
			ps.add(fmt.Sprintf("Targets[%d].Name", i), "%q is the name of another target", t.Name)
		case t.Weight < 0:
			ps.add(fmt.Sprintf("Targets[%d].Weight", i), "is negative (%d)", t.Weight)
		}
		fleet[t.Name]++
	}
	return fleet
}

// steps makes a wave's targets and steps the core's.
func (c *compiled) steps(wave Wave, fleet map[string]int, path string, ps *problems) []SpecStep {
	n := len(wave.Targets) + len(wave.Steps)
	if n == 0 {
		ps.add(path, "is empty: an empty wave would prove nothing")
	}
	steps := make([]SpecStep, 0, n)
	for _, t := range wave.Targets {
		switch fleet[t.Name] {
		case 0:
			ps.add(path, "target %q is not in Targets", t.Name)
		case 1:
		default: // double in Targets, which is on the list already
			continue
		}
		if c.take(t.Name, unit{target: t}, ps, path) {
			steps = append(steps, SpecStep{ID: t.Name, Labels: t.Labels, Weight: t.Weight})
		}
	}
	for _, s := range wave.Steps {
		if s.Do == nil || s.Undo == nil {
			ps.add(path, "step %q: Do and Undo must both be set", s.ID)
		}
		if s.Weight < 0 {
			ps.add(path, "step %q has a negative weight (%d)", s.ID, s.Weight)
		}
		if c.take(s.ID, unit{step: &s, target: Target{Name: s.ID, Labels: s.Labels, Weight: s.Weight}}, ps, path) {
			steps = append(steps, SpecStep{ID: s.ID, Labels: s.Labels, Weight: s.Weight})
		}
	}
	return steps
}

// gateOf returns the gate behind a wave, nil for none.
func (p *Plan) gateOf(wave Wave, path string, ps *problems) *analysis.Gate {
	switch {
	case wave.Ungated == "" && wave.Gate == nil:
		return &p.Gate
	case wave.Ungated == "":
		wave.Gate.Problems(ps.under(path + ".Gate"))
	case wave.Gate != nil:
		ps.add(path, "has a gate, and is Ungated as well")
	}
	return wave.Gate
}

func (c *compiled) take(id string, u unit, ps *problems, path string) bool {
	if id == "" {
		ps.add(path, "has a step without an ID")
		return false
	}
	if _, dup := c.units[id]; dup {
		ps.add(path, "step %q is in a wave already", id)
		return false
	}
	c.units[id] = u
	return true
}

func (c *compiled) missing(targets []Target) (names []string) {
	for _, t := range targets {
		if u, ok := c.units[t.Name]; !ok || u.step != nil {
			names = append(names, t.Name)
		}
	}
	return names
}

// spec returns the plan's limits as the core takes them, without waves.
func (p *Plan) spec() *Spec {
	policy := p.Rollback.WithDefaults()
	concurrency := orDefault(p.Concurrency, DefaultConcurrency)
	return &Spec{
		Rollout: p.Name, Service: p.Release.Service, From: p.Release.From, To: p.Release.To,
		Concurrency: concurrency, WaveFailures: p.Failures.PerWave, Failures: p.Failures.Total,
		Guarded: len(p.Guards) > 0, OnFailure: p.OnFailure, HoldAtMost: p.HoldAtMost,
		Undo: SpecUndo{Parallel: orDefault(policy.Parallel, concurrency), Deadline: policy.Deadline},
	}
}
