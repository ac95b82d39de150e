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

	"github.com/tidegate-go/tidegate/guardrails"
)

// AWS S3, February 2017: a playbook that is to remove a few servers of the billing
// system is given one wrong input, and removes those of the index. With the guard a
// tenth of them goes; without it, all.
func TestMaxRemovalBoundsAPlaybook(t *testing.T) {
	const servers = 400
	playbook := func(index *int, plan func(set string, before, after int) error) func(context.Context) error {
		return func(context.Context) error {
			for *index > 0 {
				if err := plan("index", *index, *index-4); err != nil {
					return err
				}
				*index -= 4
			}
			return nil
		}
	}
	guard := &guardrails.MaxRemoval{Run: guardrails.Removal{Percent: 10}, PlanOnly: true}
	index := servers
	err := guardrails.Do(t.Context(), []guardrails.Guard{guard}, playbook(&index, guard.Plan))
	require.ErrorContains(t, err, "max-removal: 44 of 400 members of index would be removed (4 now, and 40 before in this run; the cap of a run is 10% of 400 = 40)")
	require.Equal(t, 360, index)

	index = servers
	require.NoError(t, playbook(&index, func(string, int, int) error { return nil })(t.Context()))
	require.Zero(t, index)
}

// A rate lets as much through as it says, span by span.
func TestMaxRemovalRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &guardrails.MaxRemoval{Rate: guardrails.Removal{Count: 5}, Per: time.Minute, PlanOnly: true}
		require.NoError(t, m.Plan("sites", 883, 880))
		time.Sleep(30 * time.Second)
		require.NoError(t, m.Plan("sites", 880, 878))
		require.ErrorContains(t, m.Plan("sites", 878, 877), "6 of 883 members of sites would be removed within 1m0s (1 now, and 5 before; the cap within 1m0s is 5)")
		require.NoError(t, m.Plan("apps", 100, 95), "another set has a rate of its own")
		time.Sleep(30*time.Second - 1)
		require.Error(t, m.Plan("sites", 878, 877))
		time.Sleep(time.Nanosecond)
		require.NoError(t, m.Plan("sites", 878, 875))
		require.Error(t, m.Plan("sites", 875, 874))
		time.Sleep(time.Hour)
		require.NoError(t, m.Plan("sites", 875, 870))
	})
}

func TestMaxRemovalPlan(t *testing.T) {
	percent, count := guardrails.Removal{Percent: 10}, guardrails.Removal{Count: 3}
	for name, test := range map[string]struct {
		run     guardrails.Removal
		changes [][2]int
		want    string // of the last change
	}{
		"as much as may be":           {percent, [][2]int{{40, 36}}, ""},
		"one more":                    {percent, [][2]int{{40, 35}}, "5 of 40"},
		"bit by bit":                  {percent, [][2]int{{40, 38}, {38, 36}, {36, 35}}, "5 of 40"},
		"rounded down":                {percent, [][2]int{{9, 8}}, "10% of 9 = 0"},
		"additions make no room":      {percent, [][2]int{{40, 36}, {36, 40}, {40, 39}}, "5 of 40"},
		"nor by much":                 {percent, [][2]int{{40, 36}, {36, 4000}, {4000, 3999}}, "5 of 40"},
		"nothing removed":             {percent, [][2]int{{40, 36}, {36, 36}, {36, 90}}, ""},
		"what others removed":         {percent, [][2]int{{40, 38}, {10, 9}}, "3 of 12"},
		"a count":                     {count, [][2]int{{40, 37}}, ""},
		"a count, and one more":       {count, [][2]int{{40, 36}}, "the cap of a run is 3"},
		"both, and the count is less": {guardrails.Removal{Percent: 50, Count: 3}, [][2]int{{40, 36}}, "the cap of a run is 3"},
		"both, and the share is less": {guardrails.Removal{Percent: 10, Count: 30}, [][2]int{{40, 35}}, "the cap of a run is 10% of 40 = 4"},
		"figures that cannot be":      {count, [][2]int{{-1, -2}}, "which cannot be"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &guardrails.MaxRemoval{Run: test.run, PlanOnly: true}
			var err error
			for i, c := range test.changes {
				require.NoError(t, err, "change %d", i)
				err = m.Plan("a", c[0], c[1])
			}
			if test.want == "" {
				require.NoError(t, err)
				require.NoError(t, m.Check(t.Context(), guardrails.Action{}))
				return
			}
			var b *guardrails.Breach
			require.ErrorAs(t, err, &b)
			require.Contains(t, b.Error(), test.want)
			require.True(t, b.Cap)
			require.NotEmpty(t, b.Runbook)
			require.Equal(t, err, m.Check(t.Context(), guardrails.Action{}), "who goes on is stopped")
			require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: guardrails.Undo}))
		})
	}
}

func TestMaxRemovalProblems(t *testing.T) {
	ten := guardrails.Removal{Percent: 10}
	for want, m := range map[string]*guardrails.MaxRemoval{
		"neither Run nor Rate is set": {PlanOnly: true},
		"Run.Percent is 100":          {Run: guardrails.Removal{Percent: 100}, PlanOnly: true},
		"Run.Percent is NaN":          {Run: guardrails.Removal{Percent: nan()}, PlanOnly: true},
		"Run.Count is -1":             {Run: guardrails.Removal{Count: -1}, PlanOnly: true},
		"Per is zero":                 {Rate: ten, PlanOnly: true},
		"Per is negative":             {Run: ten, Per: -1, PlanOnly: true},
		"Rate is not set":             {Run: ten, Per: time.Minute, PlanOnly: true},
		"Sets is nil":                 {Run: ten},
	} {
		require.ErrorContains(t, m.Check(t.Context(), guardrails.Action{}), want)
		require.ErrorContains(t, m.Plan("a", 3, 3), want)
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), m), guardrails.ErrSelfTest)
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

