package guardrails_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Watcher    = (*guardrails.Drift)(nil)
	_ guardrails.Namer      = (*guardrails.Drift)(nil)
	_ guardrails.SelfTester = (*guardrails.Drift)(nil)
	_ analysis.Problemer    = (*guardrails.Drift)(nil)
)

// toV2 is a rollout from v1 to v2.
func toV2(verb guardrails.Verb, target string, fleet guardrails.Fleet) guardrails.Action {
	return guardrails.Action{Verb: verb, Rollout: "r", Service: "s", From: "v1", To: "v2", Target: target, Fleet: fleet}
}

// Datadog, March 2023: while one region is changed at a time, an updater that nobody
// remembers changes all of them within the hour.
func TestDriftFindsTheOtherUpdater(t *testing.T) {
	run := func(t *testing.T, guards func(*rack) []guardrails.Guard) (changed int, breach *guardrails.Breach) {
		synctest.Test(t, func(t *testing.T) {
			nodes := newRack("v1", "v1", "v1", "v1", "v1", "v1")
			all := guards(nodes)
			require.Nil(t, guardrails.Check(t.Context(), all, toV2(guardrails.Start, "", nil)))
			for i, node := range nodes.names() {
				if breach = guardrails.Check(t.Context(), all, toV2(guardrails.Deploy, node, nil)); breach != nil {
					return
				}
				nodes.set(node, "v2")
				changed++
				time.Sleep(10 * time.Minute)
				if i == 1 {
					nodes.set("srv5", "v1+security")
				}
			}
		})
		return changed, breach
	}
	changed, breach := run(t, func(nodes *rack) []guardrails.Guard {
		return []guardrails.Guard{&guardrails.Drift{Targets: nodes.names(), Report: nodes.report}}
	})
	require.Equal(t, 2, changed)
	require.EqualError(t, breach, `guardrails: drift: 1 of 6 targets were changed outside of the plan, or nobody knows (srv5 reports "v1+security")`)
	changed, breach = run(t, func(*rack) []guardrails.Guard { return nil })
	require.Equal(t, 6, changed, "and without it")
	require.Nil(t, breach)
}

func TestDrift(t *testing.T) {
	for _, tc := range []struct {
		story    string
		versions []string
		exposed  int      // what the fleet says, with the last step
		touched  []string // let through before, after a Start that was content
		act      guardrails.Action
		evidence string // empty: let through
	}{
		{"a start on From", []string{"v1", "v1"}, 0, nil, toV2(guardrails.Start, "", nil), ""},
		{"a start elsewhere", []string{"v1", "v0"}, 0, nil, toV2(guardrails.Start, "", nil), `srv2 reports "v0"`},
		{"a start where some run To", []string{"v1", "v2"}, 0, nil, toV2(guardrails.Start, "", nil), `srv2 reports "v2"`},
		{"a start that does not know", []string{"v1", "!"}, 0, nil, toV2(guardrails.Start, "", nil), "srv2 cannot tell: connection refused"},
		{"a start of nothing", []string{"v1", ""}, 0, nil, toV2(guardrails.Start, "", nil), `srv2 reports ""`},
		{"a step", []string{"v1", "v1"}, 1, nil, toV2(guardrails.Deploy, "srv1", nil), ""},
		{"on a target that has it already", []string{"v2", "v1"}, 1, nil, toV2(guardrails.Deploy, "srv1", nil), `srv1 reports "v2"`},
		{"after the first", []string{"v2", "v1", "v1"}, 2, []string{"srv1"}, toV2(guardrails.Deploy, "srv2", nil), ""},
		{"the first once more", []string{"v2", "v1"}, 1, []string{"srv1"}, toV2(guardrails.Deploy, "srv1", nil), ""},
		{"what was touched may run From", []string{"v1", "v1"}, 2, []string{"srv1"}, toV2(guardrails.Deploy, "srv2", nil), ""},
		{"and be silent", []string{"!", "v1"}, 2, []string{"srv1"}, toV2(guardrails.Deploy, "srv2", nil), ""},
		{"but run nothing else", []string{"v3", "v1"}, 2, []string{"srv1"}, toV2(guardrails.Deploy, "srv2", nil), `srv1 reports "v3"`},
		{"what was not must not be silent", []string{"v2", "v1", "!"}, 2, []string{"srv1"}, toV2(guardrails.Deploy, "srv2", nil), "srv3 cannot tell: connection refused"},
		{"a bake", []string{"v2", "v1"}, 1, []string{"srv1"}, toV2(guardrails.Bake, "", nil), ""},
		{"a bake beside another changer", []string{"v2", "v2"}, 1, []string{"srv1"}, toV2(guardrails.Bake, "", nil), `srv2 reports "v2"`},
		{"an undo is not held", []string{"v3", "v3"}, 1, []string{"srv1"}, toV2(guardrails.Undo, "srv1", nil), ""},
		{"nor a recovery", []string{"v3", "v3"}, 1, []string{"srv1"}, toV2(guardrails.Recover, "", nil), ""},
		{"a verb that is not set", []string{"v3"}, 1, nil, toV2(guardrails.Unknown, "srv1", nil), `srv1 reports "v3"`},
		{"a verb from the future", []string{"v3"}, 1, nil, toV2(99, "srv1", nil), `srv1 reports "v3"`},
		{"a target that nobody asks", []string{"v1"}, 1, nil, toV2(guardrails.Deploy, "srv9", nil), `"srv9" is none of the 1 targets that are asked`},
		{"no versions", []string{"v1"}, 1, nil, guardrails.Action{Verb: guardrails.Deploy, Target: "srv1"}, `the action goes from "" to ""`},
		{"after a crash: what is exposed counts as touched", []string{"v2", "v2", "v1"}, 3, nil, toV2(guardrails.Deploy, "srv3", tallies{"=": {Targets: 3, Exposed: 3}}), ""},
		{"with one that was being changed", []string{"v2", "!", "v1"}, 3, nil, toV2(guardrails.Deploy, "srv3", tallies{"=": {Targets: 3, Exposed: 3}}), ""},
		{"but not more than is exposed", []string{"v2", "v2", "v1"}, 1, nil, toV2(guardrails.Deploy, "srv3", tallies{"=": {Targets: 3, Exposed: 1}}),
			`srv1 reports "v2"; srv2 reports "v2"`},
		{"nor what is silent for no reason", []string{"v2", "!", "v1"}, 1, nil, toV2(guardrails.Bake, "", tallies{"=": {Targets: 3, Exposed: 1}}), "srv2 cannot tell: connection refused"},
		{"and nothing without a fleet", []string{"v2", "v1"}, 1, nil, toV2(guardrails.Deploy, "srv2", nil), `srv1 reports "v2"`},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := newRack(tc.versions...)
				d := &guardrails.Drift{Targets: nodes.names(), Report: nodes.report}
				if tc.touched != nil {
					for i := range tc.versions {
						nodes.set(fmt.Sprintf("srv%d", i+1), "v1")
					}
					require.NoError(t, d.Check(t.Context(), toV2(guardrails.Start, "", nil)))
					for _, name := range tc.touched {
						require.NoError(t, d.Check(t.Context(), toV2(guardrails.Deploy, name, nil)))
					}
					for i, v := range tc.versions {
						nodes.set(fmt.Sprintf("srv%d", i+1), v)
					}
					time.Sleep(time.Minute)
				}
				err := d.Check(t.Context(), tc.act)
				if tc.evidence == "" {
					require.NoError(t, err)
					return
				}
				require.Equal(t, tc.evidence, refusal(t, d, err).Evidence)
			})
		})
	}
}

