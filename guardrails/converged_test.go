package guardrails_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.Namer      = (*guardrails.Converged)(nil)
	_ guardrails.SelfTester = (*guardrails.Converged)(nil)
	_ analysis.Problemer    = (*guardrails.Converged)(nil)
)

// rack is what targets report that they run: "" for nothing, "!" for an error.
type rack struct {
	mu    sync.Mutex
	runs  map[string]string
	asked int
}

func (r *rack) report(_ context.Context, target string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.runs[target] == "!" {
		return "", errors.New("connection refused")
	}
	return r.runs[target], nil
}

func (r *rack) set(target, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs[target] = version
}

func (r *rack) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *rack) names() []string { return slices.Sorted(maps.Keys(r.runs)) }

// newRack has srv1, srv2 and so on, which run these versions.
func newRack(versions ...string) *rack {
	r := &rack{runs: make(map[string]string)}
	for i, v := range versions {
		r.runs[fmt.Sprintf("srv%d", i+1)] = v
	}
	return r
}

var turnOn = map[string]string{"step": "flag"}

func flag(verb guardrails.Verb) guardrails.Action {
	return guardrails.Action{Verb: verb, Target: "flag", Labels: turnOn, From: "v1", To: "v2"}
}

// Knight Capital, August 2012: the new code was copied to seven of eight servers, and
// then its flag was turned on, which means something else to the old code.
func TestConvergedHoldsTheFlagForTheEighthServer(t *testing.T) {
	run := func(guards func(*rack) []guardrails.Guard) (old []string) {
		servers := newRack("v2", "v2", "v2", "v2", "v2", "v2", "v2", "v1")
		if guardrails.Check(t.Context(), guards(servers), flag(guardrails.Deploy)) != nil {
			return nil
		}
		for _, name := range servers.names() {
			if servers.runs[name] == "v1" {
				old = append(old, name) // with the flag on
			}
		}
		return old
	}
	guard := func(servers *rack) []guardrails.Guard {
		return []guardrails.Guard{&guardrails.Converged{Labels: turnOn, Targets: servers.names(), Report: servers.report}}
	}
	require.Empty(t, run(guard))
	require.Equal(t, []string{"srv8"}, run(func(*rack) []guardrails.Guard { return nil }), "and without it")

	servers := newRack("v2", "v2", "v2", "v2", "v2", "v2", "v2", "v1")
	breach := guardrails.Check(t.Context(), guard(servers), flag(guardrails.Deploy))
	require.ErrorIs(t, breach, guardrails.ErrNotConverged)
	require.EqualError(t, breach, `guardrails: converged: 1 of 8 targets do not report "v2", which has to run everywhere before this step (srv8 reports "v1")`)
}

func TestConverged(t *testing.T) {
	wave3 := func(act guardrails.Action) bool { return act.Wave == 3 }
	for _, tc := range []struct {
		story    string
		versions []string
		before   func(guardrails.Action) bool
		labels   map[string]string
		want     string
		act      guardrails.Action
		evidence string // empty: let through
	}{
		{"all of them", []string{"v2", "v2"}, nil, turnOn, "", flag(guardrails.Deploy), ""},
		{"one that says nothing", []string{"v2", ""}, nil, turnOn, "", flag(guardrails.Deploy), `srv2 reports ""`},
		{"one that cannot be asked", []string{"v2", "!"}, nil, turnOn, "", flag(guardrails.Deploy), "srv2 cannot tell: connection refused"},
		{"a version that is not the action's", []string{"lib7", "lib7"}, nil, turnOn, "lib7", flag(guardrails.Deploy), ""},
		{"and has to be that one", []string{"v2", "lib7"}, nil, turnOn, "lib7", flag(guardrails.Deploy), `srv1 reports "v2"`},
		{"a step without the label", []string{"v1"}, nil, turnOn, "", guardrails.Action{Verb: guardrails.Deploy, To: "v2"}, ""},
		{"a step with another value", []string{"v1"}, nil, turnOn, "", guardrails.Action{Verb: guardrails.Deploy, To: "v2", Labels: map[string]string{"step": "code"}}, ""},
		{"all labels have to be there", []string{"v1"}, nil, map[string]string{"step": "flag", "zone": ""}, "", flag(guardrails.Deploy), ""},
		{"a step that a func picks", []string{"v1"}, wave3, nil, "", guardrails.Action{Verb: guardrails.Deploy, Wave: 3, To: "v2"}, `srv1 reports "v1"`},
		{"and one that it does not", []string{"v1"}, wave3, nil, "", guardrails.Action{Verb: guardrails.Deploy, Wave: 2, To: "v2"}, ""},
		{"either picks", []string{"v1"}, wave3, turnOn, "", flag(guardrails.Deploy), `srv1 reports "v1"`},
		{"a verb that is not set", []string{"v1"}, nil, turnOn, "", flag(guardrails.Unknown), `srv1 reports "v1"`},
		{"a verb from the future", []string{"v1"}, nil, turnOn, "", flag(99), `srv1 reports "v1"`},
		{"an undo", []string{"v1"}, nil, turnOn, "", flag(guardrails.Undo), ""},
		{"a start", []string{"v1"}, nil, turnOn, "", flag(guardrails.Start), ""},
		{"no version at all", []string{""}, nil, turnOn, "", guardrails.Action{Verb: guardrails.Deploy, Labels: turnOn}, "Want is empty, and so is the action's To"},
		{"many that are behind", []string{"v1", "v1", "v1", "v1", "v1", "v1", "v1"}, nil, turnOn, "", flag(guardrails.Deploy),
			`srv1 reports "v1"; srv2 reports "v1"; srv3 reports "v1"; srv4 reports "v1"; srv5 reports "v1"; and 2 more`},
	} {
		t.Run(tc.story, func(t *testing.T) {
			servers := newRack(tc.versions...)
			c := &guardrails.Converged{Before: tc.before, Labels: tc.labels, Want: tc.want, Targets: servers.names(), Report: servers.report}
			err := c.Check(t.Context(), tc.act)
			if tc.evidence == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tc.evidence, refusal(t, c, err).Evidence)
		})
	}
}

func TestConvergedTurnsContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := newRack("v2", "v1")
		c := &guardrails.Converged{Labels: turnOn, Targets: servers.names(), Report: servers.report}
		require.Error(t, c.Check(t.Context(), flag(guardrails.Deploy)))
		servers.set("srv2", "v2")
		for range 100 {
			require.Error(t, c.Check(t.Context(), flag(guardrails.Deploy)), "from memory")
		}
		require.Equal(t, 2, servers.count())
		time.Sleep(guardrails.DefaultAskEvery)
		require.NoError(t, c.Check(t.Context(), flag(guardrails.Deploy)))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		time.Sleep(guardrails.DefaultAskEvery)
		require.ErrorIs(t, c.Check(ctx, flag(guardrails.Deploy)), context.Canceled)
		synctest.Wait()
	})
}

func TestConvergedProblems(t *testing.T) {
	servers := newRack("v1")
	sound := &guardrails.Converged{Labels: turnOn, Targets: servers.names(), Report: servers.report}
	require.Empty(t, problems(sound))
	require.NoError(t, sound.SelfTest(t.Context()))
	require.NoError(t, (&guardrails.Converged{Before: func(guardrails.Action) bool { return false }, Targets: servers.names(), Report: servers.report, Want: "x"}).SelfTest(t.Context()))
	require.Zero(t, servers.count(), "a self-test asks nobody")
	for _, tc := range []struct {
		guard *guardrails.Converged
		want  []string
	}{
		{&guardrails.Converged{}, []string{
			"Before is nil, and Labels are none, so no step activates anything", "Report is nil, so no version would ever be known", "Targets are none, so nothing would be looked at",
		}},
		{&guardrails.Converged{Labels: turnOn, Targets: []string{"a", "", "a"}, Report: servers.report, Every: -1, Timeout: -1}, []string{
			"Every is negative (-1ns)", "Timeout is negative (-1ns)", "Targets[1] has no name", `Targets[2] "a" is there twice`,
		}},
	} {
		require.Equal(t, tc.want, problems(tc.guard))
		refusal(t, tc.guard, tc.guard.Check(t.Context(), flag(guardrails.Deploy)))
		require.ErrorIs(t, guardrails.SelfTest(t.Context(), tc.guard), guardrails.ErrSelfTest)
	}
}

// The flag goes on when the code is everywhere.
func ExampleConverged() {
	runs := map[string]string{"srv1": "v2", "srv2": "v1"}
	guard := &guardrails.Converged{
		Labels:  map[string]string{"step": "flag"},
		Targets: []string{"srv1", "srv2"},
		Report:  func(_ context.Context, target string) (string, error) { return runs[target], nil },
	}
	act := guardrails.Action{Verb: guardrails.Deploy, Target: "new-orders", To: "v2", Labels: map[string]string{"step": "flag"}}
	breach := guardrails.Check(context.Background(), []guardrails.Guard{guard}, act)
	fmt.Println(breach.Consequence, "-", breach.Evidence)
	fmt.Println(errors.Is(breach, guardrails.ErrNotConverged))
	// Output:
	// hold - srv2 reports "v1"
	// true
}
