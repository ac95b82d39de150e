package rollback_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/rollback"
)

// notes is what was undone, in order.
type notes struct {
	mu  sync.Mutex
	all []string
}

func (n *notes) undo(name string, errs ...error) func(context.Context) error {
	return func(context.Context) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.all = append(n.all, name)
		if len(errs) > 0 {
			err := errs[0]
			errs = errs[1:]
			return err
		}
		return nil
	}
}

var errBroken = errors.New("broken")

// undoErrors finds every *UndoError in the tree of an error.
func undoErrors(err error) (all []*rollback.UndoError) {
	switch e := err.(type) { //nolint:errorlint // this is the unwrapping
	case *rollback.UndoError:
		return []*rollback.UndoError{e}
	case interface{ Unwrap() error }:
		return undoErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, undoErrors(inner)...)
		}
	}
	return all
}

func TestStackUnwindsTheNewestFirst(t *testing.T) {
	var n notes
	var s rollback.Stack
	require.NoError(t, s.Unwind(t.Context()), "an empty one")
	for _, name := range []string{"dns", "proxy", "db"} {
		s.Push(name, n.undo(name))
	}
	require.Equal(t, []string{"db", "proxy", "dns"}, s.Pending())
	require.NoError(t, s.Unwind(t.Context()))
	require.Equal(t, []string{"db", "proxy", "dns"}, n.all)
	require.Empty(t, s.Pending())
	require.NoError(t, s.Unwind(t.Context()))
	require.Len(t, n.all, 3, "nothing is undone twice")
}

func TestStackGoesOnAfterAFailure(t *testing.T) {
	for name, stop := range map[string]bool{"goes on": false, "stops": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n notes
				s := rollback.Stack{StopOnFailure: stop}
				s.Push("dns", n.undo("dns"))
				s.Push("proxy", n.undo("proxy", errBroken, errBroken, errBroken))
				s.Push("db", n.undo("db", errBroken))
				s.Push("nothing", nil)
				s.Push("rude", func(context.Context) error { panic("oops") })
				err := s.Unwind(t.Context())
				require.ErrorIs(t, err, rollback.ErrIncomplete)
				var names []string
				for _, e := range undoErrors(err) {
					names = append(names, fmt.Sprintf("%s %d", e.Name, e.Tries))
				}
				if stop {
					require.Equal(t, []string{"rude 3", "nothing 0", "db 0", "proxy 0", "dns 0"}, names)
					require.Empty(t, n.all)
					return
				}
				require.Equal(t, []string{"rude 3", "nothing 3", "proxy 3"}, names)
				require.Equal(t, []string{"db", "db", "proxy", "proxy", "proxy", "dns"}, n.all)
				require.ErrorIs(t, err, errBroken)
				require.ErrorContains(t, err, "rollback: incomplete, 3 of 5: rude could not be undone in 3 tries: it panicked: oops")

				// What failed stays, and what succeeded is not run again.
				require.Equal(t, []string{"rude", "nothing", "proxy"}, s.Pending())
				n.all = nil
				require.Error(t, s.Unwind(t.Context()))
				require.Equal(t, []string{"proxy"}, n.all)
			})
		})
	}
}

// A caller that was stopped gets its rollback all the same.
func TestStackUnwindsForACallerThatIsGone(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "trace"))
	cancel()
	var s rollback.Stack
	ran := false
	s.Push("dns", func(ctx context.Context) error {
		ran = true
		require.Equal(t, "trace", ctx.Value(key{}))
		return ctx.Err()
	})
	require.NoError(t, s.Unwind(ctx))
	require.True(t, ran)
}

func TestStackKeepsToItsPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rollback.Stack{Policy: rollback.Policy{Attempts: 2, Timeout: time.Minute, Backoff: time.Second, Deadline: 5 * time.Minute}}
		var tries atomic.Int32
		slow := func(ctx context.Context) error {
			tries.Add(1)
			<-ctx.Done()
			return context.Cause(ctx)
		}
		for i := range 4 {
			s.Push(fmt.Sprint("host-", i), slow)
		}
		begin := time.Now()
		err := s.Unwind(t.Context())
		require.Equal(t, 5*time.Minute, time.Since(begin))
		require.EqualValues(t, 5, tries.Load())
		failed := undoErrors(err)
		require.Len(t, failed, 4)
		require.ErrorContains(t, failed[0], "host-3 could not be undone in 2 tries: it took longer than 1m0s")
		require.ErrorContains(t, failed[2], "the time for the whole rollback, 5m0s, is up")
		require.Equal(t, "host-0 was not undone: the time for the whole rollback, 5m0s, is up", failed[3].Error())
	})
}

