package filejournal_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

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

// rolloutOf are the events of a whole rollout: two for each target, by a runner
// that says who it is, in batches of 100.
func rolloutOf(n int) []rollout.Event {
	const parallel = 100
	spec := &rollout.Spec{
		Rollout: "r", Service: "checkout", From: "v41", To: "v42",
		Waves:       []rollout.SpecWave{{Ungated: "bench"}},
		Concurrency: parallel, Undo: rollout.SpecUndo{Batch: 1, Parallel: 1},
	}
	at := time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC)
	events := make([]rollout.Event, 1, n)
	events[0] = rollout.Event{At: at, Kind: rollout.Started, Epoch: 1, Spec: spec}
	for len(events)+2*parallel <= n {
		first := len(spec.Waves[0].Steps)
		for i := range parallel {
			spec.Waves[0].Steps = append(spec.Waves[0].Steps, rollout.SpecStep{ID: fmt.Sprintf("web-%06d.eu-west.example.com", first+i)})
		}
		for _, kind := range []rollout.Kind{rollout.Doing, rollout.Done} {
			for _, st := range spec.Waves[0].Steps[first:] {
				at = at.Add(1_234_567)
				ev := rollout.Event{At: at, Kind: kind, Epoch: 1, Step: st.ID, Actor: "tidegate[1234]", Reason: "forward"}
				if kind == rollout.Done {
					ev.Attempts, ev.Reason = 1, "it is healthy"
				}
				events = append(events, ev)
			}
		}
	}
	return events
}

// BenchmarkOpen measures what a runner does that takes a rollout over: it opens the
// journal and folds every event. Beside it is the least that encoding/json would
// need for the same file, without a look at the checksums.
func BenchmarkOpen(b *testing.B) {
	events := rolloutOf(benchEvents(b))
	dir := newDir(b)
	s := open(b, dir, "r")
	for batch := range slices.Chunk(events, 10_000) {
		appendTo(b, s, batch...)
	}
	closeIt(b, s)
	n := len(events)

	b.Run(fmt.Sprintf("Open/events=%d", n), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			closeIt(b, open(b, dir, "r"))
		}
	})
	b.Run(fmt.Sprintf("Open and replay/events=%d", n), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s := open(b, dir, "r")
			requireFolds(b, n, s.Events())
			closeIt(b, s)
		}
	})
	b.Run(fmt.Sprintf("encoding-json/events=%d", n), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f, err := os.Open(journalOf(dir, "r"))
			require.NoError(b, err)
			requireFolds(b, n, byEncodingJSON(f))
			require.NoError(b, f.Close())
		}
	})
}

func byEncodingJSON(src io.Reader) iter.Seq2[rollout.Event, error] {
	return func(yield func(rollout.Event, error) bool) {
		lines := bufio.NewScanner(src)
		lines.Buffer(nil, 1<<30)
		for lines.Scan() {
			var ev rollout.Event
			if err := json.Unmarshal(lines.Bytes(), &ev); !yield(ev, err) {
				return
			}
		}
	}
}

// requireFolds folds the events into a State.
func requireFolds(b *testing.B, n int, events iter.Seq2[rollout.Event, error]) {
	var state rollout.State
	count := 0
	for ev, err := range events {
		if err == nil {
			err = state.Step(ev)
		}
		if err != nil {
			b.Fatal(err)
		}
		count++
	}
	require.Equal(b, n, count)
	require.Equal(b, rollout.Completed, state.Phase())
}
