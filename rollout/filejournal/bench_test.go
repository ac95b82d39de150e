package filejournal_test

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// benchEvents is the length of the journal that is opened; set the variable
// TIDEGATE_BENCH_EVENTS=1000000 for a big one.
func benchEvents(b *testing.B) int {
	n := 50_000
	if v := os.Getenv("TIDEGATE_BENCH_EVENTS"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(b, err)
	}
	return n
}

func batchOf(n int) []rollout.Event {
	events := make([]rollout.Event, n)
	for i := range events {
		events[i] = step(i)
		events[i].Epoch, events[i].Attempts = 1, 1
	}
	return events
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100} {
		for name, sync := range map[string]bool{"fsync": true, "encoding only": false} {
			b.Run(fmt.Sprintf("batch=%d/%s", size, name), func(b *testing.B) {
				gate := new(atomic.Pointer[chan struct{}])
				s, _, _ := counted(b, newDir(b), gate, sync)
				events := batchOf(size)
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Append(b.Context(), events...); err != nil {
						b.Fatal(err)
					}
				}
				require.NoError(b, s.Close())
			})
		}
	}
}

// Many steps report at once: the more, the fewer fsyncs each of them costs.
func BenchmarkConcurrentAppends(b *testing.B) {
	for _, callers := range []int{2, 8, 64, 512} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, _, syncs := counted(b, newDir(b), new(atomic.Pointer[chan struct{}]), true)
			ev := step(1)
			b.SetParallelism(max(1, callers/2)) // times GOMAXPROCS, which is 2 where this was measured
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.Append(b.Context(), ev); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(syncs.Load())/float64(b.N), "fsyncs/op")
			require.NoError(b, s.Close())
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	n := benchEvents(b)
	dir := newDir(b)
	s := open(b, dir, "r")
	const size = 10_000
	for range n / size {
		appendTo(b, s, batchOf(size)...)
	}
	closeIt(b, s)
	for name, reads := range map[string]bool{"Open": false, "Open and Events": true} {
		b.Run(fmt.Sprintf("%s/events=%d", name, n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := dir.Open(b.Context(), "r")
				if err != nil {
					b.Fatal(err)
				}
				if reads {
					count := 0
					for _, err := range s.Events() {
						if err != nil {
							b.Fatal(err)
						}
						count++
					}
					require.Equal(b, n, count)
				}
				require.NoError(b, s.Close())
			}
		})
	}
}
