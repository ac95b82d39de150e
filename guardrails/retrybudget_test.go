package guardrails_test

import (
	"context"
	"sync"
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
	_ guardrails.SelfTester = (*guardrails.RetryBudget)(nil)
	_ analysis.Problemer    = (*guardrails.RetryBudget)(nil)
)

// Google Cloud, 12 June 2025: all tasks of a region began anew together, and the
// database under them could not serve so many at a time. Here it serves 10 a second,
// and as long as it is asked for more, nobody.
func TestRetryBudgetIncident(t *testing.T) {
	recovered := func(t *testing.T, guarded bool) (served int) {
		synctest.Test(t, func(t *testing.T) {
			retries := &guardrails.RetryBudget{Max: 9, Per: time.Second}
			waiting := 100
			for range 60 {
				asking := 0
				for range waiting {
					if !guarded || retries.Take() == nil {
						asking++
					}
				}
				if asking <= 10 {
					waiting -= asking
					served += asking
				}
				time.Sleep(time.Second)
			}
		})
		return served
	}
	require.Zero(t, recovered(t, false), "without the budget nobody is served, for ever")
	require.Equal(t, 100, recovered(t, true))
}

func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(t, "2026-07-01T12:00:00Z")
		retries := &guardrails.RetryBudget{Max: 2, Per: time.Minute}
		deploy := guardrails.Action{Verb: guardrails.Deploy}
		require.Nil(t, retries.Take())
		time.Sleep(20 * time.Second)
		require.Nil(t, no(t, retries, deploy))
		require.Nil(t, retries.Take())
		for range 3 {
			b := retries.Take()
			require.Equal(t, "automation has spent its retries: too much fails for it to go on trying", b.Reason)
			require.Equal(t, "2 within 1m; the next at 12:01:00 UTC, in 40s", b.Evidence)
			require.True(t, b.Cap)
			require.Equal(t, b, no(t, retries, deploy))
			require.NotNil(t, no(t, retries, guardrails.Action{Verb: guardrails.Start}))
			require.NotNil(t, no(t, retries, guardrails.Action{}))
			require.NotNil(t, no(t, retries, guardrails.Action{Verb: 99}))
		}
		for _, verb := range append(alwaysPass, guardrails.Bake) {
			require.Nil(t, no(t, retries, guardrails.Action{Verb: verb}))
		}
		time.Sleep(40*time.Second - 1)
		require.NotNil(t, no(t, retries, deploy))
		time.Sleep(time.Nanosecond)
		require.Nil(t, no(t, retries, deploy), "a check takes nothing")
		require.Nil(t, retries.Take())
		require.NotNil(t, retries.Take())
		time.Sleep(20 * time.Second)
		require.Nil(t, retries.Take())
		require.NotNil(t, retries.Take())
	})
}

func TestRetryBudgetOfNothing(t *testing.T) {
	for want, retries := range map[string]*guardrails.RetryBudget{
		"Max is 0: want 1 to 100000 retries":      {Per: time.Hour},
		"Max is 100001: want 1 to 100000 retries": {Max: 100_001, Per: time.Hour},
		"Per is 0s: want a time":                  {Max: 1},
		"Per is -1ns: want a time":                {Max: 1, Per: -1},
	} {
		require.Equal(t, []string{want}, problems(retries))
		require.Equal(t, want, retries.Take().Evidence)
		require.Equal(t, want, no(t, retries, guardrails.Action{}).Evidence)
		require.EqualError(t, retries.SelfTest(t.Context()), want)
	}
	require.NotNil(t, (&guardrails.RetryBudget{}).Take())
}

// However they are asked for, no time as long as Per sees more than Max; and whenever
// it would not, there is one.
func TestRetryBudgetProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(rt, "max")
		per := time.Duration(rapid.IntRange(1, 20).Draw(rt, "per")) * time.Second
		gaps := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 60).Draw(rt, "gaps")
		synctest.Test(t, func(t *testing.T) {
			retries := &guardrails.RetryBudget{Max: limit, Per: per}
			var taken []time.Time
			for _, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Second)
				recent := 0
				for _, at := range taken {
					if time.Since(at) < per {
						recent++
					}
				}
				before := retries.Check(context.Background(), guardrails.Action{}) == nil
				got := retries.Take() == nil
				if got != (recent < limit) || before != got {
					t.Errorf("%d within %v, at most %d: got is %v, and the check said %v", recent, per, limit, got, before)
				}
				if got {
					taken = append(taken, time.Now())
				}
			}
		})
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// Many at a time get no more than there are.
func TestRetryBudgetTogether(t *testing.T) {
	retries := &guardrails.RetryBudget{Max: 100, Per: time.Hour}
	var taken atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if retries.Take() == nil {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 100, taken.Load())
}

func TestRetryBudgetSelfTest(t *testing.T) {
	retries := &guardrails.RetryBudget{Max: 3, Per: time.Millisecond}
	require.NoError(t, retries.SelfTest(t.Context()))
	for range 3 {
		require.Nil(t, retries.Take(), "it spends nothing")
	}
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.RetryBudget{}), guardrails.ErrSelfTest)
}
