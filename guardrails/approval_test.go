package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.SelfTester = (*guardrails.Approval)(nil)
	_ guardrails.Watcher    = (*guardrails.Approval)(nil)
	_ analysis.Problemer    = (*guardrails.Approval)(nil)
)

// approvals is a source by heart.
func approvals(all ...guardrails.Approved) func(context.Context) ([]guardrails.Approved, error) {
	return func(context.Context) ([]guardrails.Approved, error) { return all, nil }
}

// Amazon, 5 March 2026: one authorised operator, one change, the whole storefront.
// Here the operator also signs for it himself, and has an old approval of a smaller
// plan.
func TestApprovalIncident(t *testing.T) {
	orders := func(t *testing.T, guarded bool) int {
		guard := &guardrails.Approval{Author: "operator", Source: approvals(
			guardrails.Approved{At: time.Now(), Actor: "operator", Plan: "everywhere"},
			guardrails.Approved{At: time.Now(), Actor: "Operator", Plan: "everywhere"},
			guardrails.Approved{At: time.Now(), Actor: "reviewer", Plan: "one host"},
		)}
		if !guarded || guard.Check(t.Context(), guardrails.Action{Verb: guardrails.Start, Plan: "everywhere"}) == nil {
			return 1 // of 100
		}
		return 100
	}
	require.Equal(t, 1, orders(t, false))
	require.Equal(t, 100, orders(t, true))
}

