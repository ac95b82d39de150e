package guardrails_test

import (
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
	_ guardrails.Namer      = (*guardrails.DomainGap)(nil)
	_ guardrails.SelfTester = (*guardrails.DomainGap)(nil)
	_ analysis.Problemer    = (*guardrails.DomainGap)(nil)
)

// regions is a fleet with so many targets in each of some regions.
func regions(n int, names ...string) (p plot) {
	for _, name := range names {
		for i := range n {
			p = append(p, &spot{name: fmt.Sprintf("%s-%d", name, i), labels: map[string]string{"region": name}})
		}
	}
	return p
}

// Datadog, March 2023: an update that takes the network away half an hour later, in each
// region at the same hour. With a gap there is time to see it in the first.
func TestDomainGapLeavesTimeToSeeIt(t *testing.T) {
	run := func(t *testing.T, guards ...guardrails.Guard) (lost int) {
		synctest.Test(t, func(t *testing.T) {
			fleet := regions(4, "us1", "us3", "us5", "eu1", "ap1")
			guard := guardrails.All(append(guards, guardrails.Func(content))...)
			begun := map[string]bool{}
			var firstBreaks time.Time
			for range 60 { // minutes of the window
				for _, node := range fleet {
					if node.exposed || (!firstBreaks.IsZero() && time.Now().After(firstBreaks)) {
						continue // the alarm has gone off, and stopped it
					}
					if fleet.step(t, guard, node) == nil {
						begun[node.labels["region"]] = true
						if firstBreaks.IsZero() {
							firstBreaks = time.Now().Add(30 * time.Minute)
						}
					}
				}
				time.Sleep(time.Minute)
			}
			lost = len(begun)
		})
		return lost
	}
	require.Equal(t, 1, run(t, &guardrails.DomainGap{Label: "region", Gap: time.Hour}))
	require.Equal(t, 5, run(t), "and without it")
}

func TestDomainGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet := regions(3, "a", "b", "c")
		d := &guardrails.DomainGap{Label: "region", Gap: time.Hour}
		require.NoError(t, fleet.step(t, d, fleet[0]), "the first waits for nothing")
		time.Sleep(10 * time.Minute)
		require.NoError(t, fleet.step(t, d, fleet[1]), "nor does the second of the same")
		time.Sleep(59 * time.Minute)
		require.EqualError(t, fleet.step(t, d, fleet[3]),
			`guardrails: domain-gap/region: it is too early to begin with region "b", after another one was changed (the last change was in "a", 59m0s ago; the gap is 1h0m0s, so it opens at 2000-01-01T01:10:00Z)`)
		require.NoError(t, fleet.step(t, d, fleet[2]), "which does not touch the first, but begins the gap anew")
		time.Sleep(time.Minute)
		require.Error(t, fleet.step(t, d, fleet[3]))
		time.Sleep(59 * time.Minute)
		require.NoError(t, fleet.step(t, d, fleet[3]))
		require.NoError(t, fleet.step(t, d, fleet[3]), "once more")
		require.NoError(t, fleet.step(t, d, fleet[0]), "back where it was before")
		require.Error(t, fleet.step(t, d, fleet[6]))
		other := regions(2, "a", "b")
		require.NoError(t, d.Check(t.Context(), guardrails.Action{Rollout: "other", Labels: map[string]string{"region": "b"}, Fleet: func() plot {
			other[2].exposed = true
			return other
		}()}), "another rollout is another matter")
	})
}

// A crash loses when, but not where.
func TestDomainGapAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet := regions(3, "a", "b")
		require.NoError(t, fleet.step(t, &guardrails.DomainGap{Label: "region", Gap: time.Hour}, fleet[0]))
		time.Sleep(30 * time.Minute)

		d := &guardrails.DomainGap{Label: "region", Gap: time.Hour}
		require.Equal(t, "when the last change was is not known to this process; the gap of 1h0m0s is waited for from 2000-01-01T00:30:00Z on",
			refusal(t, d, fleet.step(t, d, fleet[3])).Evidence)
		time.Sleep(59 * time.Minute)
		require.Error(t, fleet.step(t, d, fleet[3]))
		time.Sleep(time.Minute)
		require.NoError(t, fleet.step(t, d, fleet[3]))

		d = &guardrails.DomainGap{Label: "region", Gap: time.Hour}
		require.NoError(t, fleet.step(t, d, fleet[1]), "what had begun goes on")
	})
}