// In a rollout each step counts once, however often it is asked about.
func TestMaxRemovalInARollout(t *testing.T) {
	m := &guardrails.MaxRemoval{Run: guardrails.Removal{Count: 3}}
	hosts := 10
	m.Sets = func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) {
		return []guardrails.SetChange{{Set: "hosts", Before: hosts, After: hosts - 1}}, nil
	}
	step := func(rollout string, i int) error {
		return m.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy, Rollout: rollout, Target: fmt.Sprint("host-", i)})
	}
	for i := range 3 {
		for range 5 {
			require.NoError(t, step("r1", i))
		}
		hosts--
	}
	require.ErrorContains(t, step("r1", 3), "4 of 10 members of hosts would be removed")
	require.NoError(t, step("r1", 1), "what was let through before")
	require.NoError(t, step("r2", 3), "another run")
	require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: guardrails.Start, Rollout: "r1"}))
	require.NoError(t, m.Check(t.Context(), guardrails.Action{Verb: guardrails.Undo, Rollout: "r1"}))

	for want, sets := range map[string]func(context.Context, guardrails.Action) ([]guardrails.SetChange, error){
		"no route": func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) {
			return nil, errors.New("no route")
		},
		"Sets named no set": func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) { return nil, nil },
		"oops":              func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) { panic("oops") },
	} {
		m := &guardrails.MaxRemoval{Run: guardrails.Removal{Count: 3}, Sets: sets}
		require.ErrorContains(t, m.Check(t.Context(), guardrails.Action{}), want)
	}
}

// A script whose Sets tells how it stands is stopped when it has removed too much.
func TestMaxRemovalWatchesAScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sites := make(chan int, 1)
		sites <- 883
		m := &guardrails.MaxRemoval{
			Run: guardrails.Removal{Count: 20},
			Sets: func(context.Context, guardrails.Action) ([]guardrails.SetChange, error) {
				now := <-sites
				sites <- now
				return []guardrails.SetChange{{Set: "sites", Before: 883, After: now}}, nil
			},
		}
		delete := func(ctx context.Context) error {
			for ctx.Err() == nil {
				time.Sleep(1560 * time.Millisecond)
				sites <- <-sites - 1
			}
			return context.Cause(ctx)
		}
		err := guardrails.Do(t.Context(), []guardrails.Guard{m}, delete)
		require.ErrorContains(t, err, "21 of 883 members of sites would be removed")
		left := <-sites
		require.GreaterOrEqual(t, left, 860, "and what was under way")
		sites <- 883 // they are restored, and the script is run again
		err = guardrails.Do(t.Context(), []guardrails.Guard{m}, delete)
		require.ErrorContains(t, err, "21 of 883 members of sites would be removed", "for this guard, it is the same run")
		require.GreaterOrEqual(t, <-sites, 880)
	})
}

func TestMaxRemovalSelfTest(t *testing.T) {
	for _, m := range []*guardrails.MaxRemoval{
		{Run: guardrails.Removal{Percent: 99.99}, PlanOnly: true},
		{Run: guardrails.Removal{Count: 1 << 30}, PlanOnly: true},
		{Rate: guardrails.Removal{Percent: 1}, Per: time.Second, PlanOnly: true},
	} {
		require.NoError(t, m.SelfTest(t.Context()))
		require.NoError(t, m.Check(t.Context(), guardrails.Action{}), "it leaves nothing behind")
	}
}

// Whatever is asked for, in whatever order, no more is let through than the caps say.
func TestMaxRemovalProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) {
			size := rapid.IntRange(1, 200).Draw(rt, "size")
			runCap := rapid.IntRange(1, 50).Draw(rt, "run")
			rateCap := rapid.IntRange(1, 20).Draw(rt, "rate")
			m := &guardrails.MaxRemoval{
				Run: guardrails.Removal{Count: runCap}, Rate: guardrails.Removal{Count: rateCap}, Per: time.Minute, PlanOnly: true,
			}
			type gone struct {
				at time.Time
				n  int
			}
			var all []gone
			for range rapid.IntRange(1, 40).Draw(rt, "changes") {
				time.Sleep(time.Duration(rapid.IntRange(0, 40).Draw(rt, "pause")) * time.Second)
				n := rapid.IntRange(-5, min(size, 10)).Draw(rt, "removed")
				if m.Plan("a", size, size-n) != nil {
					continue
				}
				size -= n
				all = append(all, gone{time.Now(), max(n, 0)})
			}
			total := 0
			for i, last := range all {
				total += last.n
				recent := 0
				for _, g := range all[:i+1] {
					if last.at.Sub(g.at) < time.Minute {
						recent += g.n
					}
				}
				if total > runCap || recent > rateCap {
					rt.Fatalf("%d removed in all, %d within a minute", total, recent)
				}
			}
		})
	})
}

func BenchmarkMaxRemoval(b *testing.B) {
	m := &guardrails.MaxRemoval{Run: guardrails.Removal{Percent: 10}, PlanOnly: true}
	act := guardrails.Action{Verb: guardrails.Deploy}
	for b.Loop() {
		if err := m.Check(b.Context(), act); err != nil {
			b.Fatal(err)
		}
	}
}
