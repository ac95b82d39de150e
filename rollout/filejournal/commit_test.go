package filejournal_test

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// counted opens a rollout on a disk that counts, that waits in fsync for the gate
// when there is one, and really syncs or not.
func counted(t testing.TB, dir filejournal.Dir, gate *atomic.Pointer[chan struct{}], really bool) (s rollout.Session, writes, syncs *atomic.Int64) {
	t.Helper()
	writes, syncs = new(atomic.Int64), new(atomic.Int64)
	s, err := filejournal.OpenOn(t.Context(), dir,
		func(f *os.File, data []byte) (int, error) {
			writes.Add(1)
			return f.Write(data)
		},
		func(f *os.File) error {
			syncs.Add(1)
			if ch := gate.Load(); ch != nil {
				<-*ch
			}
			if !really {
				return nil
			}
			return f.Sync()
		}, "r")
	require.NoError(t, err)
	writes.Store(0)
	syncs.Store(0)
	return s, writes, syncs
}

func TestOneAppendIsOneWriteAndOneFsync(t *testing.T) {
	s, writes, syncs := counted(t, newDir(t), new(atomic.Pointer[chan struct{}]), true)
	events := make([]rollout.Event, 500)
	for i := range events {
		events[i] = step(i)
	}
	appendTo(t, s, events...)
	require.Equal(t, []int64{1, 1}, []int64{writes.Load(), syncs.Load()})
	appendTo(t, s)
	require.Equal(t, []int64{1, 1}, []int64{writes.Load(), syncs.Load()}, "nothing to write")
	closeIt(t, s)
}

// While the first Append is in its fsync, 50 more come. They share one.
func TestConcurrentAppendsShareOneFsync(t *testing.T) {
	const waiting = 50
	dir := newDir(t)
	gate := new(atomic.Pointer[chan struct{}])
	s, writes, syncs := counted(t, dir, gate, true)
	closed := make(chan struct{})
	gate.Store(&closed)

	var wg sync.WaitGroup
	add := func(i int) {
		wg.Go(func() {
			if err := s.Append(t.Context(), step(i)); err != nil {
				t.Error(err)
			}
		})
	}
	add(0)
	for syncs.Load() == 0 {
		runtime.Gosched()
	}
	for i := range waiting {
		add(i + 1)
	}
	for filejournal.Gathered(s) < waiting {
		runtime.Gosched()
	}
	close(closed)
	wg.Wait()
	require.Equal(t, []int64{2, 2}, []int64{writes.Load(), syncs.Load()})
	closeIt(t, s)

	s = open(t, dir, "r")
	require.ElementsMatch(t, hosts(waiting+1), steps(t, s))
	closeIt(t, s)
}

// All that share a write share its failure.
func TestConcurrentAppendsShareOneFailure(t *testing.T) {
	const waiting = 10
	dir := newDir(t)
	started, broken := make(chan struct{}), make(chan struct{})
	var writes atomic.Int64
	s, err := filejournal.OpenOn(t.Context(), dir, func(f *os.File, data []byte) (int, error) {
		if writes.Add(1) == 1 {
			close(started)
			<-broken
			return f.Write(data)
		}
		return 0, os.ErrDeadlineExceeded
	}, nil, "r")
	require.NoError(t, err)

	var wg sync.WaitGroup
	var failed atomic.Int64
	wg.Go(func() {
		if err := s.Append(t.Context(), step(0)); err != nil {
			t.Error(err)
		}
	})
	<-started
	for i := range waiting {
		wg.Go(func() {
			if s.Append(t.Context(), step(i+1)) != nil {
				failed.Add(1)
			}
		})
	}
	for filejournal.Gathered(s) < waiting {
		runtime.Gosched()
	}
	close(broken)
	wg.Wait()
	require.Equal(t, int64(waiting), failed.Load())
	closeIt(t, s)
	s = open(t, dir, "r")
	require.Equal(t, hosts(1), steps(t, s))
	closeIt(t, s)
}

// Close lets the write under way end, and what comes later is refused: nothing
// is acknowledged that is not there.
func TestCloseDuringAppends(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r")
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for s.Append(t.Context(), step(0)) == nil {
				acknowledged.Add(1)
			}
		})
	}
	for acknowledged.Load() < 20 {
		runtime.Gosched()
	}
	closeIt(t, s)
	wg.Wait()
	s = open(t, dir, "r")
	require.Len(t, steps(t, s), int(acknowledged.Load()))
	closeIt(t, s)
}
