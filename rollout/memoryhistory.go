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
	for name, r := range j.rollouts {
		if one, ok := r.past(since); ok && (service == "" || one.Service == service) {
			one.Rollout = name
			all = append(all, one)
		}
	}
	j.mu.Unlock()
	slices.SortFunc(all, func(a, b guardrails.Past) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.Rollout, b.Rollout))
	})
	return all, nil
}

func (r *memoryRollout) past(since time.Time) (one guardrails.Past, ok bool) {
	if r.last == nil {
		return one, false
	}
	if r.last.Kind == Ended {
		if r.last.At.Before(since) {
			return one, false
		}
		one.Ended, one.Ending = r.last.At, ending(r.last.Outcome)
	}
	first := &r.blocks[0][0]
	if first.Kind != Started || first.Spec == nil {
		return one, false
	}
	one.Started = first.At
	one.Service, one.From, one.To = first.Spec.Service, first.Spec.From, first.Spec.To
	return one, true
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
