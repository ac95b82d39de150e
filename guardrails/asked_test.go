package guardrails

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Many that ask at once share one question, and its answer serves for a while.
func TestAskedSharesItsQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a asked[int]
		var questions atomic.Int64
		ask := func(context.Context) (int, error) {
			time.Sleep(100 * time.Millisecond)
			return int(questions.Add(1)), nil
		}
		get := func() int {
			v, err := a.get(t.Context(), time.Second, time.Minute, ask)
			require.NoError(t, err)
			return v
		}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { require.Equal(t, 1, get()) })
		}
		wg.Wait()
		require.Equal(t, 1, get())
		time.Sleep(2 * time.Second)
		require.Equal(t, 2, get())
	})
}

// An answer that is too old as soon as it is there is an answer.
func TestAskedTakesTheAnswerItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a asked[int]
		questions := 0
		for range 3 {
			_, err := a.get(t.Context(), 0, time.Minute, func(context.Context) (int, error) {
				time.Sleep(time.Second)
				questions++
				return questions, nil
			})
			require.NoError(t, err)
		}
		require.Equal(t, 3, questions)
	})
}

// Who cannot wait goes; who hangs or panics has an error for an answer.
func TestAskedWaitsForNobodyForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var a asked[int]
		hang := func(context.Context) (int, error) { <-release; return 1, nil }
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("out of patience"))
		defer cancel()
		_, err := a.get(ctx, time.Minute, time.Hour, hang)
		require.EqualError(t, err, "out of patience")
		close(release)
		synctest.Wait()
		v, err := a.get(t.Context(), time.Minute, time.Hour, hang)
		require.NoError(t, err)
		require.Equal(t, 1, v, "the answer that came late serves the next")

		var b asked[int]
		stuck := make(chan struct{})
		_, err = b.get(t.Context(), time.Minute, 3*time.Second, func(context.Context) (int, error) { <-stuck; return 0, nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(stuck)

		var c asked[int]
		_, err = c.get(t.Context(), time.Minute, time.Second, func(context.Context) (int, error) { panic("oops") })
		require.EqualError(t, err, "it panicked: oops")
	})
}

// Watching asks by itself, and tells of what has changed alone.
func TestAskedIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a asked[int]
		var at, news atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.watch(ctx, time.Second, time.Minute,
				func(context.Context) (int, error) { return int(at.Load()), nil },
				func(v int, _ error) string { return strconv.Itoa(v) },
				func() { news.Add(1) })
		}()
		time.Sleep(5500 * time.Millisecond)
		require.Zero(t, news.Load())
		at.Store(7)
		time.Sleep(5 * time.Second)
		require.EqualValues(t, 1, news.Load())
		v, err := a.get(t.Context(), 2*time.Second, time.Minute, func(context.Context) (int, error) { return -1, nil })
		require.NoError(t, err)
		require.Equal(t, 7, v, "a check is answered from what was asked")
		cancel()
		<-done
	})
}
