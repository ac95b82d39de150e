package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
)

// compiled is a plan with its waves made.
type compiled struct {
	spec  *Spec
	units []unit // in the order of the spec
	gates []*analysis.Gate
}

// unit is what stands behind a step of the spec.
type unit struct {
	target Target
	step   *Step // nil for a target
}

// mark is what is known of a name.
type mark uint8

const (
	inFleet mark = 1 << iota
	twice
	inWave
)

// waves makes the waves and checks that they are the fleet, each target once.
// It returns nil when they are not.
func (p *Plan) waves(ps *problems) *compiled {
	var wp problems // what makes the waves unusable
	defer func() { *ps = append(*ps, wp...) }()
	marks := p.fleet(&wp)
	if p.Waves == nil {
		wp.add("Waves", "is nil: say how the fleet is split, such as OneThenDouble()")
		return nil
	}
	waves, err := p.Waves.Split(slices.Clone(p.Targets))
	if err != nil {
		wp.add("Waves", "%v", err)
		return nil
	}
	c := &compiled{spec: p.spec(), units: make([]unit, 0, len(p.Targets))}
	for w, wave := range waves {
		path := fmt.Sprintf("wave %d", w+1)
		sw := SpecWave{Ungated: wave.Ungated, Approval: wave.Approval}
		sw.Steps = c.steps(wave, marks, path, &wp)
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
	} else if missing := missing(p.Targets, marks); len(missing) > 0 && len(wp) == 0 {
		wp.add("Waves", "%d targets are in no wave, such as %s", len(missing), strings.Join(missing[:min(3, len(missing))], ", "))
	}
	if len(wp) > 0 {
		return nil
	}
	return c
}

// fleet marks the names of the plan's targets.
func (p *Plan) fleet(ps *problems) map[string]mark {
	marks := make(map[string]mark, len(p.Targets))
	for i := range p.Targets {
		t := &p.Targets[i]
		m := marks[t.Name]
		switch {
		case t.Name == "":
			ps.add(fmt.Sprintf("Targets[%d].Name", i), "is empty")
		case m == inFleet:
			ps.add(fmt.Sprintf("Targets[%d].Name", i), "%q is the name of another target", t.Name)
			m = twice
		case t.Weight < 0:
			ps.add(fmt.Sprintf("Targets[%d].Weight", i), "is negative (%d)", t.Weight)
		}
		marks[t.Name] = m | inFleet
	}
	return marks
}

// steps makes a wave's targets and steps the core's.
func (c *compiled) steps(wave Wave, marks map[string]mark, path string, ps *problems) []SpecStep {
	n := len(wave.Targets) + len(wave.Steps)
	if n == 0 {
		ps.add(path, "is empty: an empty wave would prove nothing")
	}
	steps := make([]SpecStep, 0, n)
	for _, t := range wave.Targets {
		m := marks[t.Name]
		if m&twice != 0 {
			continue // that is on the list already
		}
		if m&inFleet == 0 {
			ps.add(path, "target %q is not in Targets", t.Name)
		}
		if take(t.Name, m, marks, path, ps) {
			c.units = append(c.units, unit{target: t})
			steps = append(steps, SpecStep{ID: t.Name, Labels: t.Labels, Weight: t.Weight})
		}
	}
	for _, s := range wave.Steps {
		if s.Do == nil || (s.Undo == nil) != s.Irreversible {
			ps.add(path, "step %q: Do and Undo must both be set, or Undo be nil and the step Irreversible", s.ID)
		}
		if s.Weight < 0 {
			ps.add(path, "step %q has a negative weight (%d)", s.ID, s.Weight)
		}
		m := marks[s.ID]
		if m&inFleet != 0 {
			ps.add(path, "step %q has the name of a target", s.ID)
		}
		if take(s.ID, m, marks, path, ps) {
			c.units = append(c.units, unit{step: &s, target: Target{Name: s.ID, Labels: s.Labels, Weight: s.Weight}})
			steps = append(steps, SpecStep{ID: s.ID, Labels: s.Labels, Weight: s.Weight, Irreversible: s.Irreversible})
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

// take marks a name as in a wave, once.
func take(id string, m mark, marks map[string]mark, path string, ps *problems) bool {
	switch {
	case id == "":
		ps.add(path, "has a step without an ID")
	case m&inWave != 0:
		ps.add(path, "step %q is in a wave already", id)
	default:
		marks[id] = m | inWave
		return true
	}
	return false
}

func missing(targets []Target, marks map[string]mark) (names []string) {
	for i := range targets {
		if marks[targets[i].Name]&inWave == 0 {
			names = append(names, targets[i].Name)
		}
	}
	return names
}

// spec returns the plan's limits as the core takes them, without waves.
func (p *Plan) spec() *Spec {
	policy := p.Rollback.WithDefaults()
	concurrency := orDefault(p.Concurrency, DefaultConcurrency)
	return &Spec{
		Format: SpecFormat, Rollout: p.Name, Service: p.Release.Service, From: p.Release.From, To: p.Release.To,
		Concurrency: concurrency, WaveFailures: p.Failures.PerWave, Failures: p.Failures.Total,
		Guarded: len(p.Guards) > 0, OnFailure: p.OnFailure, HoldAtMost: p.HoldAtMost,
		Undo: SpecUndo{
			Parallel: orDefault(policy.Parallel, concurrency), Ramp: true, Deadline: policy.Deadline, Jitter: max(policy.Jitter, 0),
			Fast: names(policy.Fast), Older: slices.Clone(policy.Older), Fallback: names(policy.Fallback), Page: policy.Page != nil,
			Canary: len(policy.Canary.Checks) > 0, Verify: len(policy.Verify.Checks) > 0,
			Rehearse: policy.Rehearse, RTO: policy.RTO, RevertWindow: policy.RevertWindow, Domain: policy.Domain,
		},
	}
}

func names(all []rollback.Mitigation) (names []string) {
	for _, m := range all {
		names = append(names, m.Name)
	}
	return names
}
