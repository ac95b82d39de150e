package guardrails_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.SelfTester = guardrails.Breaker{}
	_ analysis.Problemer    = guardrails.Breaker{}
)

// Azure Front Door, October 2025: a change was caught, its clean-up did harm, and so
// did what came after. Here a pipeline tries every hour, and each try takes a part of
// the edge down before it is rolled back.
func TestBreakerIncident(t *testing.T) {
	harm := func(t *testing.T, guarded bool) (n int) {
		resets := filepath.Join(t.TempDir(), "resets")
		synctest.Test(t, func(t *testing.T) {
			h := &memoryHistory{}
			guard := guardrails.Breaker{History: h, Resets: resets}
			for range 24 {
				if !guarded || guard.Check(t.Context(), startOf("edge")) == nil {
					h.run("edge", guardrails.RolledBack)
					n++
				}
				time.Sleep(time.Hour)
			}
		})
		return n
	}
	require.Equal(t, 24, harm(t, false))
	require.Equal(t, 2, harm(t, true), "and then a human has to look")
}

func TestBreaker(t *testing.T) {
	resets := filepath.Join(t.TempDir(), "resets.jsonl")
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(t, "2026-07-01T12:00:00Z")
		h := &memoryHistory{}
		breaker := guardrails.Breaker{History: h, After: 2, Resets: resets}
		next := func(ending guardrails.Ending) {
			time.Sleep(time.Minute)
			h.run("cart", ending)
		}
		holds := func() bool { return no(t, breaker, startOf("cart")) != nil }

		next(guardrails.Failed)
		require.False(t, holds(), "one failure is none")
		next(guardrails.Completed)
		next(guardrails.RolledBack)
		require.False(t, holds(), "they have to be in a row")
		h.run("search", guardrails.Failed)
		require.False(t, holds(), "of one service")
		h.past = append(h.past, guardrails.Past{Rollout: "running", Service: "cart", Started: time.Now()})
		require.False(t, holds(), "what runs has not failed")
		next(guardrails.Failed)
		b := no(t, breaker, startOf("cart"))
		require.Equal(t, "2 rollouts of cart in a row have failed, and nobody has reset the breaker since", b.Reason)
		require.Equal(t, "cart-3 rolled back, cart-6 failed; the last at 2026-07-01T12:04:00Z", b.Evidence)
		require.True(t, b.Cap, "Reset is the way")
		require.Nil(t, no(t, breaker, startOf("search")))
		for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Deploy, guardrails.Bake, guardrails.Undo, guardrails.Recover} {
			require.Nil(t, no(t, breaker, guardrails.Action{Verb: verb, Service: "cart"}), "what has begun is let finish, and taken back")
		}
		next(guardrails.Completed)
		require.True(t, holds(), "it is latched: one that somebody has forced does not reset it")

		require.ErrorIs(t, breaker.Reset("cart", " ", "try again"), guardrails.ErrUnsigned)
		require.ErrorIs(t, breaker.Reset("cart", "alice", ""), guardrails.ErrUnsigned)
		require.Error(t, breaker.Reset("", "alice", "all"))
		require.True(t, holds())
		require.NoError(t, breaker.Reset("search", "alice", "wrong one"))
		require.True(t, holds())
		require.NoError(t, breaker.Reset("cart", "alice", "the quota was\nfull"))
		require.False(t, holds())
		// Another process, after a crash: all it has is the file.
		require.Nil(t, no(t, guardrails.Breaker{History: h, Resets: resets}, startOf("cart")))

		next(guardrails.Failed)
		require.False(t, holds(), "the count begins anew")
		next(guardrails.Failed)
		require.Equal(t, "cart-8 failed, cart-9 failed; the last at 2026-07-01T12:07:00Z; last reset by alice at 2026-07-01T12:05:00Z", no(t, breaker, startOf("cart")).Evidence)

		records, err := breaker.ResetRecords()
		require.NoError(t, err)
		require.Len(t, records, 2)
		require.Equal(t, guardrails.BreakerReset{At: time.Now().UTC().Add(-2 * time.Minute), Service: "cart", Actor: "alice", Reason: "the quota was full"}, records[1])
	})
}

