package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rate caps how many changes begin within a time, over all the rollouts of a History:
// those of the action's service, or all there are.
//
// What it would have bounded: at Cloudflare (18 November 2025) a generator sent a new
// feature file to every machine every five minutes, bad and good by turns, for hours.
// At two an hour, the third waits for a human to look.
//
// It minds Start only: a rollout that has begun is let finish, and taken back. A
// rollout counts from when it began, whatever became of it; the one that asks does
// not count, so that it may begin again after a crash. It asks the History at every
// Start, for as long as ctx allows. What cannot be told (no answer, no service, a
// setting that makes no sense, as in the zero Rate) is a breach. It holds, and a human
// may override it, for the fix that cannot wait.
//
// Two rollouts that ask in the same moment do not see each other: take a lock that both
// need (rollout.Plan.Locks) where that matters. It is a plain value, and safe for
// concurrent use.
type Rate struct {
	// History tells which changes there were.
	History History
	// Max is how many may begin within any time as long as Per.
	Max int
	Per time.Duration
	// All counts the changes of all services together.
	All bool
}

// maxRate bounds Max, so that a self-test can count to it.
const maxRate = 100_000

// GuardName returns "rate", and with All "rate/all".
func (r Rate) GuardName() string {
	if r.All {
		return "rate/all"
	}
	return "rate"
}

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it.
func (r Rate) Problems(report func(path, msg string)) {
	if r.History == nil {
		report("History", "is nil: nobody knows which changes there were")
	}
	if r.Max < 1 || r.Max > maxRate {
		report("Max", fmt.Sprintf("is %d: want 1 to %d changes", r.Max, maxRate))
	}
	if r.Per <= 0 {
		report("Per", fmt.Sprintf("is %v: want a time", r.Per))
	}
}

// Check returns a *Breach that holds a Start when as many changes have begun already,
// and when it is not known how many.
func (r Rate) Check(ctx context.Context, act Action) error {
	if act.Verb != Start {
		return nil
	}
	now := time.Now()
	begun, err := r.begun(ctx, act, now)
	if err != nil {
		return &Breach{
			Guard: r.GuardName(), Reason: "it is not known how many changes there were: " + err.Error(), Err: err,
			Runbook: "Make the history readable, and the settings whole.",
		}
	}
	if len(begun) < r.Max {
		return nil
	}
	// There is room once all but Max-1 of them are older than Per.
	room := begun[len(begun)-r.Max].Started.Add(r.Per)
	names := make([]string, 0, 3)
	for _, p := range begun[max(0, len(begun)-3):] {
		names = append(names, p.Rollout)
	}
	of := "of " + act.Service
	if r.All {
		of = "of all services"
	}
	return &Breach{
		Guard:    r.GuardName(),
		Reason:   fmt.Sprintf("%d changes %s have begun within %s, and the most is %d", len(begun), of, roughly(r.Per), r.Max),
		Evidence: fmt.Sprintf("the last: %s; room %s, in %s", strings.Join(names, ", "), moment(room.UTC(), now), roughly(room.Sub(now))),
		Runbook:  "Wait. If this is the fix for what the others broke, have somebody override it who answers for that.",
	}
}

// begun returns the rollouts that began within Per, in the order in which they did.
func (r Rate) begun(ctx context.Context, act Action, now time.Time) ([]Past, error) {
	var wrong error
	r.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return nil, wrong
	}
	service := act.Service
	if r.All {
		service = ""
	} else if service == "" {
		return nil, errors.New("the action does not say what service it changes")
	}
	since := now.Add(-r.Per)
	past, err := pastOf(ctx, r.History, service, since)
	if err != nil {
		return nil, err
	}
	past = slices.DeleteFunc(slices.Clone(past), func(p Past) bool { return !p.Started.After(since) || p.Rollout == act.Rollout && act.Rollout != "" })
	slices.SortStableFunc(past, func(a, b Past) int { return a.Started.Compare(b.Started) })
	return past, nil
}

// SelfTest proves that a rate with these settings refuses one change more than the
// most, and not the last one that it allows.
func (r Rate) SelfTest(ctx context.Context) error {
	var wrong error
	r.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return wrong
	}
	past := make(pastTold, r.Max)
	for i := range past {
		past[i] = Past{Rollout: fmt.Sprintf("self-test-%d", i), Service: "self-test", Started: time.Now()}
	}
	act := Action{Verb: Start, Service: "self-test"}
	r.History = past[1:]
	if err := r.Check(ctx, act); err != nil {
		return fmt.Errorf("it held a change that it should allow: %w", err)
	}
	r.History = past
	return mustRefuse(ctx, r, act, fmt.Sprintf("change %d of %d", r.Max+1, r.Max))
}
