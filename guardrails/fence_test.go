package guardrails_test

import (
	"context"
	"errors"
	"math"
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
	_ guardrails.Namer      = guardrails.Fence{}
	_ guardrails.SelfTester = guardrails.Fence{}
	_ analysis.Problemer    = guardrails.Fence{}
)

// dnsZone is a DNS zone with one plan in force, and a store of all plans.
type dnsZone struct {
	mu     sync.Mutex
	plans  map[uint64][]string // what each plan says
	active uint64
}

// apply writes a plan, and asks the guards where it is written.
func (z *dnsZone) apply(ctx context.Context, guards func(seen uint64) []guardrails.Guard, plan uint64) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if b := guardrails.Check(ctx, guards(z.active), guardrails.Action{Verb: guardrails.Deploy, Target: "dynamodb", Sequence: plan}); b != nil {
		return b
	}
	z.active = plan
	return nil
}

func (z *dnsZone) newest() uint64 {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.active
}

// cleanUp deletes plans that are many generations older than the newest.
func (z *dnsZone) cleanUp(newest uint64) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for plan := range z.plans {
		if plan+2 < newest {
			delete(z.plans, plan)
		}
	}
}

func (z *dnsZone) addresses() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.plans[z.active]
}

// AWS DynamoDB, October 2025: two workers apply plans. Each checks once, at the start,
// that its plan is the newest; one is slow, and writes when that is long over.
func TestFenceStopsTheSlowEnactor(t *testing.T) {
	run := func(t *testing.T, guards func(seen uint64) []guardrails.Guard) (addresses []string, late error) {
		synctest.Test(t, func(t *testing.T) {
			zone := &dnsZone{plans: map[uint64][]string{}}
			for plan := range uint64(10) {
				zone.plans[plan+1] = []string{"192.0.2.1"}
			}
			var workers sync.WaitGroup
			workers.Go(func() { // the slow one
				if zone.newest() > 2 {
					return
				}
				time.Sleep(time.Hour)
				late = zone.apply(t.Context(), guards, 2)
				zone.cleanUp(9) // it is the other one's, which began before
			})
			workers.Go(func() {
				time.Sleep(30 * time.Minute)
				for plan := uint64(3); plan <= 9; plan++ {
					require.NoError(t, zone.apply(t.Context(), guards, plan))
				}
			})
			workers.Wait()
			addresses = zone.addresses()
			require.NoError(t, zone.apply(t.Context(), guards, 10), "the plan after it still applies")
		})
		return addresses, late
	}
	addresses, late := run(t, func(seen uint64) []guardrails.Guard {
		return []guardrails.Guard{guardrails.Fence{Seen: func(context.Context, string) (uint64, error) { return seen, nil }}}
	})
	require.ErrorIs(t, late, guardrails.ErrStale)
	require.EqualError(t, late, "guardrails: fence: dynamodb has a newer change than this (it has number 9, and this is number 2)")
	require.NotEmpty(t, addresses)

	addresses, late = run(t, func(uint64) []guardrails.Guard { return nil })
	require.NoError(t, late)
	require.Empty(t, addresses, "and without it")
}

