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

// DefaultBreakerAfter is how many failures trip a Breaker that does not say.
const DefaultBreakerAfter = 2

// A Breaker refuses the rollouts of a service of which several in a row have failed,
// until a human has reset it. What is rolled back has failed, and so has whatever is
// not Completed; what has not ended is neither.
//
// What it is for: at Azure Front Door (9 October 2025) bad metadata was caught by the
// protection, and the clean-up of it then reached the data plane; twenty days later
// (29 October) all changes were blocked, until what was broken had been mended. A
// change that has failed is the best sign there is that the next one will, and
// automation that tries again and again makes an outage of it.
//
// It minds Start only: a rollout that has begun is let finish, and taken back. It is
// latched: a success after it has tripped, as of a rollout that a human has forced,
// does not reset it. Only Reset does, which says who and why in the file Resets, and so
// outlives a crash; failures before that count no more. No override lifts it: Reset is
// the way, and is as quick.
//
// Both the History and the file are read at every Start, so a Reset by another
// process counts at once. What cannot be told (no answer, no service, a setting that
// makes no sense, as in the zero Breaker) is a breach that holds.
//
// It is a plain value, and safe for concurrent use, by several processes too.
type Breaker struct {
	// History tells how the service's rollouts ended.
	History History
	// After is how many failures in a row trip it. Zero means DefaultBreakerAfter.
	After int
	// Resets is the file that resets are kept in, one JSON object a line. Its folder
	// has to be there; next to the journals is a good place.
	Resets string
}

// GuardName returns "breaker".
func (b Breaker) GuardName() string { return "breaker" }

func (b Breaker) after() int {
	if b.After == 0 {
		return DefaultBreakerAfter
	}
	return b.After
}

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it.
func (b Breaker) Problems(report func(path, msg string)) {
	if b.History == nil {
		report("History", "is nil: nobody knows how the rollouts ended")
	}
	if b.After < 0 || b.After > 1000 {
		report("After", fmt.Sprintf("is %d: want up to 1000 failures in a row", b.After))
	}
	if b.Resets == "" {
		report("Resets", "is empty: want the file that resets are kept in, or none would outlive a crash")
	}
}

// Check returns a *Breach that holds a Start when the service's last rollouts have
// failed and nobody has reset the breaker since, and when that is not known.
func (b Breaker) Check(ctx context.Context, act Action) error {
	if act.Verb != Start {
		return nil
	}
	failed, reset, err := b.failures(ctx, act)
	if err != nil {
		return &Breach{
			Guard: b.GuardName(), Cap: true, Reason: "it is not known how the last rollouts ended: " + err.Error(), Err: err,
			Runbook: "Make the history and the file of resets readable, and the settings whole.",
		}
	}
	if len(failed) == 0 {
		return nil
	}
	words := make([]string, len(failed))
	for i, p := range failed {
		words[i] = fmt.Sprintf("%s %v", p.Rollout, p.Ending)
	}
	evidence := fmt.Sprintf("%s; the last at %s", strings.Join(words, ", "), failed[len(failed)-1].Ended.UTC().Format(time.RFC3339))
	if !reset.At.IsZero() {
		evidence += fmt.Sprintf("; last reset by %s at %s", reset.Actor, reset.At.UTC().Format(time.RFC3339))
	}
	return &Breach{
		Guard: b.GuardName(), Cap: true,
		Reason:   fmt.Sprintf("%d rollouts of %s in a row have failed, and nobody has reset the breaker since", len(failed), act.Service),
		Evidence: evidence,
		Runbook:  fmt.Sprintf("Find out what the failures have in common. When the next rollout can go well: reset the breaker of %s with your name and the reason.", act.Service),
	}
}

// failures returns the failures in a row that have tripped the breaker, none if it has
// not, and the last reset of the service.
func (b Breaker) failures(ctx context.Context, act Action) (failed []Past, reset BreakerReset, err error) {
	b.Problems(func(path, msg string) { err = cmp.Or(err, errors.New(path+" "+msg)) })
	if err != nil {
		return nil, reset, err
	}
	if act.Service == "" {
		return nil, reset, errors.New("the action does not say what service it changes")
	}
	if reset, err = lastReset(b.Resets, act.Service); err != nil {
		return nil, reset, err
	}
	past, err := pastOf(ctx, b.History, act.Service, reset.At)
	if err != nil {
		return nil, reset, err
	}
	return b.tripped(past, reset.At), reset, nil
}

// tripped returns the failures since a reset that have tripped the breaker.
func (b Breaker) tripped(past []Past, since time.Time) (failed []Past) {
	past = slices.DeleteFunc(slices.Clone(past), func(p Past) bool {
		return p.Ending == Unended || !p.Ended.After(since)
	})
	slices.SortStableFunc(past, func(x, y Past) int { return x.Ended.Compare(y.Ended) })
	for _, p := range past {
		if p.Ending != Completed {
			failed = append(failed, p)
		} else if len(failed) < b.after() {
			failed = nil
		}
	}
	if len(failed) < b.after() {
		return nil
	}
	return failed
}

// SelfTest proves that a breaker with these settings trips after as many failures,
// and not before. It does not read the file.
func (b Breaker) SelfTest(context.Context) error {
	var wrong error
	b.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return wrong
	}
	now := time.Now()
	past := make([]Past, b.after())
	for i := range past {
		past[i] = Past{Rollout: "self-test", Ended: now.Add(time.Duration(i) * time.Second), Ending: RolledBack}
	}
	if len(b.tripped(past[1:], time.Time{})) > 0 {
		return errors.New("it tripped one failure too early")
	}
	if len(b.tripped(past, time.Time{})) == 0 {
		return fmt.Errorf("%d failures in a row did not trip it", len(past))
	}
	past = append(past, Past{Rollout: "self-test", Ended: now.Add(time.Hour), Ending: Completed})
	if len(b.tripped(past, time.Time{})) == 0 {
		return errors.New("a success reset it, which only a human may")
	}
	return nil
}
