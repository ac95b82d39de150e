package guardrails

import (
	"context"
	"time"
)

// pastOf asks a History, which may be slow, hang or panic.
func pastOf(ctx context.Context, h History, service string, since time.Time) ([]Past, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return guarded(ctx, func(ctx context.Context) ([]Past, error) { return h.Past(ctx, service, since) })
}

// pastTold is a History that self-tests make up.
type pastTold []Past

func (p pastTold) Past(context.Context, string, time.Time) ([]Past, error) { return p, nil }
