package guardrails

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// DomainGap keeps time between one domain and the next: a rollout that has changed
// something in one region begins with another one only after nothing was changed for
// Gap, so that what goes wrong late goes wrong in one region.
//
// What it would have bounded: Datadog, 8 March 2023. Unattended updates ran between 06:00
// and 07:00 UTC in all five regions, on three clouds, and took the network away from tens
// of thousands of nodes within that hour. What people did, they did in one region at a
// time.
//
// A domain has begun when a target in it was exposed before; the steps after that do not
// wait, and neither does the first domain of a rollout. A plan that goes to and fro
// between domains so waits once for each.
//
// It minds Deploy and a verb that it does not know, and lets everything else pass.
//
// When a rollout's domains were last changed it remembers by its own checks, for each
// rollout by itself. A crash loses that: which domains have begun, act.Fleet tells all
// the same (but for one whose only step is tried again), and Gap is waited for in full,
// from the first check on. So a crash makes the wait longer, never shorter. Of more than a thousand rollouts the one that was longest
// idle is forgotten in that manner.
//
// It holds for as long as Gap, so the plan must be ready to be held that long. The zero
// DomainGap holds every Deploy; Problems says why. Use it by pointer. Its methods are
// safe for concurrent use; the fields must not be changed after the first of them is
// called. Domains keeps paired ones apart; no override lifts that, but a human may lift
// this.
type DomainGap struct {
	// Label names the label that makes domains, such as "region". Required.
	Label string
	// Gap is how long nothing is changed before the next domain. Required.
	Gap time.Duration

	mu       sync.Mutex
	rollouts map[string]*gapRollout
}

// gapRollout is what is known of a rollout.
type gapRollout struct {
	first, last time.Time            // the first and the last check that counted
	touched     map[string]time.Time // by domain: when it was last changed
}

// maxGapRollouts bounds the memory.
const maxGapRollouts = 1000

// GuardName returns "domain-gap", and with Label "domain-gap/region".
func (d *DomainGap) GuardName() string {
	if d.Label == "" {
		return "domain-gap"
	}
	return "domain-gap/" + d.Label
}

// Problems reports every setting that makes no sense.
func (d *DomainGap) Problems(report func(path, msg string)) {
	if d.Label == "" {
		report("Label", "is empty, so nobody could tell where a target is")
	}
	if d.Gap <= 0 {
		report("Gap", fmt.Sprintf("is %v, so there would be no time between domains", d.Gap))
	}
}

// Check returns a *Breach that holds when the step begins with another domain too early,
// and when that cannot be told.
func (d *DomainGap) Check(_ context.Context, act Action) error {
	switch act.Verb {
	case Start, Bake, Undo, Recover:
		return nil
	case Unknown, Deploy: // and every verb to come
	}
	domain := act.Labels[d.Label]
	switch {
	case d.Label == "" || d.Gap <= 0:
		return d.breach("the gap is not a gap", firstProblem(d), "Correct the plan's DomainGap.")
	case domain == "":
		return d.breach("it is not known where the target is", fmt.Sprintf("it has no label %q", d.Label), "Give every target the label.")
	case act.Fleet == nil:
		return d.breach("it is not known where the change has been before", "the action carries no fleet", "Run this through a rollout, which counts what it exposes.")
	}
	all, here := act.Fleet.Tally("", ""), act.Fleet.Tally(d.Label, domain)
	if here.Exposed < 1 || all.Exposed < here.Exposed {
		return d.breach("it is not known where the change has been before", fmt.Sprintf("the count makes no sense: %d exposed in %q, %d in all", here.Exposed, domain, all.Exposed),
			"Report this: the fleet's count is a bug.")
	}
	return d.turn(act.Rollout, domain, time.Now(), here.Exposed > 1, all.Exposed > here.Exposed)
}

// turn notes the step if it may be. begun says that the domain has had a step before,
// elsewhere that another one has.
func (d *DomainGap) turn(rollout, domain string, now time.Time, begun, elsewhere bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rollouts[rollout]
	if r == nil {
		r = d.remember(rollout, now)
	}
	r.last = now
	if _, ok := r.touched[domain]; !ok && !begun && elsewhere {
		since, where, known := r.first, "", false
		for other, at := range r.touched {
			if !known || at.After(since) {
				since, where, known = at, other, true
			}
		}
		if wait := d.Gap - now.Sub(since); wait > 0 {
			evidence := fmt.Sprintf("the last change was in %q, %v ago; the gap is %v, so it opens at %s",
				where, now.Sub(since).Round(time.Second), d.Gap, since.Add(d.Gap).UTC().Format(time.RFC3339))
			if !known {
				evidence = fmt.Sprintf("when the last change was is not known to this process; the gap of %v is waited for from %s on", d.Gap, since.UTC().Format(time.RFC3339))
			}
			return d.breach(fmt.Sprintf("it is too early to begin with %s %q, after another one was changed", d.Label, domain), evidence,
				fmt.Sprintf("Nothing to do: this ends in %v. Watch the domain that was changed.", wait.Round(time.Second)))
		}
	}
	r.touched[domain] = now
	return nil
}

// remember makes room for a rollout. The caller holds mu.
func (d *DomainGap) remember(rollout string, now time.Time) *gapRollout {
	if d.rollouts == nil {
		d.rollouts = make(map[string]*gapRollout)
	}
	if len(d.rollouts) >= maxGapRollouts {
		idle, oldest := "", now
		for name, r := range d.rollouts {
			if !r.last.After(oldest) {
				idle, oldest = name, r.last
			}
		}
		delete(d.rollouts, idle)
	}
	r := &gapRollout{first: now, touched: make(map[string]time.Time)}
	d.rollouts[rollout] = r
	return r
}

func (d *DomainGap) breach(reason, evidence, runbook string) *Breach {
	return &Breach{Guard: d.GuardName(), Consequence: Hold, Reason: reason, Evidence: evidence, Runbook: runbook}
}

// SelfTest has the same gap refuse a second domain at once after a first one.
func (d *DomainGap) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(d); wrong != "" {
		return errors.New(wrong)
	}
	fresh := &DomainGap{Label: d.Label, Gap: d.Gap}
	one := Action{Verb: Deploy, Rollout: "self-test", Labels: map[string]string{d.Label: "a"}, Fleet: exposedHere(1)}
	if err := fresh.Check(ctx, one); err != nil {
		return fmt.Errorf("it refused the first domain of a rollout: %w", err)
	}
	one.Labels, one.Fleet = map[string]string{d.Label: "b"}, exposedHere(2)
	return mustRefuse(ctx, fresh, one, "a second domain at once after the first")
}

// exposedHere is a fleet of which so many targets are exposed, and one of each domain.
type exposedHere int

// Tally implements Fleet.
func (f exposedHere) Tally(label, _ string) Tally {
	if label == "" {
		return Tally{Targets: int(f) + 1, Exposed: int(f), Unproven: int(f)}
	}
	return Tally{Targets: 2, Exposed: 1, Unproven: 1}
}
