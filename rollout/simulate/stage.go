package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// Stage is a plan that is ready to be played, again and again, by many goroutines at
// once. Its guards and judges must allow that.
type Stage struct {
	spec   *rollout.Spec
	steps  []*rollout.SpecStep
	waves  []int32 // by step, from 0
	index  map[string]int32
	gates  []*analysis.Gate // by wave; nil where the Model decides
	needs  [][]need         // by wave: what must have been seen before its gate passes
	shares int              // how many distinct gates share the plan's error rate
	canary analysis.Gate    // of the way back
	verify analysis.Gate

	guards []guardrails.Guard
	names  []string // of the guards
	moody  bool     // a guard may change its mind with nothing having happened
	action guardrails.Action
	every  time.Duration // between two rounds of guards

	stepTimeout, undoTimeout time.Duration
}

// need is a check that must have seen fresh data before a gate may pass.
type need struct {
	check string
	fresh time.Duration
}

// Prepare makes a plan ready to be played. The error is that of the plan's Validate.
func Prepare(plan *rollout.Plan) (*Stage, error) {
	if plan == nil {
		return nil, errors.New("simulate: the plan is nil")
	}
	spec, err := plan.Spec()
	if err != nil {
		return nil, err
	}
	gates, err := plan.Gates()
	if err != nil {
		return nil, err
	}
	st := stageOf(spec, gates)
	policy := plan.Rollback.WithDefaults()
	st.canary, st.verify = policy.Canary, policy.Verify
	st.stepTimeout = plan.StepTimeout
	st.undoTimeout = time.Duration(policy.Attempts) * policy.Timeout
	st.every = plan.GuardInterval
	st.action = guardrails.Action{
		Rollout: plan.Name, Service: plan.Release.Service, From: plan.Release.From, To: plan.Release.To,
		Issued: plan.Release.Issued, Sequence: plan.Release.Sequence, Longest: st.longest(),
	}
	if st.action.Plan, err = plan.Hash(); err != nil {
		return nil, err
	}
	st.guarded(plan.Guards)
	return st, nil
}

// Play simulates one rollout of a plan, with its own gates and guards, in a world. To
// play a plan many times, Prepare it.
func Play(plan *rollout.Plan, world World, seed uint64) (*Trace, error) {
	st, err := Prepare(plan)
	if err != nil {
		return nil, err
	}
	return st.Play(world, seed)
}

// Spec returns the plan as the core sees it.
func (st *Stage) Spec() *rollout.Spec { return st.spec }

// stageOf sets the stage for a spec, with the gates by wave.
func stageOf(spec *rollout.Spec, gates []*analysis.Gate) *Stage {
	n := 0
	for _, w := range spec.Waves {
		n += len(w.Steps)
	}
	st := &Stage{
		spec: spec, steps: make([]*rollout.SpecStep, 0, n), waves: make([]int32, 0, n), index: make(map[string]int32, n),
		gates: make([]*analysis.Gate, len(spec.Waves)), needs: make([][]need, len(spec.Waves)),
	}
	for w := range spec.Waves {
		for k := range spec.Waves[w].Steps {
			step := &spec.Waves[w].Steps[k]
			st.index[step.ID] = int32(len(st.steps))
			st.steps, st.waves = append(st.steps, step), append(st.waves, int32(w))
		}
	}
	distinct := make(map[*analysis.Gate]bool)
	for w, g := range gates {
		if g == nil || spec.Waves[w].Ungated != "" {
			continue
		}
		distinct[g] = true
		st.gates[w] = g
		if g.PassScore > 0 {
			continue // not every check has to pass
		}
		for i := range g.Checks {
			c := &g.Checks[i]
			if c.Shadow || c.Slow > 0 || c.NoData == analysis.AbstainOnNoData {
				continue
			}
			timeout := c.Timeout
			if timeout <= 0 {
				timeout = g.Every()
			}
			st.needs[w] = append(st.needs[w], need{c.Name, 3*g.Every() + timeout})
		}
	}
	st.shares = max(1, len(distinct))
	return st
}

// longest is how long the rollout can take at most, without holds: every step its
// timeout, as many at once as may be, and every gate its deadline.
func (st *Stage) longest() time.Duration {
	total := time.Duration(0)
	for w, wave := range st.spec.Waves {
		rounds := (len(wave.Steps) + st.spec.Concurrency - 1) / st.spec.Concurrency
		total += time.Duration(rounds) * orDefault(st.stepTimeout, rollout.DefaultStepTimeout)
		if gate := st.gates[w]; gate != nil {
			total += gate.Deadline()
		}
	}
	return total
}

func (st *Stage) guarded(guards []guardrails.Guard) {
	st.guards = guards
	used := make(map[string]int)
	for _, g := range guards {
		name := guardrails.Name(g)
		if used[name]++; used[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, used[name])
		}
		st.names = append(st.names, name)
		if _, static := g.(guardrails.Static); !static {
			st.moody = true
		}
	}
}