func TestFence(t *testing.T) {
	has := func(sequence uint64) func(context.Context, string) (uint64, error) {
		return func(context.Context, string) (uint64, error) { return sequence, nil }
	}
	broken := func(context.Context, string) (uint64, error) { return math.MaxUint64, errors.New("no quorum") }
	panics := func(context.Context, string) (uint64, error) { panic("nil map") }
	hangs := func(context.Context, string) (uint64, error) { time.Sleep(time.Hour); return 0, nil }
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // in a bubble
	act := func(verb guardrails.Verb, sequence uint64, age time.Duration) guardrails.Action {
		return guardrails.Action{Verb: verb, Target: "a", Sequence: sequence, Issued: start.Add(-age)}
	}
	day := 24 * time.Hour
	long := act(guardrails.Start, 0, 20*time.Hour)
	long.Longest = 5 * time.Hour
	short := long
	short.Longest = 4 * time.Hour
	for _, tc := range []struct {
		story    string
		fence    guardrails.Fence
		act      guardrails.Action
		evidence string // empty: let through
		stale    bool
	}{
		{"newer", guardrails.Fence{Seen: has(6)}, act(guardrails.Deploy, 7, 0), "", false},
		{"the same again", guardrails.Fence{Seen: has(7)}, act(guardrails.Deploy, 7, 0), "", false},
		{"older", guardrails.Fence{Seen: has(8)}, act(guardrails.Deploy, 7, 0), "it has number 8, and this is number 7", true},
		{"the first", guardrails.Fence{Seen: has(0)}, act(guardrails.Deploy, 1, 0), "", false},
		{"without a number", guardrails.Fence{Seen: has(0)}, act(guardrails.Deploy, 0, 0), "the action has no sequence number", false},
		{"without a target", guardrails.Fence{Seen: has(0)}, guardrails.Action{Verb: guardrails.Deploy, Sequence: 1}, "the action names no target", false},
		{"nobody knows", guardrails.Fence{Seen: broken}, act(guardrails.Deploy, 7, 0), "what a has could not be found out: no quorum", false},
		{"a bug", guardrails.Fence{Seen: panics}, act(guardrails.Deploy, 7, 0), "what a has could not be found out: it panicked: nil map", false},
		{"nobody answers", guardrails.Fence{Seen: hangs}, act(guardrails.Deploy, 7, 0), "what a has could not be found out: no answer within 1s", false},
		{"an undo of what was overtaken", guardrails.Fence{Seen: has(8)}, act(guardrails.Undo, 7, 0), "it has number 8, and this is number 7", true},
		{"an undo of what is there", guardrails.Fence{Seen: has(7)}, act(guardrails.Undo, 7, 0), "", false},
		{"an undo that nobody knows", guardrails.Fence{Seen: broken}, act(guardrails.Undo, 7, 0), "", false},
		{"an undo without a number", guardrails.Fence{Seen: has(8)}, act(guardrails.Undo, 0, 0), "", false},
		{"an undo long after", guardrails.Fence{MaxAge: day, Seen: has(7)}, act(guardrails.Undo, 7, 10*day), "", false},
		{"an undo with no fence at all", guardrails.Fence{}, act(guardrails.Undo, 7, 0), "", false},
		{"a verb that is not set", guardrails.Fence{Seen: has(8)}, act(guardrails.Unknown, 7, 0), "it has number 8, and this is number 7", true},
		{"a verb from the future", guardrails.Fence{Seen: has(8)}, act(99, 7, 0), "it has number 8, and this is number 7", true},
		{"a start has no target to ask", guardrails.Fence{Seen: has(8)}, act(guardrails.Start, 7, 0), "", false},
		{"a bake", guardrails.Fence{}, act(guardrails.Bake, 0, 0), "", false},
		{"a recovery", guardrails.Fence{}, act(guardrails.Recover, 0, 0), "", false},
		{"young enough", guardrails.Fence{MaxAge: day}, act(guardrails.Deploy, 0, day), "", false},
		{"too old", guardrails.Fence{MaxAge: day}, act(guardrails.Deploy, 0, day+time.Second), "issued 1999-12-30T23:59:59Z, 24h0m1s ago; the most is 24h0m0s", true},
		{"too old to start", guardrails.Fence{MaxAge: day}, act(guardrails.Start, 0, day+time.Second), "issued 1999-12-30T23:59:59Z, 24h0m1s ago; the most is 24h0m0s", true},
		{"too old before it ends", guardrails.Fence{MaxAge: day}, long, "issued 1999-12-31T04:00:00Z, 20h0m0s ago; the most is 24h0m0s, and the rollout may take 5h0m0s", true},
		{"just in time", guardrails.Fence{MaxAge: day}, short, "", false},
		{"a clock a little ahead", guardrails.Fence{MaxAge: day}, act(guardrails.Deploy, 0, -time.Minute), "", false},
		{"a clock far ahead", guardrails.Fence{MaxAge: day}, act(guardrails.Deploy, 0, -time.Minute-1), "the change was issued at 2000-01-01T00:01:00Z, which is yet to come", false},
		{"nobody says when", guardrails.Fence{MaxAge: day}, guardrails.Action{Verb: guardrails.Deploy}, "the action does not say when the change was decided on", false},
		{"both count: the age", guardrails.Fence{MaxAge: day, Seen: has(6)}, act(guardrails.Deploy, 7, 2*day), "issued 1999-12-30T00:00:00Z, 48h0m0s ago; the most is 24h0m0s", true},
		{"both count: the number", guardrails.Fence{MaxAge: day, Seen: has(8)}, act(guardrails.Deploy, 7, 0), "it has number 8, and this is number 7", true},
		{"zero", guardrails.Fence{}, act(guardrails.Deploy, 7, 0), "Seen is nil, and MaxAge is not set, so there is nothing to compare and nothing would be let through", false},
		{"negative", guardrails.Fence{MaxAge: -1, Seen: has(6)}, act(guardrails.Deploy, 7, 0), "MaxAge is negative (-1ns)", false},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(2 * time.Hour) // what hangs
				err := tc.fence.Check(t.Context(), tc.act)
				if tc.evidence == "" {
					require.NoError(t, err)
					return
				}
				b := refusal(t, tc.fence, err)
				require.Equal(t, tc.evidence, b.Evidence)
				require.True(t, b.Cap)
				require.Equal(t, tc.stale, errors.Is(err, guardrails.ErrStale))
			})
		})
	}
}

// Whatever order changes come in, what a target has never gets older.
func TestFenceProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var has uint64
		fence := guardrails.Fence{Seen: func(context.Context, string) (uint64, error) { return has, nil }}
		for _, sequence := range rapid.SliceOf(rapid.Uint64Range(0, 20)).Draw(rt, "changes") {
			verb := rapid.SampledFrom([]guardrails.Verb{guardrails.Unknown, guardrails.Deploy}).Draw(rt, "verb")
			err := fence.Check(context.Background(), guardrails.Action{Verb: verb, Target: "a", Sequence: sequence})
			if want := sequence > 0 && sequence >= has; (err == nil) != want {
				rt.Fatalf("%d after %d: %v", sequence, has, err)
			}
			if err == nil {
				has = sequence
			}
		}
	})
}

func TestFenceProblems(t *testing.T) {
	never := func(context.Context, string) (uint64, error) { panic("a self-test asks nobody") }
	for _, sound := range []guardrails.Fence{{MaxAge: time.Hour}, {Seen: never}, {MaxAge: 1, Seen: never, Timeout: time.Second}} {
		require.Empty(t, problems(sound))
		require.NoError(t, sound.SelfTest(t.Context()))
	}
	for _, tc := range []struct {
		fence guardrails.Fence
		want  []string
	}{
		{guardrails.Fence{}, []string{"Seen is nil, and MaxAge is not set, so there is nothing to compare and nothing would be let through"}},
		{guardrails.Fence{MaxAge: -1, Timeout: -1}, []string{"MaxAge is negative (-1ns)", "Timeout is negative (-1ns)"}},
	} {
		require.Equal(t, tc.want, problems(tc.fence))
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), tc.fence), guardrails.ErrSelfTest)
	}
	require.Error(t, guardrails.Fence{MaxAge: math.MaxInt64}.SelfTest(t.Context()), "nothing is ever that old")
}
