package rollout

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

// Validate finds every problem of the plan at once, each with its arithmetic,
// and returns them as a *PlanError; nil when there are none. It touches nothing.
func (p *Plan) Validate() error {
	_, err := p.compile()
	return err
}

// problems collects what is wrong with a plan.
type problems []*FieldError

func (ps *problems) add(path, format string, args ...any) {
	*ps = append(*ps, &FieldError{path, fmt.Sprintf(format, args...)})
}

func (ps *problems) under(prefix string) func(path, msg string) {
	return func(path, msg string) { *ps = append(*ps, &FieldError{prefix + "." + path, msg}) }
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

func (p *Plan) compile() (*compiled, error) {
	var ps problems
	if !namePattern.MatchString(p.Name) {
		ps.add("Name", "%q: want 1 to 128 letters, digits, dots, dashes and underscores, and a letter or digit first", p.Name)
	}
	p.Release.problems(ps.under("Release"))
	p.Rollback.Problems(ps.under("Rollback"))
	p.limits(&ps)
	for i, g := range p.Guards {
		if g == nil {
			ps.add(fmt.Sprintf("Guards[%d]", i), "is nil: it could let nothing through")
		} else if pr, ok := g.(analysis.Problemer); ok {
			pr.Problems(ps.under(fmt.Sprintf("Guards[%d]", i)))
		}
	}
	c := p.waves(&ps)
	if c != nil {
		p.arithmetic(c, &ps)
	}
	if len(ps) > 0 {
		return nil, &PlanError{ps}
	}
	return c, nil
}

// limits checks the plan's plain numbers.
func (p *Plan) limits(ps *problems) {
	for _, n := range []struct {
		path  string
		value int64
	}{
		{"Concurrency", int64(p.Concurrency)}, {"StepTimeout", int64(p.StepTimeout)}, {"HoldAtMost", int64(p.HoldAtMost)},
		{"GuardInterval", int64(p.GuardInterval)}, {"Failures.PerWave", int64(p.Failures.PerWave)}, {"Failures.Total", int64(p.Failures.Total)},
	} {
		if n.value < 0 {
			ps.add(n.path, "is negative (%d)", n.value)
		}
	}
	if !(p.Floor >= 0 && p.Floor <= 100) {
		ps.add("Floor", "is %v: want a percentage from 0 to 100", p.Floor)
	}
	if p.OnFailure > Freeze {
		ps.add("OnFailure", "unknown policy %d", p.OnFailure)
	}
	if p.Failures.PerWave > 0 && p.Failures.Total == 0 {
		ps.add("Failures", "a wave may have %d failed steps, but the rollout none: set Total too", p.Failures.PerWave)
	}
	if slices.Contains(p.Locks, "") {
		ps.add("Locks", "has an empty name")
	}
}

// arithmetic checks what only shows once the waves are made.
func (p *Plan) arithmetic(c *compiled, ps *problems) {
	fleet := len(c.units)
	c.spec.Undo.Batch = p.Rollback.Size(fleet)
	if p.Floor > 0 {
		floor := roundUp(p.Floor, fleet)
		if c.spec.MaxDown = fleet - floor; c.spec.MaxDown < 1 {
			ps.add("Floor", "%v%% of %d targets is %d that must serve at any time, so none could ever be changed: lower the floor or enlarge the fleet", p.Floor, fleet, floor)
			return
		}
	}
	first, all := int64(0), int64(0)
	for w := range c.spec.Waves {
		for k := range c.spec.Waves[w].Steps {
			weight := max(c.spec.Waves[w].Steps[k].Weight, 1)
			if weight > math.MaxInt64-all {
				ps.add("Targets", "the weights add up to more than %d: use a larger unit", int64(math.MaxInt64))
				return
			}
			all += weight
		}
		if w == 0 {
			first = all
		}
	}
	if first == all && p.AllowBigBang == "" {
		ps.add("Waves", "the first wave is the whole fleet (%d of %d by weight), so nothing would be learnt before everything is exposed: make it smaller, or set AllowBigBang to the reason why not", first, all)
	}
	p.wayBack(c, ps)
	p.caps(c, ps)
}

// caps asks the guards that need nothing but the action about every step, as
// the waves would have it: a cap that every run would break is a fault of the
// plan.
func (p *Plan) caps(c *compiled, ps *problems) {
	var guards []guardrails.Guard
	for _, g := range p.Guards {
		if _, ok := g.(guardrails.Static); ok {
			guards = append(guards, g)
		}
	}
	if len(guards) == 0 {
		return
	}
	var state State
	if err := state.load(c.spec); err != nil {
		ps.add("Waves", "%v", err)
		return
	}
	for w, wave := range c.spec.Waves {
		state.wave = w
		for k, s := range wave.Steps {
			state.set(int32(state.bounds[w]+k), StepDone)
			act := p.action(guardrails.Deploy, w+1)
			act.Target, act.Labels, act.Weight, act.Fleet = s.ID, s.Labels, max(s.Weight, 1), &state
			if b := guardrails.Check(context.Background(), guards, act); b != nil {
				ps.add("Guards", "wave %d of %d steps could never pass %s: %s (%s)", w+1, len(wave.Steps), b.Guard, b.Reason, b.Evidence)
				return
			}
		}
		state.prove()
	}
}

// action returns what the guards are asked about, but for the target.
func (p *Plan) action(verb guardrails.Verb, wave int) guardrails.Action {
	return guardrails.Action{
		Verb: verb, Rollout: p.Name, Service: p.Release.Service, From: p.Release.From, To: p.Release.To, Wave: wave,
		Issued: p.Release.Issued, Sequence: p.Release.Sequence,
	}
}