// With a policy that makes no sense, the stack is unwound by the defaults, and says so.
func TestStackWithABadPolicy(t *testing.T) {
	var n notes
	s := rollback.Stack{Policy: rollback.Policy{Attempts: -1}}
	s.Push("dns", n.undo("dns"))
	require.ErrorContains(t, s.Unwind(t.Context()), "Policy.Attempts is negative (-1)")
	require.Equal(t, []string{"dns"}, n.all)
}

// An undo that does not end is left behind, and not run a second time beside itself.
func TestStackLeavesBehindWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n notes
		s := rollback.Stack{Policy: rollback.Policy{Timeout: time.Minute}}
		release := make(chan struct{})
		var runs atomic.Int32
		s.Push("dns", n.undo("dns"))
		s.Push("deaf", func(context.Context) error {
			runs.Add(1)
			<-release
			return nil
		})
		begin := time.Now()
		err := s.Unwind(t.Context())
		require.ErrorContains(t, err, "deaf could not be undone: it took longer than 1m0s, and it does not stop")
		require.Equal(t, 70*time.Second, time.Since(begin))
		require.Equal(t, []string{"dns"}, n.all, "the others are undone")
		require.ErrorContains(t, s.Unwind(t.Context()), "it hung before, and still runs")
		close(release)
		synctest.Wait()
		require.NoError(t, s.Unwind(t.Context()), "it has ended well meanwhile")
		require.EqualValues(t, 1, runs.Load())
	})
}

func TestStackCommit(t *testing.T) {
	var n notes
	var s rollback.Stack
	s.Push("dns", n.undo("dns"))
	require.NoError(t, s.Commit())
	s.Push("db", n.undo("db"))
	require.NoError(t, s.Unwind(t.Context()))
	require.NoError(t, s.Close())
	require.Equal(t, []string{"db"}, n.all)
}

// What is pushed during an Unwind is undone by it, and an undo may push.
func TestStackPushWhileItUnwinds(t *testing.T) {
	var n notes
	var s rollback.Stack
	s.Push("dns", n.undo("dns"))
	s.Push("db", func(ctx context.Context) error {
		s.Push("temporary table", n.undo("temporary table"))
		return n.undo("db")(ctx)
	})
	require.NoError(t, s.Unwind(t.Context()))
	require.Equal(t, []string{"db", "temporary table", "dns"}, n.all)
}

// However many push and unwind, each undo succeeds exactly once.
func TestStackExactlyOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pushers := rapid.IntRange(1, 8).Draw(rt, "pushers")
		each := rapid.IntRange(0, 20).Draw(rt, "each")
		unwinders := rapid.IntRange(1, 4).Draw(rt, "unwinders")
		flaky := rapid.IntRange(0, 2).Draw(rt, "failures")
		synctest.Test(t, func(t *testing.T) {
			var s rollback.Stack
			done := make([]atomic.Int32, pushers*each)
			var wg sync.WaitGroup
			for p := range pushers {
				wg.Go(func() {
					for i := range each {
						id, failures := p*each+i, flaky
						s.Push(fmt.Sprint(id), func(context.Context) error {
							if failures > 0 {
								failures--
								return errBroken
							}
							done[id].Add(1)
							return nil
						})
					}
				})
			}
			for range unwinders {
				wg.Go(func() { require.NoError(t, s.Unwind(t.Context())) })
			}
			wg.Wait()
			require.NoError(t, s.Unwind(t.Context()))
			for id := range done {
				require.EqualValues(t, 1, done[id].Load(), "undo %d", id)
			}
		})
	})
}

func TestUndoErrorText(t *testing.T) {
	for tries, want := range map[int]string{0: "dns was not undone: broken", 1: "dns could not be undone: broken", 3: "dns could not be undone in 3 tries: broken"} {
		require.EqualError(t, &rollback.UndoError{Name: "dns", Tries: tries, Err: errBroken}, want)
	}
	require.ErrorIs(t, &rollback.UndoError{Err: errBroken}, errBroken)
	require.True(t, strings.HasPrefix(rollback.ErrIncomplete.Error(), "rollback: "))
}
