package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// Removal is how much may be removed from a set. When both are set, both hold; when
// none is, nothing is said.
type Removal struct {
	// Percent is the share of the members, in (0, 100), rounded down: 10% of 8 is 0.
	Percent float64
	// Count is the number of members.
	Count int
}

// MaxRemoval caps how much is removed from a set: in one run, and how fast. A set is
// what others rely on, such as the servers of a pool, sites, rows or files. No
// override lifts it.
//
// What it would have bounded: in February 2017 an established playbook of AWS S3 was
// given one wrong input and removed more servers than was meant, so that two
// subsystems had to be restarted in full. The fix was this guard: to "remove capacity
// more slowly", and not below a minimum, which is NeverEmpty with a Min.
//
// It counts what is removed, set by set. What is added makes no room again: to swap
// every member of a set is to remove them all. A run is a rollout; outside of
// rollouts, it is the life of the guard. The rate is over all runs that share the
// guard. The percentage is of what the set had before what counts was removed from
// it.
//
// There are two ways to use it. In a rollout, Sets says what each step removes, and
// each step counts once, however often it is asked about. Code that removes things
// itself calls Plan before each removal; a guard for that alone says PlanOnly. A
// Plan that is let through counts, whatever becomes of the removal. One that is
// refused also stops a script that does not heed it: from then on Check refuses, for
// the life of the guard.
//
// It minds Deploy (and a verb it does not know), and leaves the others alone: what
// takes a change back is bounded by floors, not by its pace.
//
// The zero MaxRemoval has no cap and refuses every Deploy; Problems reports it. Use it
// by pointer; it is safe for concurrent use, and its fields must not be changed after
// the first call. It remembers every step of a rollout, so use a new one for each
// plan. An error, a panic and an empty answer of Sets are refused, and so is one that
// takes longer than five seconds.
type MaxRemoval struct {
	// Run caps what is removed in one run.
	Run Removal
	// Rate caps what is removed within any span of the length Per.
	Rate Removal
	Per  time.Duration
	// Sets says what the action removes from which sets. A set that is left as it is
	// has as many members after as before. It must be quick: it is asked before each
	// step.
	Sets func(ctx context.Context, act Action) ([]SetChange, error)
	// PlanOnly says that there is no Sets, since the code calls Plan before each removal.
	PlanOnly bool

	refused refusals

	mu   sync.Mutex
	runs map[removalRun]*removalTotal
	fast map[string][]removed // by set, oldest first
	once map[removalStep]SetChange
}

// removalRun is one run, and one set.
type removalRun struct{ rollout, set string }

// removalTotal is what was removed from a set in one run.
type removalTotal struct{ first, removed int }

// removalStep is what counts once.
type removalStep struct {
	rollout, target, set string
	issued               time.Time
}

// removed is what was removed at one time.
type removed struct {
	at time.Time
	n  int
}

// GuardName returns "max-removal".
func (m *MaxRemoval) GuardName() string { return "max-removal" }

// Problems reports every setting that makes no sense.
func (m *MaxRemoval) Problems(report func(path, msg string)) {
	if m.Run == (Removal{}) && m.Rate == (Removal{}) {
		report("Run", "neither Run nor Rate is set, so there is no cap and nothing would be let through")
	}
	m.Run.problems("Run", report)
	m.Rate.problems("Rate", report)
	switch {
	case m.Per < 0:
		report("Per", fmt.Sprintf("is negative (%v)", m.Per))
	case m.Rate != (Removal{}) && m.Per == 0:
		report("Per", "is zero: a rate needs a time")
	case m.Rate == (Removal{}) && m.Per > 0:
		report("Rate", fmt.Sprintf("is not set: how much may be removed within %v?", m.Per))
	}
	setProblems(m.Sets, m.PlanOnly, report)
}

func (r Removal) problems(path string, report func(path, msg string)) {
	if r.Percent != 0 && !(r.Percent > 0 && r.Percent < 100) {
		report(path+".Percent", fmt.Sprintf("is %v: want a percentage above 0, and below 100", r.Percent))
	}
	if r.Count < 0 || r.Count > math.MaxInt32 {
		report(path+".Count", fmt.Sprintf("is %d: want a number of members", r.Count))
	}
}

// limit is how many members of so many may be removed.
func (r Removal) limit(of int) (limit int, words string) {
	limit = math.MaxInt
	if r.Count > 0 {
		limit, words = r.Count, fmt.Sprint(r.Count)
	}
	if r.Percent > 0 {
		if n := int(share(r.Percent, int64(of))); n < limit {
			limit, words = n, fmt.Sprintf("%v%% of %d = %d", r.Percent, of, n)
		}
	}
	return limit, words
}

// Plan returns a *Breach if so much must not be removed from the set now, and nil if it
// may: then it counts as removed. Call it before the removal, with the figures of now.
func (m *MaxRemoval) Plan(set string, before, after int) error {
	c := SetChange{Set: set, Before: before, After: after}
	b := m.settings()
	if b == nil && c.wrong() != "" {
		b = m.no("it is not known what would be removed", c.wrong(), "Report the figures as they are.")
	}
	if b == nil {
		b = m.count("", nil, []SetChange{c})
	}
	if b != nil {
		m.refused.keep(b)
		return b
	}
	return nil
}

