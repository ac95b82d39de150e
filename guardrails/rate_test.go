package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.SelfTester = guardrails.Rate{}
	_ analysis.Problemer    = guardrails.Rate{}
)

// memoryHistory is a History by heart. It answers as filejournal.Dir does.
type memoryHistory struct {
	past []guardrails.Past
	err  error
}

func (h *memoryHistory) Past(_ context.Context, service string, since time.Time) (found []guardrails.Past, err error) {
	for _, p := range h.past {
		if (service == "" || p.Service == service) && (p.Ended.IsZero() || !p.Ended.Before(since)) {
			found = append(found, p)
		}
	}
	return found, h.err
}

// run records a rollout that begins now and ends at once.
func (h *memoryHistory) run(service string, ending guardrails.Ending) {
	h.past = append(h.past, guardrails.Past{
		Rollout: fmt.Sprintf("%s-%d", service, len(h.past)+1), Service: service, Started: time.Now(), Ended: time.Now(), Ending: ending,
	})
}

func startOf(service string) guardrails.Action {
	return guardrails.Action{Verb: guardrails.Start, Service: service, Rollout: "next"}
}

// Cloudflare, 18 November 2025: a generator sent every machine a new feature file each
// five minutes, good and bad by turns, from about 11:20 until it was stopped at 14:24.
func TestRateIncident(t *testing.T) {
	sent := func(t *testing.T, guarded bool) (n int) {
		synctest.Test(t, func(t *testing.T) {
			h := &memoryHistory{}
			guard := guardrails.Rate{History: h, Max: 2, Per: 6 * time.Hour}
			for range 36 { // three hours
				if !guarded || guard.Check(t.Context(), startOf("bot-management")) == nil {
					h.run("bot-management", guardrails.Completed)
					n++
				}
				time.Sleep(5 * time.Minute)
			}
		})
		return n
	}
	require.Equal(t, 36, sent(t, false), "without the guard each one is sent")
	require.Equal(t, 2, sent(t, true))
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(t, "2026-07-01T12:00:00Z")
		h := &memoryHistory{}
		rate := guardrails.Rate{History: h, Max: 2, Per: time.Hour}
		all := guardrails.Rate{History: h, Max: 3, Per: time.Hour, All: true}
		require.Equal(t, "rate", rate.GuardName())
		require.Equal(t, "rate/all", all.GuardName())
		require.Nil(t, no(t, rate, startOf("cart")))
		h.run("cart", guardrails.RolledBack)
		time.Sleep(20 * time.Minute)
		h.run("cart", guardrails.Completed)
		b := no(t, rate, startOf("cart"))
		require.Equal(t, "2 changes of cart have begun within 1h, and the most is 2", b.Reason)
		require.Equal(t, "the last: cart-1, cart-2; room Wed 13:00 UTC, in 40m", b.Evidence)
		require.False(t, b.Cap)
		require.Nil(t, no(t, rate, startOf("car")), "another service")
		for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Deploy, guardrails.Bake, guardrails.Undo, guardrails.Recover} {
			require.Nil(t, no(t, rate, guardrails.Action{Verb: verb, Service: "cart"}), "what has begun is let finish")
		}
		again := startOf("cart")
		again.Rollout = "cart-2"
		require.Nil(t, no(t, rate, again), "one that begins again after a crash does not stand in its own way")

		require.Nil(t, no(t, all, startOf("cart")))
		h.run("search", guardrails.Completed)
		require.Equal(t, "3 changes of all services have begun within 1h, and the most is 3", no(t, all, startOf("car")).Reason)

		time.Sleep(40*time.Minute - 1)
		require.NotNil(t, no(t, rate, startOf("cart")))
		time.Sleep(time.Nanosecond)
		require.Nil(t, no(t, rate, startOf("cart")))

		h.past = append(h.past, guardrails.Past{Rollout: "skewed", Service: "cart", Started: time.Now().Add(time.Hour)})
		require.NotNil(t, no(t, rate, startOf("cart")), "what begins in the future has begun")
	})
}

func TestRateDoesNotKnow(t *testing.T) {
	h := &memoryHistory{}
	for want, rate := range map[string]guardrails.Rate{
		"History is nil: nobody knows which changes there were": {Max: 1, Per: 1},
		"Max is 0: want 1 to 100000 changes":                    {History: h, Per: 1},
		"Max is 100001: want 1 to 100000 changes":               {History: h, Max: 100_001, Per: 1},
		"Per is 0s: want a time":                                {History: h, Max: 1},
	} {
		require.Equal(t, []string{want}, problems(rate))
		require.Equal(t, "it is not known how many changes there were: "+want, no(t, rate, startOf("cart")).Reason)
		require.EqualError(t, rate.SelfTest(t.Context()), want)
	}
	rate := guardrails.Rate{History: h, Max: 1, Per: time.Hour}
	require.Contains(t, no(t, rate, startOf("")).Reason, "the action does not say what service it changes")
	h.err = errors.New("no disk")
	b := no(t, rate, startOf("cart"))
	require.Equal(t, "it is not known how many changes there were: no disk", b.Reason)
	require.ErrorIs(t, b, h.err)
	rate.History = panics{}
	require.Contains(t, no(t, rate, startOf("cart")).Reason, "it panicked: boom")
	require.NoError(t, rate.SelfTest(t.Context()), "it asks nobody")

	synctest.Test(t, func(t *testing.T) {
		rate.History = hangs{}
		begin := time.Now()
		require.Contains(t, no(t, rate, startOf("cart")).Reason, "deadline exceeded")
		require.Less(t, time.Since(begin), 5*time.Second, "a rollout waits no longer")
	})
}

type panics struct{}

func (panics) Past(context.Context, string, time.Time) ([]guardrails.Past, error) { panic("boom") }

type hangs struct{}

func (hangs) Past(ctx context.Context, _ string, _ time.Time) ([]guardrails.Past, error) {
	<-ctx.Done()
	return nil, nil
}

// However starts come, no window of time as long as Per sees more than Max, and one is
// let through whenever that would not.
func TestRateProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(rt, "max")
		per := time.Duration(rapid.IntRange(1, 20).Draw(rt, "per")) * time.Second
		gaps := rapid.SliceOfN(rapid.IntRange(0, 8), 1, 40).Draw(rt, "gaps")
		synctest.Test(t, func(t *testing.T) {
			h := &memoryHistory{}
			guard := guardrails.Rate{History: h, Max: limit, Per: per}
			for _, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Second)
				recent := 0
				for _, p := range h.past {
					if time.Since(p.Started) < per {
						recent++
					}
				}
				passes := guard.Check(t.Context(), startOf("cart")) == nil
				if passes != (recent < limit) {
					t.Errorf("%d within %v, at most %d: let through is %v", recent, per, limit, passes)
				}
				if passes {
					h.run("cart", guardrails.Completed)
				}
			}
		})
		if t.Failed() {
			rt.FailNow()
		}
	})
}

func TestRateSelfTest(t *testing.T) {
	for _, limit := range []int{1, 2, 1000} {
		require.NoError(t, guardrails.Rate{History: hangs{}, Max: limit, Per: time.Hour}.SelfTest(t.Context()))
	}
	require.ErrorContains(t, guardrails.Rate{History: hangs{}, Max: 1, Per: 1}.SelfTest(t.Context()), "it let through change 2 of 1",
		"a time so short that there is nothing to count")
}
