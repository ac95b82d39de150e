package guardrails

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// SetChange is what becomes of a set that others rely on: the addresses of a DNS
// record, the servers of a pool, the rows of a table.
type SetChange struct {
	// Set names it.
	Set string
	// Before is how many members it has before the change, After how many then.
	Before, After int
}

func (c SetChange) wrong() string {
	switch {
	case c.Set == "":
		return "a set has no name"
	case c.Before < 0 || c.After < 0:
		return fmt.Sprintf("%s would have %d members after %d, which cannot be", c.Set, c.After, c.Before)
	}
	return ""
}

// sets is where NeverEmpty and MaxRemoval learn what becomes of the sets.
type sets func(ctx context.Context, act Action) ([]SetChange, error)

// of asks what an action does. An answer that says nothing is an error.
func (s sets) of(ctx context.Context, act Action) ([]SetChange, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, errSilent)
	defer cancel()
	changes, err := guarded(ctx, func(ctx context.Context) ([]SetChange, error) { return s(ctx, act) })
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, errors.New("the function Sets named no set: for an action that changes none, it should name one with as many members as before")
	}
	seen := make(map[string]bool, len(changes))
	for _, c := range changes {
		if wrong := c.wrong(); wrong != "" {
			return nil, errors.New(wrong)
		}
		if seen[c.Set] {
			return nil, fmt.Errorf("the set %s is named twice", c.Set)
		}
		seen[c.Set] = true
	}
	return changes, nil
}

// setProblems reports a guard that would not learn of any change.
func setProblems(s sets, planOnly bool, report func(path, msg string)) {
	switch {
	case s == nil && !planOnly:
		report("Sets", "is nil, so that nobody says what would be removed: set it, or PlanOnly if the code calls Plan before each change")
	case s != nil && planOnly:
		report("PlanOnly", "is set, and Sets too: is it the code that says what it removes, or Sets?")
	}
}

// refusals remembers the first no to a Plan, so that who does not heed it is stopped.
type refusals struct {
	mu    sync.Mutex
	first *Breach
}

func (r *refusals) keep(b *Breach) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = b
	}
}

func (r *refusals) kept() *Breach {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// firstProblem is what is wrong with a guard's settings, empty for nothing.
func firstProblem(p problemer) (wrong string) {
	p.Problems(func(path, msg string) {
		if wrong == "" {
			wrong = path + " " + msg
		}
	})
	return wrong
}