func TestApproval(t *testing.T) {
	const plan = "3fa9c2d41b7700aa"
	type approved = guardrails.Approved
	for _, tc := range []struct {
		story    string
		need     int
		all      func(now time.Time) []approved
		reason   string // empty: it passes
		evidence string
	}{
		{"nobody", 0, func(time.Time) []approved { return nil }, "0 of 2 people have approved plan 3fa9c2d41b77", "approved by nobody"},
		{"one of two", 0, func(now time.Time) []approved { return []approved{{At: now, Actor: "bob", Plan: plan}} },
			"1 of 2 people have approved plan 3fa9c2d41b77", "approved by bob"},
		{"two", 0, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "carol", Plan: plan}}
		}, "", ""},
		{"one is enough if so said", 1, func(now time.Time) []approved { return []approved{{At: now, Actor: "bob", Plan: plan}} }, "", ""},
		{"one, twice", 0, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: " BOB\t", Plan: plan}}
		}, "1 of 2 people have approved plan 3fa9c2d41b77", "approved by BOB"},
		{"one, and the author", 0, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "Alice", Plan: plan}}
		}, "1 of 2 people have approved plan 3fa9c2d41b77", "approved by bob; does not count: Alice (the author)"},
		{"one, and one for another plan", 0, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "carol", Plan: "77aa001122334455"}}
		}, "1 of 2 people have approved plan 3fa9c2d41b77", "approved by bob; does not count: carol (for another plan, 77aa00112233)"},
		{"for another plan before and after", 0, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: "x"}, {At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "carol", Plan: plan}, {At: now, Actor: "carol", Plan: "y"}}
		}, "", ""},
		{"a hash that begins the same", 1, func(now time.Time) []approved { return []approved{{At: now, Actor: "bob", Plan: plan[:12]}} },
			"0 of 1 people have approved plan 3fa9c2d41b77", "does not count: bob (for another plan, 3fa9c2d41b77)"},
		{"as old as may be", 1, func(now time.Time) []approved {
			return []approved{{At: now.Add(-24 * time.Hour), Actor: "bob", Plan: plan}}
		}, "", ""},
		{"expired", 1, func(now time.Time) []approved {
			return []approved{{At: now.Add(-27 * time.Hour), Actor: "bob", Plan: plan}}
		}, "0 of 1 people have approved plan 3fa9c2d41b77", "does not count: bob (expired 3h ago)"},
		{"expired, and given again", 1, func(now time.Time) []approved {
			return []approved{{At: now.Add(-27 * time.Hour), Actor: "bob", Plan: plan}, {At: now, Actor: "bob", Plan: plan}}
		}, "", ""},
		{"given again, in the wrong order", 1, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now.Add(-27 * time.Hour), Actor: "bob", Plan: plan}}
		}, "", ""},
		{"in the future", 1, func(now time.Time) []approved {
			return []approved{{At: now.Add(time.Hour), Actor: "bob", Plan: plan}}
		}, "0 of 1 people have approved plan 3fa9c2d41b77", "does not count: bob (in the future)"},
		{"another machine's clock", 1, func(now time.Time) []approved {
			return []approved{{At: now.Add(time.Second), Actor: "bob", Plan: plan}}
		}, "", ""},
		{"at no time", 1, func(time.Time) []approved { return []approved{{Actor: "bob", Plan: plan}} },
			"0 of 1 people have approved plan 3fa9c2d41b77", "does not count: bob (without a time)"},
		{"by nobody", 1, func(now time.Time) []approved { return []approved{{At: now, Actor: "\n", Plan: plan}} },
			"0 of 1 people have approved plan 3fa9c2d41b77", "does not count: somebody without a name"},
		{"rejected", 1, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "carol", Plan: plan}, {At: now.Add(-99 * time.Hour), Actor: "dave", Plan: plan, Rejected: true, Reason: "too\nlarge"}}
		}, "plan 3fa9c2d41b77 was rejected by dave: too large", "approved by bob, carol"},
		{"rejected by the author", 1, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "alice", Plan: plan, Rejected: true}}
		}, "plan 3fa9c2d41b77 was rejected by alice", "approved by bob"},
		{"approved after all", 1, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan, Rejected: true}, {At: now, Actor: "bob", Plan: plan}}
		}, "", ""},
		{"rejected after all", 1, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "bob", Plan: plan, Rejected: true}}
		}, "plan 3fa9c2d41b77 was rejected by bob", "approved by nobody"},
		{"another plan was rejected", 1, func(now time.Time) []approved {
			return []approved{{At: now, Actor: "bob", Plan: plan}, {At: now, Actor: "carol", Plan: "x", Rejected: true}}
		}, "", ""},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				guard := &guardrails.Approval{Author: "alice", Need: tc.need, Source: approvals(tc.all(time.Now())...)}
				for range 2 { // the second answer may come from memory
					for _, verb := range []guardrails.Verb{guardrails.Start, guardrails.Deploy, guardrails.Unknown, 99} {
						b := no(t, guard, guardrails.Action{Verb: verb, Plan: plan})
						if tc.reason == "" {
							require.Nil(t, b)
							continue
						}
						require.NotNil(t, b)
						require.Equal(t, tc.reason, b.Reason)
						require.Equal(t, tc.evidence, b.Evidence)
						require.True(t, b.Cap, "an override would be one person's")
						require.Equal(t, guardrails.Hold, b.Consequence)
					}
				}
				for _, verb := range append(alwaysPass, guardrails.Bake) {
					require.Nil(t, no(t, guard, guardrails.Action{Verb: verb}))
				}
			})
		})
	}
}

// What passed a moment ago does not pass for ever: the approval expires, is taken
// back, or the source goes away.
func TestApprovalEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		all := []guardrails.Approved{{At: begin, Actor: "bob", Plan: "p"}}
		var err error
		guard := &guardrails.Approval{Author: "alice", Need: 1, Valid: time.Hour, Every: time.Minute, Source: func(context.Context) ([]guardrails.Approved, error) {
			return all, err
		}}
		act := guardrails.Action{Verb: guardrails.Deploy, Plan: "p"}
		require.Nil(t, no(t, guard, act))
		require.NotNil(t, no(t, guard, guardrails.Action{Verb: guardrails.Deploy, Plan: "q"}), "of one plan")
		require.Nil(t, no(t, guard, act))
		time.Sleep(time.Hour)
		require.Nil(t, no(t, guard, act))
		time.Sleep(time.Nanosecond)
		require.Equal(t, "does not count: bob (expired 1s ago)", no(t, guard, act).Evidence)

		all[0].At = time.Now()
		time.Sleep(time.Minute)
		require.Nil(t, no(t, guard, act))
		all[0].Rejected = true // in place: the guard has a copy
		require.Nil(t, no(t, guard, act))
		time.Sleep(time.Minute)
		require.Equal(t, "plan p was rejected by bob", no(t, guard, act).Reason)
		all[0].Rejected = false
		time.Sleep(time.Minute)
		require.Nil(t, no(t, guard, act))
		err = errors.New("no disk")
		time.Sleep(time.Minute)
		require.Equal(t, "it is not known who has approved the plan: no disk", no(t, guard, act).Reason)
	})
}

func TestApprovalWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all atomic.Pointer[[]guardrails.Approved]
		all.Store(&[]guardrails.Approved{})
		guard := &guardrails.Approval{Author: "alice", Source: func(context.Context) ([]guardrails.Approved, error) { return *all.Load(), nil }}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var changes atomic.Int32
		go guard.Watch(ctx, func() { changes.Add(1) })
		for i := range 3 {
			time.Sleep(time.Minute)
			synctest.Wait()
			require.EqualValues(t, i, changes.Load())
			more := append(slices.Clone(*all.Load()), guardrails.Approved{At: time.Now(), Actor: "bob", Plan: "p"})
			all.Store(&more)
		}
		new(guardrails.Approval).Watch(ctx, nil) // has nothing to watch
	})
}

func TestApprovalDoesNotKnow(t *testing.T) {
	source := approvals(guardrails.Approved{At: time.Now(), Actor: "bob", Plan: "p"})
	for want, guard := range map[string]*guardrails.Approval{
		"Source is nil: nobody knows who has approved":      {Author: "alice", Need: 1},
		"Author is empty: nobody knows who may not approve": {Author: " ", Need: 1, Source: source},
		"Need is -1: want 1 to 100 people":                  {Author: "alice", Need: -1, Source: source},
		"Need is 101: want 1 to 100 people":                 {Author: "alice", Need: 101, Source: source},
		"Valid is -1ns: want up to 90 days":                 {Author: "alice", Need: 1, Valid: -1, Source: source},
		"Every is -1ns: want 100ms or more":                 {Author: "alice", Need: 1, Every: -1, Source: source},
	} {
		require.Equal(t, []string{want}, problems(guard))
		require.Equal(t, "it is not known who has approved the plan: "+want, no(t, guard, guardrails.Action{Plan: "p"}).Reason)
		require.EqualError(t, guard.SelfTest(t.Context()), want)
	}
	guard := &guardrails.Approval{Author: "alice", Need: 1, Source: source}
	require.Contains(t, no(t, guard, guardrails.Action{}).Reason, "the action belongs to no plan that could be approved")
}

func TestApprovalFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "approvals.jsonl")
	source := guardrails.ApprovalFile(path)
	all, err := source(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	require.NoError(t, os.WriteFile(path, []byte(
		`{"at":"2026-07-01T12:00:00Z","actor":"bob","plan":"p","reason":"fine"}`+"\r\n\n"+
			`{"at":"2026-07-01T12:01:00+02:00","actor":"carol","plan":"p","rejected":true}`), 0o600))
	all, err = source(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, guardrails.Approved{At: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), Actor: "bob", Plan: "p", Reason: "fine"}, all[0])
	require.True(t, all[1].Rejected)

	for content, want := range map[string]string{
		"bob":    path + ":1: invalid character",
		"\n\n[]": path + ":3: json: cannot unmarshal array",
		`{"at":"2026-07-01T12:00:00Z","actor":"bob"}`:                           "an approval needs at, actor and plan",
		`{"at":"2026-07-01T12:00:00Z","actor":" ","plan":"p"}`:                  "an approval needs at, actor and plan",
		`{"actor":"bob","plan":"p"}`:                                            "an approval needs at, actor and plan",
		`{"at":"yesterday","actor":"bob","plan":"p"}`:                           "cannot parse",
		`{"at":"2026-07-01T12:00:00Z","actor":"bob","plan":"p","aproved":true}`: "unknown field",
		`{"at":"2026-07-01T12:00:00Z","actor":"bob","plan":"p"}{}`:              "there is more than one object on it",
		strings.Repeat(" ", 5<<20):                                              "is longer than 4194304 bytes",
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err = source(t.Context())
		require.ErrorContains(t, err, want)
	}
	_, err = guardrails.ApprovalFile(filepath.Join(path, "x"))(t.Context())
	require.Error(t, err)
	_, err = guardrails.ApprovalFile(filepath.Join(t.TempDir(), "no", "x"))(t.Context())
	require.ErrorContains(t, err, "its folder")
}

