package simulate_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

var update = flag.Bool("update", false, "write pasted_test.go anew")

// A scenario that was written and read again is the same rollout, event by event.
func TestAScenarioIsPlainData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := simulate.Random(rapid.Uint64Range(0, 1_000_000).Draw(t, "seed"))
		data, err := json.Marshal(sc)
		require.NoError(t, err)
		var read simulate.Scenario
		require.NoError(t, json.Unmarshal(data, &read))
		require.Equal(t, sc, read)
		one, _ := sc.Run()
		two, _ := read.Run()
		require.Equal(t, simulate.Story(one), simulate.Story(two))
	})
}

func TestEveryFaultHasAName(t *testing.T) {
	names := make(map[string]bool)
	for _, f := range simulate.AllFaults() {
		require.NotEmpty(t, f.String())
		require.NotContains(t, f.String(), "(", "it has no name")
		names[f.String()] = true
	}
	require.Len(t, names, len(simulate.AllFaults()))
	require.Equal(t, "DeployFails", simulate.DeployFails.String())
	require.Equal(t, "GateFails", simulate.GateFails.String())
	require.Equal(t, "AppendFails", simulate.AppendFails.String())
	require.Equal(t, "Drift", simulate.Drift.String())
	require.Equal(t, "HumanSpeaks", simulate.HumanSpeaks.String())
	var f simulate.Faults
	require.ErrorContains(t, json.Unmarshal([]byte(`{"Gremlins": 1}`), &f), "Gremlins")
}

// broken is a scenario that fails whatever else is in it.
func broken() simulate.Scenario {
	sc := simulate.Random(7)
	sc.Faults[simulate.DeployFails] = 0.01
	sc.Faults[simulate.HumanSpeaks] = 0
	sc.Happenings = []simulate.Happening{
		{At: time.Second, Crash: true},
		{At: 0, Target: "nowhere", Version: "v9"},
		{At: 2 * time.Second, Skew: time.Minute},
	}
	return sc
}

// What is left of a scenario that fails is what it takes to fail.
func TestAScenarioShrinksToWhatFails(t *testing.T) {
	small := simulate.Shrink(broken())
	_, err := small.Run()
	require.ErrorContains(t, err, "nowhere")
	require.Equal(t, simulate.Faults{}, small.Faults)
	require.Equal(t, []simulate.Happening{{Target: "nowhere", Version: "v9"}}, small.Happenings)
	require.Len(t, small.Spec.Waves, 1)
	require.Len(t, small.Spec.Waves[0].Steps, 1)
	require.Zero(t, small.Checks)

	fine := simulate.Scenario{Spec: small.Spec}
	require.Equal(t, fine, simulate.Shrink(fine), "what does not fail stays as it is")
	_, err = simulate.Scenario{}.Run()
	require.ErrorContains(t, err, "no spec")
	require.Equal(t, "error", simulate.Rule(err))
	require.Empty(t, simulate.Rule(nil))
	require.Equal(t, "stuck", simulate.Rule(simulate.ErrStuck))
}

// A story has a line for every event, with its time, and ends with the violation.
func TestAStoryIsReadable(t *testing.T) {
	spec := twoWaves()
	sc := simulate.Scenario{Spec: spec, Takes: 10 * time.Second, Happenings: []simulate.Happening{
		{At: time.Minute, Crash: true},
		{At: time.Minute, Target: "c", Away: time.Hour},
		{At: 2 * time.Minute, Verb: rollout.Event{Kind: rollout.RollBack}},
		{At: 3 * time.Minute, Target: "nowhere", Version: "v9"},
	}}
	trace, err := sc.Run()
	story := simulate.Story(trace)
	for _, want := range []string{"started; wave 1: a; wave 2: b c", "doing a", "-- runner of epoch 1: it was to crash now", "resumed [epoch 2]", "rollback (it was time)"} {
		require.Contains(t, story, want)
	}
	lines := strings.Split(strings.TrimSpace(story), "\n")
	require.GreaterOrEqual(t, len(lines), len(trace.Events))
	if err != nil {
		require.Contains(t, lines[len(lines)-1], "VIOLATION")
	}
}

// The test that GoTest writes compiles, and is formatted: it is pasted_test.go.
func TestAGoTestCanBePasted(t *testing.T) {
	spec := twoWaves()
	spec.Waves[0].OnDeadline = analysis.WaitAtDeadline
	got := simulate.GoTest(simulate.Scenario{
		Spec: spec, Seed: 42, Takes: time.Second,
		Faults:     simulate.Faults{simulate.DeployFails: 0.25, simulate.CrashBeforeAct: 0.1},
		Happenings: []simulate.Happening{{At: time.Minute, Verb: rollout.Event{Kind: rollout.Pause, Reason: "`quoted`"}}},
	})
	if *update {
		require.NoError(t, os.WriteFile("pasted_test.go", []byte(got), 0o600))
	}
	want, err := os.ReadFile("pasted_test.go")
	require.NoError(t, err)
	require.Equal(t, string(want), got, "go test ./rollout/simulate -run Pasted -args -update")
}
