package rollout_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/journaltest"
)

func TestMemoryJournalConforms(t *testing.T) {
	journaltest.Run(t, func(testing.TB) rollout.Journal { return new(rollout.MemoryJournal) })
}

// Events of many sizes of batches come back whole, also in a session that is
// still reading when another one appends.
func TestMemoryJournalKeepsMany(t *testing.T) {
	var journal rollout.MemoryJournal
	total := 0
	for _, size := range []int{0, 1, 2, 15, 1, 300, 0, 7, 5000, 4096, 8192, 3, 20_000, 1} {
		s, err := journal.Open(t.Context(), "r")
		require.NoError(t, err)
		batch := make([]rollout.Event, size)
		for i := range batch {
			batch[i] = rollout.Event{Kind: rollout.Doing, Attempts: total + i}
		}
		next := 0
		for ev, err := range s.Events() {
			if err != nil || ev.Attempts != next {
				require.FailNow(t, "wrong event", "%d where %d is due, error %v", ev.Attempts, next, err)
			}
			if next++; next == total/2 {
				require.NoError(t, s.Append(t.Context(), batch...))
				batch = nil
			}
		}
		require.Equal(t, total, next)
		require.NoError(t, s.Append(t.Context(), batch...))
		require.NoError(t, s.Close())
		total += size
	}
}

func TestMemoryJournalStealOfNothingDoesNothing(t *testing.T) {
	var journal rollout.MemoryJournal
	journal.Steal("never-opened")
	s, err := journal.Open(t.Context(), "r")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	journal.Steal("r")
	select {
	case <-s.Lost():
		require.Fail(t, "a closed session has nothing to lose")
	default:
	}
}

func TestMemoryJournalRefusesEmptyNames(t *testing.T) {
	var journal rollout.MemoryJournal
	_, err := journal.Open(t.Context(), "")
	require.Error(t, err)
	_, err = journal.Open(t.Context(), "r", "")
	require.Error(t, err)
}

func BenchmarkMemoryJournalAppend(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			const total = 200_000
			events := make([]rollout.Event, size)
			b.ReportAllocs()
			for b.Loop() {
				var journal rollout.MemoryJournal
				s, err := journal.Open(b.Context(), "bench")
				require.NoError(b, err)
				for range total / size {
					if err := s.Append(b.Context(), events...); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/total, "ns/event")
		})
	}
}

func ExampleMemoryJournal() {
	ctx := context.Background()
	var journal rollout.MemoryJournal

	first, _ := journal.Open(ctx, "checkout-v42", "checkout")
	_ = first.Append(ctx, rollout.Event{Kind: rollout.Started})

	_, err := journal.Open(ctx, "checkout-v43", "checkout")
	fmt.Println(err)

	journal.Steal("checkout-v42") // the first runner stalls, and its lease runs out
	second, _ := journal.Open(ctx, "checkout-v42", "checkout")
	for ev, err := range second.Events() {
		fmt.Println(ev.Kind, err)
	}
	fmt.Println(first.Append(ctx, rollout.Event{Kind: rollout.Interrupted}))
	// Output:
	// rollout: lock checkout, wanted by rollout checkout-v43, is held by rollout checkout-v42
	// started <nil>
	// append to checkout-v42: rollout: fenced off by another runner
}
