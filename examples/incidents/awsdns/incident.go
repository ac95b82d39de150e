package awsdns

import (
	"context"
	"errors"
	"time"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
)

// Incident is the outage, told twice.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "awsdns", Title: "AWS DynamoDB DNS, us-east-1", When: "19-20 Oct 2025",
		Source: "https://aws.amazon.com/message/101925",
		Fault: "A slow worker wrote an outdated DNS plan over a newer one, since it had checked only once; a clean-up " +
			"deleted that plan, and with it every address of the endpoint.",
		Guardrail: "a stale write is refused when it is made, and no record may become empty; either would have done",
		Without:   func() (replay.Outcome, error) { return tell(unguarded{}) },
		With:      func() (replay.Outcome, error) { return tell(guarded()) },
	}
}

// guards are what is asked before the endpoint changes.
type guards interface {
	// apply is asked before a plan is written to the endpoint that has another.
	apply(ctx context.Context, plan, has uint64) error
	// remove is asked before a plan is deleted, which leaves so many addresses.
	remove(before, after int) error
}

// unguarded is how it was. That the plan is newer was checked when the work began.
type unguarded struct{}

func (unguarded) apply(context.Context, uint64, uint64) error { return nil }
func (unguarded) remove(int, int) error                       { return nil }

// both guards, at the write.
type both struct{ floor *guardrails.NeverEmpty }

func guarded() both {
	return both{floor: &guardrails.NeverEmpty{PlanOnly: true}}
}

func (both) apply(ctx context.Context, plan, has uint64) error {
	fence := guardrails.Fence{Seen: func(context.Context, string) (uint64, error) { return has, nil }}
	return fence.Check(ctx, guardrails.Action{Verb: guardrails.Deploy, Service: "dns", Target: "dynamodb", Sequence: plan})
}

func (b both) remove(before, after int) error { return b.floor.Plan("dynamodb", before, after) }

// tell lets two workers and a clean-up work on the endpoint. The order of things is what
// AWS has published; the plans' numbers, and the seconds between them, are made up.
func tell(g guards) (replay.Outcome, error) {
	const slow, newest, cleanUpBelow = 101, 110, 105
	ctx, o, d := context.Background(), replay.Outcome{Of: "of the endpoint's addresses"}, &replay.Diary{}
	e := newEndpoint(100)
	for plan := uint64(slow); plan <= newest; plan++ {
		e.plan(plan)
	}
	d.Wait(-70 * time.Second) // the story begins with the late write
	d.Say("worker 1 takes plan %d, checks that it is newer than %d, and is slow", slow, e.has)
	d.Wait(time.Minute)
	if err := e.apply(ctx, g, newest); err != nil {
		return o, err
	}
	d.Say("worker 2 applies plan %d: %d addresses", newest, e.addresses())
	d.Wait(10 * time.Second)

	late := e.apply(ctx, g, slow)
	switch {
	case errors.Is(late, guardrails.ErrStale):
		o.Refused = true
		d.Say("worker 1 comes with plan %d at last: %v", slow, late)
	case late != nil:
		return o, late
	default:
		d.Say("worker 1 writes plan %d over plan %d", slow, newest)
	}

	d.Wait(10 * time.Second)
	for plan := uint64(slow); plan < cleanUpBelow; plan++ {
		if err := e.remove(g, plan); err != nil {
			d.Say("worker 2 is to delete plan %d as outdated: %v", plan, err)
		}
	}
	d.Say("worker 2 has deleted what was outdated, up to plan %d: %d addresses are left", cleanUpBelow-1, e.addresses())
	o.Exposed = e.gone()

	d.Wait(10 * time.Second)
	e.plan(newest + 1)
	if err := e.apply(ctx, g, newest+1); err == nil {
		d.Say("the next plan, %d, is applied: %d addresses", newest+1, e.addresses())
		o.Ending = "the endpoint kept its addresses, and the next plan was applied"
		o.Story = d.Story()
		return o, nil
	}
	d.Say("the next plan, %d, cannot be applied: the plan that is active is gone", newest+1)
	const outage = 2*time.Hour + 52*time.Minute
	d.Wait(outage - d.Now())
	e.repair(newest + 1)
	d.Say("2:40 AM: repaired by hand, %d addresses; EC2 and load balancers take until 2:20 PM", e.addresses())
	o.Sum, o.Recover = true, d.Now()
	o.Ending = "no address, and no plan could be applied: repaired by hand"
	o.Story = d.Story()
	return o, nil
}
