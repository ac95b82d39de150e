package guardrails_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.SelfTester = (*guardrails.ErrorBudget)(nil)
	_ guardrails.Watcher    = (*guardrails.ErrorBudget)(nil)
	_ analysis.Problemer    = (*guardrails.ErrorBudget)(nil)
)

// Amazon, March 2026: 1.6 million errors on the 2nd, and three days later the change
// that cost most of the orders. The budget of this shop is a million errors.
func TestErrorBudgetIncident(t *testing.T) {
	errorsMade := func(t *testing.T, guarded bool) int64 {
		var made atomic.Int64
		synctest.Test(t, func(t *testing.T) {
			guard := &guardrails.ErrorBudget{Min: 0.1, Budget: func(context.Context) (float64, error) { return 1 - float64(made.Load())/1e6, nil }}
			for _, cost := range []int64{1000, 1_600_000, 6_300_000} {
				if !guarded || guard.Check(t.Context(), guardrails.Action{Verb: guardrails.Start}) == nil {
					made.Add(cost)
				}
				time.Sleep(72 * time.Hour)
			}
		})
		return made.Load()
	}
	require.EqualValues(t, 7_901_000, errorsMade(t, false))
	require.EqualValues(t, 1_601_000, errorsMade(t, true))
}

func TestErrorBudget(t *testing.T) {
	for _, tc := range []struct {
		story    string
		left     float64
		err      error
		min      float64
		fix      string
		reason   string
		evidence string
	}{
		{"plenty", 0.8, nil, 0.1, "", "", ""},
		{"a little more than enough", 0.1000001, nil, 0.1, "", "", ""},
		{"just too little", 0.1, nil, 0.1, "", "too little of the error budget is left: only fixes and rollbacks may be made", "10% left; more than 10% is needed"},
		{"overdrawn", -2.5, nil, 0.1, "", "too little of the error budget is left: only fixes and rollbacks may be made", "-250% left; more than 10% is needed"},
		{"overdrawn, but this is the fix", -2.5, nil, 0.1, "INC-7", "", ""},
		{"a fix that is none", 0, nil, 0, " \n", "too little of the error budget is left: only fixes and rollbacks may be made", "0% left; more than 0% is needed"},
		{"all, and the least is nothing", 1, nil, 0, "", "", ""},
		{"nothing, and the least is nothing", 0, nil, 0, "", "too little of the error budget is left: only fixes and rollbacks may be made", "0% left; more than 0% is needed"},
		{"no answer", 1, errors.New("no route"), 0, "", "it is not known how much of the error budget is left: no route", ""},
		{"NaN", math.NaN(), nil, 0, "", "it is not known how much of the error budget is left: NaN is no share: want 1 for all of it, 0 for nothing", ""},
		{"a percentage", 40, nil, 0, "", "it is not known how much of the error budget is left: 40 is no share: want 1 for all of it, 0 for nothing", ""},
		{"a least of NaN", 1, nil, math.NaN(), "", "it is not known how much of the error budget is left: Min is NaN: want a share from 0 to less than 1, such as 0.1", ""},
	} {
		t.Run(tc.story, func(t *testing.T) {
			guard := &guardrails.ErrorBudget{Min: tc.min, Fix: tc.fix, Budget: func(context.Context) (float64, error) { return tc.left, tc.err }}
			for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Start, guardrails.Deploy, 99} {
				b := no(t, guard, guardrails.Action{Verb: verb})
				if tc.reason == "" {
					require.Nil(t, b)
					continue
				}
				require.Equal(t, tc.reason, b.Reason)
				require.Equal(t, tc.evidence, b.Evidence)
				require.False(t, b.Cap)
				require.Equal(t, guardrails.Hold, b.Consequence)
			}
			for _, verb := range append(alwaysPass, guardrails.Bake) {
				require.Nil(t, no(t, guard, guardrails.Action{Verb: verb}))
			}
		})
	}
	require.Contains(t, no(t, &guardrails.ErrorBudget{}, guardrails.Action{}).Reason, "Budget is nil")
}

// It is asked once for many checks, in the background when watched, and tells of news.
func TestErrorBudgetIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		var left atomic.Int32
		left.Store(50)
		guard := &guardrails.ErrorBudget{Every: 10 * time.Second, Budget: func(context.Context) (float64, error) {
			asked.Add(1)
			if left.Load() == 13 {
				return 0, errors.New("unlucky")
			}
			return float64(left.Load()) / 100, nil
		}}
		for range 1000 {
			require.Nil(t, no(t, guard, guardrails.Action{}))
		}
		require.EqualValues(t, 1, asked.Load())
		ctx, cancel := context.WithCancel(t.Context())
		var changes atomic.Int32
		go guard.Watch(ctx, func() { changes.Add(1) })
		for i, percent := range []int32{50, 0, -10, 13, 20, 30} {
			left.Store(percent)
			time.Sleep(21 * time.Second)
			synctest.Wait()
			require.EqualValues(t, []int32{0, 1, 1, 2, 3, 3}[i], changes.Load(), "%d%%", percent)
			require.Equal(t, percent == 0 || percent == -10 || percent == 13, no(t, guard, guardrails.Action{}) != nil)
		}
		cancel()
		synctest.Wait()
		(&guardrails.ErrorBudget{}).Watch(t.Context(), nil) // has nothing to watch
	})
}

// A source that hangs holds up nobody for longer than a rollout waits.
func TestErrorBudgetHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard := &guardrails.ErrorBudget{Budget: func(ctx context.Context) (float64, error) {
			<-ctx.Done()
			return 1, nil
		}}
		begin := time.Now()
		require.Contains(t, no(t, guard, guardrails.Action{}).Reason, "deadline exceeded")
		require.Less(t, time.Since(begin), 5*time.Second)
	})
}

func TestErrorBudgetSelfTest(t *testing.T) {
	budget := func(context.Context) (float64, error) { return 0, errors.New("not asked") }
	require.NoError(t, (&guardrails.ErrorBudget{Budget: budget, Min: 0.2, Fix: "INC-7"}).SelfTest(t.Context()))
	require.Equal(t, []string{"Budget is nil: nobody knows what is left", "Min is 1: want a share from 0 to less than 1, such as 0.1", "Every is -1ns: want 100ms or more"},
		problems(&guardrails.ErrorBudget{Min: 1, Every: -1}))
	for _, broken := range []*guardrails.ErrorBudget{{}, {Budget: budget, Min: -1}, {Budget: budget, Min: math.NaN()}, {Budget: budget, Min: 1}} {
		require.Error(t, broken.SelfTest(t.Context()), "a least that nothing would ever be below")
	}
}
