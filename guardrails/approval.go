package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Defaults of an Approval.
const (
	DefaultApprovals     = 2
	DefaultApprovalValid = 24 * time.Hour
	DefaultApprovalEvery = 5 * time.Second
)

// maxApprovalValid is the most that an approval may be valid: what never expires says
// nothing of today.
const maxApprovalValid = 90 * day

// maxSkew is how far in the future the clock of another machine may be.
const maxSkew = time.Minute

// Approved is one person's word on one plan.
type Approved struct {
	At time.Time `json:"at"`
	// Actor is who says so. Names that differ in case only are one person's.
	Actor string `json:"actor"`
	// Plan is the hash of the plan that was looked at.
	Plan string `json:"plan"`
	// Rejected makes it a no. The last word of a person counts.
	Rejected bool   `json:"rejected,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// An Approval lets a plan be carried out that enough people have approved, who are not
// its author. An approval is given for the plan's hash: for a plan that was changed
// since, by one target or one percent, it does not count.
//
// What it would have stopped: at Amazon (5 March 2026, as the press had it) a production
// change that could reach the whole storefront of North America was made by one
// authorised operator, without the process in which somebody else would have looked at
// it.
//
// It minds Start and Deploy (and a verb that it does not know); Undo and Recover always
// pass, and a Bake does. An approval that has become older than Valid has expired and
// counts as if it was not given, also half way through: choose Valid longer than a
// rollout takes. One person's no is enough to hold, until that person takes it back.
// No override lifts it, since it would be one person's.
//
// The breach says whose approvals count and why the others do not. It holds, too, when
// the action belongs to no plan, when nobody is named as the author, and when the
// source cannot be read. The source is read in the background by Watch, and by the
// Check that finds its answer older than Every; it may take four seconds. Use it by
// pointer; it is safe for concurrent use, and the fields must not be changed once it is
// used.
type Approval struct {
	// Source returns all approvals, of this plan and others (see ApprovalFile). It must
	// be safe for concurrent use. Whoever can write there can approve.
	Source func(ctx context.Context) ([]Approved, error)
	// Author is who made the plan, and may not approve it.
	Author string
	// Need is how many people have to approve. Zero means DefaultApprovals.
	Need int
	// Valid is how long an approval counts. Zero means DefaultApprovalValid.
	Valid time.Duration
	// Every is how old an answer of the source may be. Zero means DefaultApprovalEvery.
	Every time.Duration

	busy   atomic.Bool
	asked  asked[*approvals]
	passed atomic.Pointer[pass]
}

// approvals is one answer of the source.
type approvals struct{ all []Approved }

// pass remembers that a plan had enough approvals in an answer, and until when.
type pass struct {
	in    *approvals
	plan  string
	until time.Time
}

// GuardName returns "approval".
func (a *Approval) GuardName() string { return "approval" }

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it.
func (a *Approval) Problems(report func(path, msg string)) {
	if a.Source == nil {
		report("Source", "is nil: nobody knows who has approved")
	}
	if person(a.Author) == "" {
		report("Author", "is empty: nobody knows who may not approve")
	}
	if a.Need < 0 || a.Need > 100 {
		report("Need", fmt.Sprintf("is %d: want 1 to 100 people", a.Need))
	}
	if a.Valid < 0 || a.Valid > maxApprovalValid {
		report("Valid", fmt.Sprintf("is %v: want up to %d days", a.Valid, maxApprovalValid/day))
	}
	if a.Every != 0 && a.Every < minEvery {
		report("Every", fmt.Sprintf("is %v: want %v or more", a.Every, minEvery))
	}
}

func (a *Approval) need() int { return cmp.Or(max(a.Need, 0), DefaultApprovals) }

func (a *Approval) valid() time.Duration { return cmp.Or(max(a.Valid, 0), DefaultApprovalValid) }

func (a *Approval) every() time.Duration {
	if a.Every > 0 {
		return max(a.Every, minEvery)
	}
	return DefaultApprovalEvery
}

// Check returns a *Breach that holds until enough people have approved the action's
// plan.
func (a *Approval) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Unknown, Start, Deploy: // and every verb to come
	}
	if a.Source == nil || act.Plan == "" {
		return a.unknown(a.wrong(act))
	}
	answer, err := a.asked.get(ctx, a.every(), askPatience, a.ask)
	if err != nil {
		return a.unknown(err)
	}
	now := time.Now()
	if p := a.passed.Load(); p != nil && p.in == answer && p.plan == act.Plan && !now.After(p.until) {
		return nil
	}
	if err := a.wrong(act); err != nil {
		return a.unknown(err)
	}
	t := a.count(answer.all, act.Plan, now)
	if len(t.no) > 0 || len(t.yes) < a.need() {
		return a.breach(t, act.Plan)
	}
	a.passed.Store(&pass{answer, act.Plan, t.until})
	return nil
}

func (a *Approval) ask(ctx context.Context) (*approvals, error) {
	all, err := oneAtATime(ctx, &a.busy, a.Source)
	return &approvals{slices.Clone(all)}, err
}

// wrong returns why nobody can know whether the action was approved.
func (a *Approval) wrong(act Action) (wrong error) {
	a.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong == nil && act.Plan == "" {
		wrong = errors.New("the action belongs to no plan that could be approved")
	}
	return wrong
}

func (a *Approval) unknown(err error) error {
	return &Breach{
		Guard: a.GuardName(), Cap: true, Reason: "it is not known who has approved the plan: " + err.Error(), Err: err,
		Runbook: "Make the source of approvals readable, and the settings whole.",
	}
}

// stale says why an approval does not count by its time.
func (a *Approval) stale(one *Approved, now time.Time) string {
	switch age := now.Sub(one.At); {
	case one.At.IsZero():
		return "without a time"
	case age < -maxSkew:
		return "in the future"
	case age > a.valid():
		return "expired " + roughly(age-a.valid()) + " ago"
	}
	return ""
}

// votes is whose words count, and whose do not, and until when the first of those that
// do expires.
type votes struct {
	yes, no, void []string
	until         time.Time
}

// count goes through all approvals.
func (a *Approval) count(all []Approved, plan string, now time.Time) (t votes) {
	last := map[string]Approved{}
	var people []string
	for _, one := range all {
		who := person(one.Actor)
		switch before, known := last[who]; {
		case who == "":
			t.void = append(t.void, "somebody without a name")
		case !known:
			people = append(people, who)
			last[who] = one
		case one.Plan == plan && (before.Plan != plan || !one.At.Before(before.At)):
			last[who] = one
		}
	}
	for _, who := range people {
		one := last[who]
		name := plainText(one.Actor)
		why := a.stale(&one, now)
		switch {
		case one.Plan != plan:
			t.void = append(t.void, fmt.Sprintf("%s (for another plan, %s)", name, shortHash(one.Plan)))
		case one.Rejected:
			t.no = append(t.no, strings.TrimSuffix(name+": "+plainText(one.Reason), ": "))
		case who == person(a.Author):
			t.void = append(t.void, name+" (the author)")
		case why != "":
			t.void = append(t.void, name+" ("+why+")")
		default:
			t.yes = append(t.yes, name)
			if until := one.At.Add(a.valid()); t.until.IsZero() || until.Before(t.until) {
				t.until = until
			}
		}
	}
	return t
}

// breach says what is missing.
func (a *Approval) breach(t votes, plan string) *Breach {
	b := &Breach{
		Guard: a.GuardName(), Cap: true,
		Reason:  fmt.Sprintf("%d of %d people have approved plan %s", len(t.yes), a.need(), shortHash(plan)),
		Runbook: fmt.Sprintf("Have it approved, by people other than %s who have looked at this very plan; or plan anew.", plainText(a.Author)),
	}
	var parts []string
	if len(t.no) > 0 {
		b.Reason = fmt.Sprintf("plan %s was rejected by %s", shortHash(plan), strings.Join(t.no, ", "))
	}
	if len(t.yes) > 0 {
		parts = append(parts, "approved by "+strings.Join(t.yes, ", "))
	}
	if len(t.void) > 0 {
		parts = append(parts, "does not count: "+strings.Join(t.void[:min(len(t.void), 10)], ", "))
	}
	b.Evidence = cmp.Or(strings.Join(parts, "; "), "approved by nobody")
	return b
}

// person is what makes somebody the same as somebody else.
func person(actor string) string { return strings.ToLower(plainText(actor)) }

// shortHash is enough of a hash for a human.
func shortHash(plan string) string {
	if plan = plainText(plan); plan == "" {
		return "none"
	}
	return plan[:min(len(plan), 12)]
}

// Watch reads the source each Every until ctx is done, and calls changed when it has
// other approvals than before.
func (a *Approval) Watch(ctx context.Context, changed func()) {
	if a.Source == nil {
		return
	}
	a.asked.watch(ctx, a.every(), askPatience, a.ask, func(answer *approvals, err error) string {
		if err != nil {
			return "unknown"
		}
		return fmt.Sprint(answer.all)
	}, changed)
}

// SelfTest proves that with these settings a plan is refused that nobody has
// approved, or one too few, or the author, or one person many times, or somebody for
// another plan, or too long ago, or that somebody has rejected; and that one that
// enough have approved is not. The approvals are its own.
func (a *Approval) SelfTest(ctx context.Context) error {
	var wrong error
	a.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return wrong
	}
	act := Action{Verb: Deploy, Plan: "self-test"}
	now := time.Now()
	by := func(n int, change func(i int, one *Approved)) []Approved {
		all := make([]Approved, n)
		for i := range all {
			all[i] = Approved{At: now, Actor: fmt.Sprintf("self-test %d", i), Plan: act.Plan}
			if change != nil {
				change(i, &all[i])
			}
		}
		return all
	}
	with := func(all []Approved) *Approval {
		return &Approval{Author: a.Author, Need: a.Need, Valid: a.Valid, Source: func(context.Context) ([]Approved, error) { return all, nil }}
	}
	n := a.need()
	if err := with(by(n, nil)).Check(ctx, act); err != nil {
		return fmt.Errorf("it held a plan that was approved: %w", err)
	}
	return errors.Join(
		mustRefuse(ctx, with(nil), act, "a plan that nobody has approved"),
		mustRefuse(ctx, with(by(n-1, nil)), act, "a plan that one person too few has approved"),
		mustRefuse(ctx, with(by(n, func(i int, one *Approved) {
			if i == 0 {
				one.Actor = strings.ToUpper(a.Author)
			}
		})), act, "a plan that its author has approved"),
		mustRefuse(ctx, with(by(n+1, func(_ int, one *Approved) { one.Plan = "another" })), act, "an approval of another plan"),
		mustRefuse(ctx, with(by(n+1, func(_ int, one *Approved) { one.At = now.Add(-a.valid() - time.Second) })), act, "approvals that have expired"),
		mustRefuse(ctx, with(by(n+1, func(i int, one *Approved) { one.Rejected = i == 0 })), act, "a plan that was rejected"),
		a.manyByOne(ctx, with(by(n+1, func(_ int, one *Approved) { one.Actor = "self-test" })), act),
	)
}

// manyByOne tests that one person counts once, where that is too few.
func (a *Approval) manyByOne(ctx context.Context, with *Approval, act Action) error {
	if a.need() == 1 {
		return nil
	}
	return mustRefuse(ctx, with, act, "one person's approval, many times")
}