func TestBreakerDoesNotKnow(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "resets")
	h := &memoryHistory{}
	for want, breaker := range map[string]guardrails.Breaker{
		"History is nil: nobody knows how the rollouts ended":                                   {Resets: path},
		"After is -1: want up to 1000 failures in a row":                                        {History: h, After: -1, Resets: path},
		"Resets is empty: want the file that resets are kept in, or none would outlive a crash": {History: h},
	} {
		require.Equal(t, []string{want}, problems(breaker))
		require.Equal(t, "it is not known how the last rollouts ended: "+want, no(t, breaker, startOf("cart")).Reason)
		require.EqualError(t, breaker.SelfTest(t.Context()), want)
	}
	breaker := guardrails.Breaker{History: h, Resets: path}
	require.Nil(t, no(t, breaker, startOf("cart")), "no file, and no failures")
	require.Contains(t, no(t, breaker, startOf("")).Reason, "the action does not say what service it changes")
	h.err = errors.New("no disk")
	require.Contains(t, no(t, breaker, startOf("cart")).Reason, "no disk")
	h.err = nil
	h.past = []guardrails.Past{{Rollout: "odd", Service: "cart", Ended: time.Now(), Ending: 99}, {Rollout: "odd", Service: "cart", Ended: time.Now(), Ending: 99}}
	require.Contains(t, no(t, breaker, startOf("cart")).Evidence, "odd unknown ending", "what nobody knows is no success")
	h.past = nil

	for content, want := range map[string]string{
		"hello":                                  path + ":1: invalid character",
		"\n{\"at\":\"2026-07-01T12:00:00Z\"":     path + ":2: unexpected EOF",
		`{"at":"2026-07-01T12:00:00Z","serv":1}`: "unknown field",
		`{"at":"2026-07-01T12:00:00Z","service":"cart","actor":"a"}`:                        "a reset needs at, service, actor and reason",
		`{"at":"2026-07-01T12:00:00Z","service":"cart","actor":"a","reason":"b"} {}` + "\n": "there is more than one object on it",
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.Contains(t, no(t, breaker, startOf("cart")).Reason, want)
		require.ErrorContains(t, breaker.Reset("cart", "alice", "now"), want)
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(kept), "nothing that is not understood is written over")
	}
	gone := guardrails.Breaker{History: h, Resets: filepath.Join(folder, "no", "resets")}
	require.Contains(t, no(t, gone, startOf("cart")).Reason, "its folder")
	require.Error(t, gone.Reset("cart", "alice", "now"))
	require.Error(t, guardrails.Breaker{History: h}.Reset("cart", "alice", "now"))
}

// Resets at the same time, as by several processes: none gets lost.
func TestBreakerResetsTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resets")
	var all sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		all.Go(func() {
			errs[i] = guardrails.Breaker{Resets: path}.Reset(fmt.Sprintf("service-%d", i), "alice", "together")
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	records, err := guardrails.Breaker{Resets: path}.ResetRecords()
	require.NoError(t, err)
	require.Len(t, records, len(errs))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	require.NoError(t, err)
	require.Empty(t, left, "no files in the making are left behind")
}

// Against a count by hand, over any past.
func TestBreakerProperty(t *testing.T) {
	folder := t.TempDir()
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		after := rapid.IntRange(1, 4).Draw(t, "after")
		endings := rapid.SliceOfN(rapid.SampledFrom([]guardrails.Ending{
			guardrails.Unended, guardrails.Completed, guardrails.RolledBack, guardrails.Failed,
		}), 0, 12).Draw(t, "endings")
		h := &memoryHistory{}
		row, tripped := 0, false
		for i, ending := range endings {
			p := guardrails.Past{Rollout: "r", Service: "cart", Started: base, Ending: ending}
			switch ending {
			case guardrails.Unended:
			case guardrails.Completed:
				row = 0
			default:
				row++
			}
			if ending != guardrails.Unended {
				p.Ended = base.Add(time.Duration(i) * time.Second)
			}
			tripped = tripped || row >= after
			h.past = append(h.past, p)
		}
		h.past = rapid.Permutation(h.past).Draw(t, "order") // of the beginnings, which is not that of the ends
		got := guardrails.Breaker{History: h, After: after, Resets: filepath.Join(folder, "none")}.Check(t.Context(), startOf("cart")) != nil
		if got != tripped {
			t.Fatalf("after %d of %v: tripped is %v", after, endings, got)
		}
	})
}

func TestBreakerSelfTest(t *testing.T) {
	for _, after := range []int{0, 1, 5} {
		require.NoError(t, guardrails.Breaker{History: hangs{}, After: after, Resets: "/no/such"}.SelfTest(t.Context()))
	}
	err := guardrails.SelfTest(t.Context(), guardrails.Breaker{})
	require.ErrorIs(t, err, guardrails.ErrSelfTest)
	require.True(t, strings.Contains(err.Error(), "breaker"))
}
