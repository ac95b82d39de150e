package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
)

// Past returns the rollouts that were at work at some time since then, in the order in
// which they began; those of all services if service is empty. It implements
// guardrails.History, and may be called while runners are at work. A rollout whose last
// event is not Ended has not ended. The error is that of ctx, once that is done.
func (j *MemoryJournal) Past(ctx context.Context, service string, since time.Time) ([]guardrails.Past, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("rollout: look back: %w", err)
	}
	var all []guardrails.Past
	j.mu.Lock()
	defer j.mu.Unlock()
	for name, r := range j.rollouts {
		one, ok, err := r.past(name, since)
		if err != nil {
			return nil, err
		}
		if ok && (service == "" || one.Service == service) {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b guardrails.Past) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.Rollout, b.Rollout))
	})
	return all, nil
}

func (r *memoryRollout) past(name string, since time.Time) (one guardrails.Past, ok bool, err error) {
	if r.last == nil {
		return one, false, nil
	}
	if r.last.Kind == Ended {
		if r.last.At.Before(since) {
			return one, false, nil
		}
		one.Ended, one.Ending = r.last.At, ending(r.last.Outcome)
	}
	first := &r.blocks[0][0]
	if first.Kind != Started || first.Spec == nil {
		return one, false, fmt.Errorf("%w: %s begins with %v, and no spec", ErrCorrupt, name, first.Kind)
	}
	one.Rollout, one.Started = name, first.At
	one.Service, one.From, one.To = first.Spec.Service, first.Spec.From, first.Spec.To
	return one, true, nil
}

func ending(outcome Phase) guardrails.Ending {
	switch outcome {
	case Completed:
		return guardrails.Completed
	case RolledBack:
		return guardrails.RolledBack
	default:
		return guardrails.Failed
	}
}
