package awsdns

import (
	"context"
	"errors"
)

// perPlan is how many addresses each plan has.
const perPlan = 3

// errNoActive is what left the workers stuck.
var errNoActive = errors.New("the active plan does not exist")

// endpoint is a DNS record whose addresses are those of its active plan, and the plans
// that there are.
type endpoint struct {
	has   uint64 // the active plan
	plans map[uint64]int
}

func newEndpoint(plan uint64) *endpoint {
	return &endpoint{has: plan, plans: map[uint64]int{plan: perPlan}}
}

// plan is what the planner makes.
func (e *endpoint) plan(plan uint64) { e.plans[plan] = perPlan }

func (e *endpoint) addresses() int { return e.plans[e.has] }

// gone is the share of the addresses that are not there, in percent.
func (e *endpoint) gone() float64 { return 100 * float64(perPlan-e.addresses()) / perPlan }

// apply makes a plan the active one.
func (e *endpoint) apply(ctx context.Context, g guards, plan uint64) error {
	if _, exists := e.plans[e.has]; !exists {
		return errNoActive
	}
	if err := g.apply(ctx, plan, e.has); err != nil {
		return err
	}
	e.has = plan
	return nil
}

// remove deletes a plan.
func (e *endpoint) remove(g guards, plan uint64) error {
	after := e.addresses()
	if plan == e.has {
		after = 0
	}
	if err := g.remove(e.addresses(), after); err != nil {
		return err
	}
	delete(e.plans, plan)
	return nil
}

// repair is what people did in the end.
func (e *endpoint) repair(plan uint64) { e.has = plan }