// One rollout may start as soon as the one before it has ended.
func TestDriftStartsOnAFreshAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newRack("v1", "v1")
		d := &guardrails.Drift{Targets: nodes.names(), Report: nodes.report}
		require.NoError(t, d.Check(t.Context(), toV2(guardrails.Start, "", nil)))
		for _, name := range nodes.names() {
			require.NoError(t, d.Check(t.Context(), toV2(guardrails.Deploy, name, nil)))
			nodes.set(name, "v2")
		}
		next := guardrails.Action{Verb: guardrails.Start, Rollout: "next", Service: "s", From: "v2", To: "v3"}
		require.NoError(t, d.Check(t.Context(), next))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, d.Check(ctx, next), context.Canceled)
	})
}

func TestDriftWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newRack("v1", "v1")
		d := &guardrails.Drift{Targets: nodes.names(), Report: nodes.report}
		ctx, cancel := context.WithCancel(t.Context())
		news := make(chan struct{}, 10)
		done := make(chan struct{})
		go func() {
			d.Watch(ctx, func() { news <- struct{}{} })
			close(done)
		}()
		time.Sleep(time.Minute)
		require.Empty(t, news)
		nodes.set("srv1", "!")
		time.Sleep(time.Minute + time.Second) // not with a tick
		require.Len(t, news, 1)
		before := nodes.count()
		require.Error(t, d.Check(t.Context(), toV2(guardrails.Bake, "", nil)))
		require.Equal(t, before, nodes.count(), "watched, a check asks nobody")
		cancel()
		<-done

		over, stop := context.WithCancel(t.Context())
		stop()
		(&guardrails.Drift{}).Watch(over, nil) // has nothing to watch
	})
}

func TestDriftProblems(t *testing.T) {
	nodes := newRack("v1", "v1")
	sound := &guardrails.Drift{Targets: nodes.names(), Report: nodes.report}
	require.Empty(t, problems(sound))
	require.NoError(t, sound.SelfTest(t.Context()))
	require.Zero(t, nodes.count(), "a self-test asks nobody")
	for _, tc := range []struct {
		guard *guardrails.Drift
		want  []string
	}{
		{&guardrails.Drift{}, []string{"Report is nil, so no version would ever be known", "Targets are none, so nothing would be looked at"}},
		{&guardrails.Drift{Targets: []string{"a", "", "a"}, Report: nodes.report, Every: -1, Timeout: -1}, []string{
			"Every is negative (-1ns)", "Timeout is negative (-1ns)", "Targets[1] has no name", `Targets[2] "a" is there twice`,
		}},
	} {
		require.Equal(t, tc.want, problems(tc.guard))
		refusal(t, tc.guard, tc.guard.Check(t.Context(), toV2(guardrails.Start, "", nil)))
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), tc.guard), guardrails.ErrSelfTest)
	}
}