func TestDomainGapCannotTell(t *testing.T) {
	d := &guardrails.DomainGap{Label: "region", Gap: time.Hour}
	here := map[string]string{"region": "a"}
	for _, tc := range []struct {
		guard    *guardrails.DomainGap
		act      guardrails.Action
		evidence string
	}{
		{d, guardrails.Action{Verb: guardrails.Deploy, Fleet: plot{}}, `it has no label "region"`},
		{d, guardrails.Action{Verb: guardrails.Deploy, Labels: here}, "the action carries no fleet"},
		{d, guardrails.Action{Verb: 99, Labels: here, Fleet: plot{}}, `the count makes no sense: 0 exposed in "a", 0 in all`},
		{d, guardrails.Action{Labels: here, Fleet: tallies{"region=a": {Exposed: 2}, "=": {Exposed: 1}}}, `the count makes no sense: 2 exposed in "a", 1 in all`},
		{&guardrails.DomainGap{}, guardrails.Action{}, "Label is empty, so nobody could tell where a target is"},
		{&guardrails.DomainGap{Gap: time.Hour}, guardrails.Action{}, "Label is empty, so nobody could tell where a target is"},
		{&guardrails.DomainGap{Label: "region", Gap: -1}, guardrails.Action{Labels: here}, "Gap is -1ns, so there would be no time between domains"},
	} {
		require.Equal(t, tc.evidence, refusal(t, tc.guard, tc.guard.Check(t.Context(), tc.act)).Evidence)
	}
	for _, verb := range []guardrails.Verb{guardrails.Start, guardrails.Bake, guardrails.Undo, guardrails.Recover} {
		require.NoError(t, (&guardrails.DomainGap{}).Check(t.Context(), guardrails.Action{Verb: verb}))
	}
	require.Empty(t, problems(d))
	require.NoError(t, d.SelfTest(t.Context()))
	require.NoError(t, (&guardrails.DomainGap{Label: "region", Gap: 1 << 62}).SelfTest(t.Context()))
	require.Error(t, (&guardrails.DomainGap{Label: "region", Gap: 1}).SelfTest(t.Context()), "no time at all")
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.DomainGap{}), guardrails.ErrSelfTest)
}

// It remembers so many rollouts, and no more.
func TestDomainGapForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &guardrails.DomainGap{Label: "region", Gap: time.Hour}
		fleet := regions(2, "a", "b")
		fleet[0].exposed, fleet[2].exposed = true, true
		ask := func(rollout, region string) error {
			return d.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy, Rollout: rollout, Labels: map[string]string{"region": region}, Fleet: fleet})
		}
		for i := range 1500 {
			require.Error(t, ask(fmt.Sprint(i), "a"))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		require.NoError(t, ask("1499", "a"), "it has waited")
		require.Error(t, ask("0", "a"), "forgotten, it waits anew")
	})
}

// Whatever is tried in whatever order, and however often the process dies: the first step
// in another domain comes no sooner than Gap after the last step before it.
func TestDomainGapProperty(t *testing.T) {
	type deed struct {
		after time.Duration
		crash bool
		node  int
	}
	rapid.Check(t, func(rt *rapid.T) {
		deeds := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) deed {
			return deed{
				time.Duration(rapid.IntRange(0, 30).Draw(rt, "minutes")) * time.Minute,
				rapid.IntRange(0, 9).Draw(rt, "crash") == 0,
				rapid.IntRange(0, 11).Draw(rt, "node"),
			}
		}), 1, 40).Draw(rt, "deeds")
		fault := ""
		synctest.Test(t, func(t *testing.T) {
			fleet := regions(4, "a", "b", "c")
			d := &guardrails.DomainGap{Label: "region", Gap: time.Hour}
			last, crashed := map[string]time.Time{}, false
			for _, deed := range deeds {
				time.Sleep(deed.after)
				if deed.crash {
					d = &guardrails.DomainGap{Label: "region", Gap: time.Hour}
					crashed = true
				}
				node := fleet[deed.node]
				region := node.labels["region"]
				latest := time.Time{}
				for _, at := range last {
					if at.After(latest) {
						latest = at
					}
				}
				_, begun := last[region]
				due := begun || len(last) == 0 || time.Since(latest) >= time.Hour
				err := fleet.step(t, d, node)
				if err == nil && !due {
					fault = fmt.Sprintf("%s began %v after the last step", region, time.Since(latest))
				}
				if err != nil && due && !crashed {
					fault = fmt.Sprintf("%s was held although it was due: %v", region, err)
				}
				if err == nil {
					last[region] = time.Now()
				}
			}
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}