// Against a count by hand: people, by their last word on the plan.
func TestApprovalProperty(t *testing.T) {
	now := time.Now()
	rapid.Check(t, func(t *rapid.T) {
		need := rapid.IntRange(1, 3).Draw(t, "need")
		one := rapid.Custom(func(t *rapid.T) guardrails.Approved {
			return guardrails.Approved{
				At:    now.Add(-time.Duration(rapid.IntRange(0, 40).Draw(t, "age")) * time.Hour),
				Actor: rapid.SampledFrom([]string{"alice", "bob", "carol", "dave", "Dave", ""}).Draw(t, "actor"),
				Plan:  rapid.SampledFrom([]string{"p", "p", "q"}).Draw(t, "plan"), Rejected: rapid.IntRange(0, 9).Draw(t, "no") == 0,
			}
		})
		all := rapid.SliceOfN(one, 0, 10).Draw(t, "approvals")
		last := map[string]guardrails.Approved{}
		for _, a := range all {
			who := strings.ToLower(a.Actor)
			if before, ok := last[who]; a.Plan == "p" && who != "" && (!ok || !a.At.Before(before.At)) {
				last[who] = a
			}
		}
		yes, rejected := 0, false
		for who, a := range last {
			rejected = rejected || a.Rejected
			if !a.Rejected && who != "alice" && now.Sub(a.At) < 24*time.Hour {
				yes++
			}
		}
		guard := &guardrails.Approval{Author: "alice", Need: need, Source: approvals(all...)}
		got := guard.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy, Plan: "p"}) == nil
		if got != (yes >= need && !rejected) {
			t.Fatalf("%d of %d, rejected %v: let through is %v", yes, need, rejected, got)
		}
	})
}

func TestApprovalSelfTest(t *testing.T) {
	source := approvals()
	for _, need := range []int{0, 1, 3} {
		require.NoError(t, (&guardrails.Approval{Author: "alice", Need: need, Source: source}).SelfTest(t.Context()))
	}
	require.EqualError(t, (&guardrails.Approval{Author: "alice", Source: source, Valid: 1<<63 - 1}).SelfTest(t.Context()),
		"Valid is 2562047h47m16.854775807s: want up to 90 days")
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.Approval{}), guardrails.ErrSelfTest)
}

func ExampleApproval() {
	plan := "3fa9c2d41b7700aa" // the hash of what is about to be done
	guard := &guardrails.Approval{
		Author: "alice",
		Source: func(context.Context) ([]guardrails.Approved, error) {
			return []guardrails.Approved{
				{At: time.Now(), Actor: "bob", Plan: plan},
				{At: time.Now(), Actor: "alice", Plan: plan},
				{At: time.Now(), Actor: "carol", Plan: "77aa001122334455", Reason: "looks right"},
			}, nil
		},
	}
	breach := guardrails.Check(context.Background(), []guardrails.Guard{guard}, guardrails.Action{Verb: guardrails.Start, Plan: plan})
	fmt.Println(breach.Reason)
	fmt.Println(breach.Evidence)
	// Output:
	// 1 of 2 people have approved plan 3fa9c2d41b77
	// approved by bob; does not count: alice (the author), carol (for another plan, 77aa00112233)
}
