package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
)

// Hash identifies what the plan would do: the release, the waves by name with their
// targets, labels and weights, their gates with the names and settings of the checks,
// the names of the guards, and all limits. An approval is given for it: a plan that has
// changed since has another. It does not cover what guards, judges and sources are
// made of, which need not be data. The error is ErrInvalidPlan, as
// from Validate.
func (p *Plan) Hash() (string, error) {
	c, err := p.compile()
	if err != nil {
		return "", err
	}
	return c.hash(p)
}

func (c *compiled) hash(p *Plan) (string, error) {
	spec := *c.spec
	spec.Checks = nil // what was learnt on the way is not the plan
	data, err := json.Marshal(struct {
		Spec      *Spec
		Release   Release
		Locks     []string
		Gates     []gateData
		Guards    []string
		Rollback  backData
		Tolerance [4]int64
	}{
		&spec, p.Release, p.locks(), gatesData(c.gates), p.guardNames(), backDataOf(p.Rollback.WithDefaults()),
		[4]int64{int64(p.StepTimeout), int64(p.GuardInterval), int64(p.OnFailure), int64(p.Failures.Total)},
	})
	if err != nil {
		return "", fmt.Errorf("rollout: hashing the plan: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// gateData is what a hash covers of a gate.
type gateData struct {
	Bake                   analysis.Bake
	Interval, Compare      time.Duration
	Alpha, Beta, PassScore float64
	OnDeadline             analysis.DeadlinePolicy
	IfBurning, NoPreflight string
	Checks                 []checkData
}

// checkData is what a hash covers of a check. The judge goes by its type.
type checkData struct {
	Name, Judge           string
	Critical, Shadow      bool
	Weight                float64
	Slow, Window, Timeout time.Duration
	NoData                analysis.NoDataPolicy
	NoDataAfter           int
}

// backData is what a hash covers of the way back, beyond the spec.
type backData struct {
	Batch                   float64
	Attempts                int
	Timeout, Backoff, Takes time.Duration
	Limits                  []time.Duration
	Gates                   []gateData
}

func backDataOf(p rollback.Policy) backData {
	d := backData{p.Batch, p.Attempts, p.Timeout, p.Backoff, p.Takes, nil, gatesData([]*analysis.Gate{&p.Canary, &p.Verify})}
	for _, m := range slices.Concat(p.Fast, p.Fallback) {
		d.Limits = append(d.Limits, m.Limit())
	}
	return d
}

func gatesData(from []*analysis.Gate) []gateData {
	gates := make([]gateData, len(from))
	for i, g := range from {
		if g == nil {
			continue
		}
		gates[i] = gateData{
			g.Bake, g.Interval, g.Compare, g.Alpha, g.Beta, g.PassScore, g.OnDeadline, g.IfBurning.String(), g.NoPreflight, nil,
		}
		for _, k := range g.Checks {
			gates[i].Checks = append(gates[i].Checks, checkData{
				k.Name, fmt.Sprintf("%T", k.Judge), k.Critical, k.Shadow, k.Weight, k.Slow, k.Window, k.Timeout, k.NoData, k.NoDataAfter,
			})
		}
	}
	return gates
}

func (p *Plan) guardNames() (names []string) {
	for _, g := range p.Guards {
		names = append(names, guardrails.Name(g))
	}
	return names
}

// longest is how long the rollout can take at most, without holds: every step its
// timeout, as many at once as may be, and every gate its deadline.
func (c *compiled) longest(p *Plan) time.Duration {
	total := time.Duration(0)
	for w, wave := range c.spec.Waves {
		rounds := (len(wave.Steps) + c.spec.Concurrency - 1) / c.spec.Concurrency
		total += time.Duration(rounds) * orDefault(p.StepTimeout, DefaultStepTimeout)
		if gate := c.gates[w]; wave.Ungated == "" && gate != nil {
			total += gate.Deadline()
		}
	}
	return total
}

// ofPlan adds to an action what the plan as a whole says of it.
func (e *engine) ofPlan(act guardrails.Action) guardrails.Action {
	act.Plan, act.Longest, act.Fence = e.hash, e.longest, e.session.Epoch()
	return act
}
