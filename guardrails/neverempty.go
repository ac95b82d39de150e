package guardrails

import (
	"context"
	"errors"
	"fmt"
)

// NeverEmpty refuses what would leave a set empty that others rely on, or below a
// floor: the addresses of a DNS record, the servers of a pool, the rules of a
// firewall. No override lifts it.
//
// What it would have stopped: in October 2025 the automation behind the DNS records of
// AWS DynamoDB deleted a plan as outdated which was the one in use, so that "all IP
// addresses for the regional endpoint were immediately removed". Each part had
// worked as it was made to. That a record with no address can be no one's intention
// was checked by nobody.
//
// There are two ways to use it. In a rollout, Sets says what each step does to which
// set. Code that changes sets itself, such as a clean-up, calls Plan before each
// change; a guard for that alone says PlanOnly. A refused Plan also stops a script
// that does not heed it: from then on Check refuses, for the life of the guard, what
// goes forward.
//
// It minds Deploy (and a verb it does not know), and Undo as well: to take a change
// back so that nothing is left is an outage too. It leaves Bake and Recover alone,
// which change nothing. At a Start it knows of no step yet.
//
// The zero NeverEmpty knows of no sets and refuses every Deploy and Undo; Problems
// reports it. Use it by pointer; it is safe for concurrent use, and its fields must
// not be changed after the first call. An error, a panic and an empty answer of Sets
// are refused, and so is an answer that takes longer than five seconds.
type NeverEmpty struct {
	// Min is the fewest members that a set may be left with. Zero means 1. A set that
	// has fewer may grow.
	Min int
	// Sets says what the action does to the sets that it changes. A set that is left as
	// it is has as many members after as before. It must be quick: it is asked before
	// each step.
	Sets func(ctx context.Context, act Action) ([]SetChange, error)
	// PlanOnly says that there is no Sets, since the code calls Plan before each change.
	PlanOnly bool

	refused refusals
}

// GuardName returns "never-empty".
func (n *NeverEmpty) GuardName() string { return "never-empty" }

// Problems reports every setting that makes no sense.
func (n *NeverEmpty) Problems(report func(path, msg string)) {
	if n.Min < 0 {
		report("Min", fmt.Sprintf("is negative (%d): want a number of members", n.Min))
	}
	setProblems(n.Sets, n.PlanOnly, report)
}

// Plan returns a *Breach if the set must not be changed like that, and nil if it may.
// Call it before the change, with the figures of now.
func (n *NeverEmpty) Plan(set string, before, after int) error {
	c := SetChange{Set: set, Before: before, After: after}
	if b := n.breach(c); b != nil {
		n.refused.keep(b)
		return b
	}
	return nil
}

// Check returns a *Breach that holds when the action would leave a set empty or below
// the floor, when it is not known whether it would, and after a Plan that was refused.
func (n *NeverEmpty) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Recover:
		return nil
	case Undo, Start, Unknown, Deploy: // and every verb to come
	}
	if wrong := firstProblem(n); wrong != "" {
		return n.no("the floor is not a floor", wrong, "Correct the settings of NeverEmpty.")
	}
	if n.PlanOnly {
		if b := n.refused.kept(); b != nil && !act.Verb.Backward() {
			return b
		}
		return nil
	}
	if act.Verb == Start {
		return nil
	}
	changes, err := sets(n.Sets).of(ctx, act)
	if err != nil {
		b := n.no("it is not known what would be left of the sets", err.Error(), "Find out why Sets can't tell. Nothing is removed on a guess.")
		b.Err = err
		return b
	}
	for _, c := range changes {
		if b := n.breach(c); b != nil {
			return b
		}
	}
	return nil
}

// SelfTest has a copy with the same floor refuse to empty a set.
func (n *NeverEmpty) SelfTest(context.Context) error {
	if wrong := firstProblem(n); wrong != "" {
		return errors.New(wrong)
	}
	probe := &NeverEmpty{Min: n.Min}
	for _, c := range []SetChange{{"self-test", n.floor() + 1, 0}, {"self-test", 0, 0}, {"self-test", n.floor() + 1, n.floor() - 1}} {
		if probe.Plan(c.Set, c.Before, c.After) == nil {
			return fmt.Errorf("it let through a set that goes from %d members to %d", c.Before, c.After)
		}
	}
	return nil
}

func (n *NeverEmpty) floor() int { return max(n.Min, 1) }

func (n *NeverEmpty) breach(c SetChange) *Breach {
	evidence := fmt.Sprintf("%d members now, %d then; the floor is %d", c.Before, c.After, n.floor())
	const runbook = "Find out where the members went: a plan that is outdated, a filter that matches nothing, a query that failed. No override lifts this floor."
	switch {
	case c.wrong() != "":
		return n.no("it is not known what would be left of the sets", c.wrong(), "Report the figures as they are.")
	case c.After == 0:
		return n.no(fmt.Sprintf("%s would be empty", c.Set), evidence, runbook)
	case c.After < n.floor() && c.After <= c.Before:
		return n.no(fmt.Sprintf("%s would be left with %d members", c.Set, c.After), evidence, runbook)
	}
	return nil
}

func (n *NeverEmpty) no(reason, evidence, runbook string) *Breach {
	return &Breach{Guard: n.GuardName(), Consequence: Hold, Reason: reason, Evidence: evidence, Runbook: runbook, Cap: true}
}