// Check returns a *Breach that holds when the action would remove more than may be,
// when it is not known how much it would, and after a Plan that was refused.
func (m *MaxRemoval) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Start, Unknown, Deploy: // and every verb to come
	}
	if b := m.settings(); b != nil {
		return b
	}
	if m.PlanOnly {
		if b := m.refused.kept(); b != nil {
			return b
		}
		return nil
	}
	if act.Verb == Start {
		return nil
	}
	changes, err := sets(m.Sets).of(ctx, act)
	if err != nil {
		b := m.no("it is not known what would be removed", err.Error(), "Find out why Sets can't tell. Nothing is removed on a guess.")
		b.Err = err
		return b
	}
	step := removalStep{rollout: act.Rollout, target: act.Target, issued: act.Issued.Round(0)}
	if b := m.count(act.Rollout, &step, changes); b != nil {
		return b
	}
	return nil
}

// settings is a no because of them.
func (m *MaxRemoval) settings() *Breach {
	if wrong := firstProblem(m); wrong != "" {
		return m.no("the cap is not a cap", wrong, "Correct the settings of MaxRemoval.")
	}
	return nil
}

// count lets the changes through and counts them; or, if one of them is too much, none.
// A step that was counted before counts only for what it removes beyond that.
func (m *MaxRemoval) count(rollout string, step *removalStep, changes []SetChange) *Breach {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs == nil {
		m.runs = make(map[removalRun]*removalTotal)
		m.fast = make(map[string][]removed)
		m.once = make(map[removalStep]SetChange)
	}
	more := make(map[string]int) // by set, of this call
	for _, c := range changes {
		n := max(0, c.Before-c.After)
		if step != nil {
			step.set = c.Set
			if was, again := m.once[*step]; again {
				n = max(0, n-max(0, was.Before-was.After))
			}
		}
		more[c.Set] += n
		if n > 0 {
			if b := m.tooMuch(now, rollout, c, more[c.Set]); b != nil {
				return b
			}
		}
	}
	for _, c := range changes {
		if step != nil {
			step.set = c.Set
			if was, again := m.once[*step]; !again || was.Before-was.After < c.Before-c.After {
				m.once[*step] = c
			}
		}
		n := more[c.Set]
		delete(more, c.Set)
		run := removalRun{rollout, c.Set}
		if m.runs[run] == nil {
			m.runs[run] = &removalTotal{first: c.Before}
		}
		m.runs[run].removed += n
		if n > 0 && m.Per > 0 {
			m.fast[c.Set] = append(m.fast[c.Set], removed{now, n})
		}
	}
	return nil
}

// tooMuch says why n more must not be removed from a set. The caller holds mu.
func (m *MaxRemoval) tooMuch(now time.Time, rollout string, c SetChange, n int) *Breach {
	if m.Run != (Removal{}) {
		total := removalTotal{first: c.Before}
		if t := m.runs[removalRun{rollout, c.Set}]; t != nil {
			total = *t
		}
		of := min(total.first, c.Before+total.removed)
		if limit, words := m.Run.limit(of); total.removed+n > limit {
			return m.no(fmt.Sprintf("%d of %d members of %s would be removed", total.removed+n, of, c.Set),
				fmt.Sprintf("%d now, and %d before in this run; the cap of a run is %s", n, total.removed, words), runbookRemoval)
		}
	}
	if m.Rate != (Removal{}) {
		recent := m.fast[c.Set]
		for len(recent) > 0 && now.Sub(recent[0].at) >= m.Per {
			recent = recent[1:]
		}
		m.fast[c.Set] = recent
		before := 0
		for _, r := range recent {
			before += r.n
		}
		of := c.Before + before
		if limit, words := m.Rate.limit(of); before+n > limit {
			return m.no(fmt.Sprintf("%d of %d members of %s would be removed within %v", before+n, of, c.Set, m.Per),
				fmt.Sprintf("%d now, and %d before; the cap within %v is %s", n, before, m.Per, words), cmp.Or(m.waits(recent), runbookRemoval))
		}
	}
	return nil
}

const runbookRemoval = "See whether so much was meant to be removed: the wrong input, the wrong ids? If it was, do it in several runs, " +
	"and look at what the others rely on in between. No override lifts this cap."

// waits says when there is room again.
func (m *MaxRemoval) waits(recent []removed) string {
	if len(recent) == 0 {
		return ""
	}
	return fmt.Sprintf("Wait: the first of it no longer counts at %s. If it was not meant to be removed, stop. No override lifts this cap.",
		recent[0].at.Add(m.Per).UTC().Format(time.RFC3339))
}

// SelfTest has a copy with the same caps refuse to remove a whole set.
func (m *MaxRemoval) SelfTest(context.Context) error {
	if wrong := firstProblem(m); wrong != "" {
		return errors.New(wrong)
	}
	for _, probe := range []*MaxRemoval{{Run: m.Run, PlanOnly: true}, {Rate: m.Rate, Per: m.Per, PlanOnly: true}} {
		if probe.Run == (Removal{}) && probe.Rate == (Removal{}) {
			continue
		}
		all := 2*max(probe.Run.Count, probe.Rate.Count) + 1000
		if probe.Plan("self-test", all, 0) == nil {
			return fmt.Errorf("it let through the removal of all %d members of a set", all)
		}
		if err := probe.Plan("other", all, all); err != nil {
			return fmt.Errorf("it refused to remove nothing: %w", err)
		}
	}
	return nil
}

func (m *MaxRemoval) no(reason, evidence, runbook string) *Breach {
	return &Breach{Guard: m.GuardName(), Consequence: Hold, Reason: reason, Evidence: evidence, Runbook: runbook, Cap: true}
}
