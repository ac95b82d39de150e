package rollout_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// countingJournal counts how often something is made durable.
type countingJournal struct {
	rollout.MemoryJournal
	appends atomic.Int64
}

func (j *countingJournal) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	s, err := j.MemoryJournal.Open(ctx, name, locks...)
	return countingSession{s, j}, err
}

type countingSession struct {
	rollout.Session
	journal *countingJournal
}

func (s countingSession) Append(ctx context.Context, events ...rollout.Event) error {
	s.journal.appends.Add(1)
	return s.Session.Append(ctx, events...)
}

// With a journal of files an Append is an fsync. Steps that run together cost
// two, however many they are: one before they begin, one when they have ended.
func TestABatchOfStepsIsMadeDurableTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, targets := newFleet(1000, "v1") // each takes a second
		journal := &countingJournal{}
		plan := aPlan(targets, 0)
		plan.Concurrency = 100
		plan.Waves = rollout.WavesFunc(func(fleet []rollout.Target) ([]rollout.Wave, error) {
			return []rollout.Wave{{Targets: fleet[:500], Ungated: "test"}, {Targets: fleet[500:], Ungated: "test"}}, nil
		})
		r := rollout.Runner{Plan: plan, Deployer: f, Journal: journal, Logger: quiet()}
		_, err := r.Run(t.Context())
		require.NoError(t, err)
		batches := int64(1000 / 100)
		require.LessOrEqual(t, journal.appends.Load(), 2*batches+2, "two for each batch, one for Started, one for Ended")
	})
}
