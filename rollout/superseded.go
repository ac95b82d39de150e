package rollout

import (
	"context"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
)

// historyPatience bounds how long a History may take to look back.
const historyPatience = 30 * time.Second

// superseded refuses to take back a rollout that has ended, where a later one of the
// same service has begun since: going back would put its old version over what that
// one has brought. A journal that is no guardrails.History cannot know; one that is,
// and cannot answer, refuses.
func (r *Runner) superseded(ctx context.Context, spec *Spec, ended time.Time) error {
	history, ok := r.Journal.(guardrails.History)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, historyPatience, fmt.Errorf("no answer within %v", historyPatience))
	defer cancel()
	all, err := lookBack(ctx, history, spec.Service, ended)
	if err != nil {
		return fmt.Errorf("rollout: %s is not taken back, since nobody knows whether %s has been rolled out since: %w", spec.Rollout, spec.Service, err)
	}
	for _, past := range all {
		if past.Rollout == spec.Rollout || past.Service != spec.Service || past.Started.Before(ended) {
			continue
		}
		return fmt.Errorf("%w: %s has been rolled out since (%s to %s, begun %s, %v): take that one back, or roll %s out anew",
			ErrTooLate, past.Rollout, past.From, past.To, past.Started.UTC().Format(time.RFC3339), past.Ending, spec.From)
	}
	return nil
}

// lookBack asks a History, which may panic.
func lookBack(ctx context.Context, history guardrails.History, service string, since time.Time) (all []guardrails.Past, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the history panicked: %v", p)
		}
	}()
	all, err = history.Past(ctx, service, since)
	return all, because(ctx, err)
}

// mayBeSuperseded tells whether a rollout that has ended like this leaves the service
// to others, and can still be taken back.
func (p Phase) mayBeSuperseded() bool {
	return p == Completed || p == Partial || p == Contained || p == Aborted
}
