package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

func TestAGoodPlanHasNoProblems(t *testing.T) {
	for _, n := range []int{2, 3, 20, 1000} {
		_, targets := newFleet(n, "v1")
		plan := aPlan(targets, 0.01)
		require.NoError(t, plan.Validate(), "%d targets", n)
	}
}

func TestEveryProblemOfAPlanIsSaid(t *testing.T) {
	nothing := func(context.Context) error { return nil }
	for _, tc := range []struct {
		name   string
		change func(p *rollout.Plan)
		want   string
	}{
		{"no name", func(p *rollout.Plan) { p.Name = "" }, `Name: "": want 1 to 128 letters, digits, dots, dashes and underscores, and a letter or digit first`},
		{"a path", func(p *rollout.Plan) { p.Name = "../etc/passwd" }, `Name: "../etc/passwd": want`},
		{"a newline", func(p *rollout.Plan) { p.Name = "a\n" }, `Name: "a\n": want`},
		{"no service", func(p *rollout.Plan) { p.Release.Service = "" }, `Release.Service: is empty`},
		{"no old version", func(p *rollout.Plan) { p.Release.From = "" }, `Release.From: is empty: a rollout needs to know both versions, or it could not be taken back`},
		{"no new version", func(p *rollout.Plan) { p.Release.To = "" }, `Release.To: is empty`},
		{"nothing new", func(p *rollout.Plan) { p.Release.To = "v1" }, `Release.To: "v1" is the version that is to be replaced`},
		{"latest", func(p *rollout.Plan) { p.Release.To = "latest" }, `Release.To: "latest" is a moving tag: name an immutable version, such as a digest or v42`},
		{"an image's latest", func(p *rollout.Plan) { p.Release.To = "ghcr.io/acme/checkout:Latest" }, `is a moving tag`},
		{"a branch", func(p *rollout.Plan) { p.Release.From = "main" }, `Release.From: "main" is a moving tag`},
		{"a range", func(p *rollout.Plan) { p.Release.To = "^1.2.0" }, `is a moving tag`},
		{"a wildcard", func(p *rollout.Plan) { p.Release.To = "1.2.x" }, `is a moving tag`},
		{"no targets", func(p *rollout.Plan) { p.Targets = nil }, `Targets: the fleet is empty: no target is an error, never "all"`},
		{"no targets, by percent", func(p *rollout.Plan) { p.Targets, p.Waves = nil, rollout.Percent(1, 100) }, `Targets: the fleet is empty`},
		{"no targets, by label", func(p *rollout.Plan) { p.Targets, p.Waves = nil, rollout.ByLabel("zone") }, `Targets: the fleet is empty`},
		{"no targets, by count", func(p *rollout.Plan) { p.Targets, p.Waves = nil, rollout.Counts(1) }, `Targets: the fleet is empty`},
		{"no waves listed", func(p *rollout.Plan) { p.Waves = rollout.Explicit{} }, `Targets: the fleet is empty`},
		{"no waves", func(p *rollout.Plan) { p.Waves = nil }, `Waves: is nil: say how the fleet is split, such as OneThenDouble()`},
		{"waves that fail", func(p *rollout.Plan) { p.Waves = rollout.Percent(50) }, `Waves: Percent([50]) ends at 50%, so some of the fleet would never get the release: end with 100`},
		{"a nameless target", func(p *rollout.Plan) { p.Targets[3].Name = "" }, `Targets[3].Name: is empty`},
		{"a target twice", func(p *rollout.Plan) { p.Targets[3].Name = "web-01" }, `Targets[3].Name: "web-01" is the name of another target`},
		{"a negative weight", func(p *rollout.Plan) { p.Targets[3].Weight = -1 }, `Targets[3].Weight: is negative (-1)`},
		{"a target left out", func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1]}, {Targets: p.Targets[1:15]}}
		}, `Waves: 5 targets are in no wave, such as web-16, web-17, web-18`},
		{"a stranger", func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1]}, {Targets: append(p.Targets[1:20:20], rollout.Target{Name: "db-01"})}}
		}, `wave 2: target "db-01" is not in Targets`},
		{"in two waves", func(p *rollout.Plan) { p.Waves = rollout.Explicit{{Targets: p.Targets[:1]}, {Targets: p.Targets}} }, `wave 2: step "web-01" is in a wave already`},
		{"an empty wave", func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1]}, {}, {Targets: p.Targets[1:]}}
		}, `wave 2: is empty: an empty wave would prove nothing`},
		{"big bang", func(p *rollout.Plan) { p.Waves = rollout.Percent(100) }, `Waves: the first wave is the whole fleet (20 of 20 by weight), so nothing would be learnt before everything is exposed: make it smaller, or set AllowBigBang to the reason why not`},
		{"a gate and none", func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1], Gate: &p.Gate, Ungated: "hm"}, {Targets: p.Targets[1:]}}
		}, `wave 1: has a gate, and is Ungated as well`},
		{"a wave's empty gate", func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1], Gate: &analysis.Gate{}}, {Targets: p.Targets[1:]}}
		}, `wave 1.Gate.Checks: a gate without checks can pass nothing`},
		{"an empty gate", func(p *rollout.Plan) { p.Gate = analysis.Gate{} }, `Gate.Checks: a gate without checks can pass nothing: add a check, or mark the wave Ungated with a reason`},
		{"only shadows", func(p *rollout.Plan) { p.Gate.Checks[0].Shadow = true }, `Gate.Checks: all 1 checks are Shadow, so the gate could pass nothing`},
		{"a nameless check", func(p *rollout.Plan) { p.Gate.Checks[0].Name = "" }, `Gate.Checks[0].Name: is empty`},
		{"no source", func(p *rollout.Plan) { p.Gate.Checks[0].Source = nil }, `Gate.Checks[0].Source: is nil: there is nothing to look with`},
		{"no judge", func(p *rollout.Plan) { p.Gate.Checks[0].Judge = nil }, `Gate.Checks[0].Judge: is nil: there is nothing to decide with`},
		{"a bad judge", func(p *rollout.Plan) { p.Gate.Checks[0].Judge = analysis.Threshold{} }, `Gate.Checks[0].Judge.Min: and Max are both missing`},
		{"a long window", func(p *rollout.Plan) { p.Gate.Checks[0].Window = 5 * time.Minute }, `Gate.Checks[0].Window: the metric window 5m0s is longer than the bake AtLeast 1m0s: it would judge traffic from before the wave`},
		{"the deadline before the bake", func(p *rollout.Plan) { p.Gate.Bake.AtMost = time.Second }, `Gate.Bake.AtMost: the deadline 1s comes before the shortest bake AtLeast 1m0s`},
		{"a nil guard", func(p *rollout.Plan) { p.Guards = []guardrails.Guard{nil} }, `Guards[0]: is nil: it could let nothing through`},
		{"a bad cap", func(p *rollout.Plan) { p.Guards = []guardrails.Guard{guardrails.MaxExposure{Percent: 101}} }, `Guards[0].Percent: is 101`},
		{"a cap that the waves break", func(p *rollout.Plan) { p.Guards = []guardrails.Guard{guardrails.MaxExposure{Percent: 25}} }, `Guards: wave 4 of 6 steps could never pass max-exposure`},
		{"a cap per zone", func(p *rollout.Plan) {
			p.Guards = []guardrails.Guard{guardrails.MaxExposure{Count: 1, PerLabel: "zone"}}
		}, `could never pass max-exposure/zone`},
		{"a bad kill switch", func(p *rollout.Plan) {
			p.Guards = []guardrails.Guard{&guardrails.KillSwitch{Sources: []guardrails.SwitchSource{nil}}}
		}, `Guards[0].Sources[0]: is nil`},
		{"a floor too high", func(p *rollout.Plan) { p.Floor = 95.1 }, `Floor: 95.1% of 20 targets is 20 that must serve at any time, so none could ever be changed: lower the floor or enlarge the fleet`},
		{"a floor over all", func(p *rollout.Plan) { p.Floor = 101 }, `Floor: is 101: want a percentage from 0 to 100`},
		{"a floor that is no number", func(p *rollout.Plan) { p.Floor = math.NaN() }, `Floor: is NaN`},
		{"negative concurrency", func(p *rollout.Plan) { p.Concurrency = -1 }, `Concurrency: is negative (-1)`},
		{"a negative timeout", func(p *rollout.Plan) { p.StepTimeout = -1 }, `StepTimeout: is negative (-1`},
		{"a negative hold", func(p *rollout.Plan) { p.HoldAtMost = -1 }, `HoldAtMost: is negative (-1`},
		{"a negative interval", func(p *rollout.Plan) { p.GuardInterval = -1 }, `GuardInterval: is negative (-1`},
		{"a negative budget", func(p *rollout.Plan) { p.Failures.Total = -1 }, `Failures.Total: is negative (-1)`},
		{"half a budget", func(p *rollout.Plan) { p.Failures.PerWave = 2 }, `Failures: a wave may have 2 failed steps, but the rollout none: set Total too`},
		{"an unknown policy", func(p *rollout.Plan) { p.OnFailure = 7 }, `OnFailure: unknown policy 7`},
		{"a nameless lock", func(p *rollout.Plan) { p.Locks = []string{"a", ""} }, `Locks: has an empty name`},
		{"a rollback policy", func(p *rollout.Plan) { p.Rollback.Batch = 200 }, `Rollback.Batch: is 200`},
		{"a step without an ID", func(p *rollout.Plan) { p.Waves = steps(p, rollout.Step{Do: nothing, Undo: nothing}) }, `wave 2: has a step without an ID`},
		{"a step that cannot be undone", func(p *rollout.Plan) { p.Waves = steps(p, rollout.Step{ID: "x", Do: nothing}) }, `wave 2: step "x": Do and Undo must both be set`},
		{"a step of negative weight", func(p *rollout.Plan) {
			p.Waves = steps(p, rollout.Step{ID: "x", Do: nothing, Undo: nothing, Weight: -1})
		}, `wave 2: step "x" has a negative weight (-1)`},
		{"a step named like a target", func(p *rollout.Plan) { p.Waves = steps(p, rollout.Step{ID: "web-01", Do: nothing, Undo: nothing}) }, `wave 2: step "web-01" is in a wave already`},
		{"weights that overflow", func(p *rollout.Plan) { p.Targets[0].Weight, p.Targets[1].Weight = math.MaxInt64, math.MaxInt64 }, `Targets: the weights add up to more than 9223372036854775807`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, targets := newFleet(20, "v1")
			plan := aPlan(targets, 0.01)
			tc.change(&plan)
			err := plan.Validate()
			require.ErrorIs(t, err, rollout.ErrInvalidPlan)
			require.ErrorContains(t, err, tc.want)
			var problems *rollout.PlanError
			require.ErrorAs(t, err, &problems)
			require.LessOrEqual(t, len(problems.Problems), 2, "one fault, not a heap of them: %v", err)

			// Run refuses it as well, and touches nothing.
			f, _ := newFleet(20, "v1")
			var j rollout.MemoryJournal
			_, runErr := aRunner(plan, f, &j).Run(t.Context())
			require.EqualError(t, runErr, err.Error())
			require.Empty(t, f.touched())
		})
	}
}

// steps are waves of the plan's targets, with a step among them.
func steps(p *rollout.Plan, s rollout.Step) rollout.Waves {
	return rollout.Explicit{{Targets: p.Targets[:1]}, {Targets: p.Targets[1:], Steps: []rollout.Step{s}}}
}

func TestTenFaultsAreTenProblems(t *testing.T) {
	_, targets := newFleet(20, "v1")
	plan := aPlan(targets, 0.01)
	plan.Name = "check out"
	plan.Release.To = "latest"
	plan.Targets[4].Weight = -3
	plan.Targets[5].Name = "web-01"
	plan.Gate.Checks[0].Source = nil
	plan.Gate.Checks[0].Window = time.Hour
	plan.Guards = []guardrails.Guard{nil}
	plan.Concurrency = -1
	plan.Floor = 120
	plan.Rollback.Attempts = -1
	err := plan.Validate()
	var problems *rollout.PlanError
	require.ErrorAs(t, err, &problems)
	var paths []string
	for _, p := range problems.Problems {
		paths = append(paths, p.Path)
		require.Contains(t, err.Error(), p.Error())
	}
	require.ElementsMatch(t, []string{
		"Name", "Release.To", "Targets[4].Weight", "Targets[5].Name", "Gate.Checks[0].Source", "Gate.Checks[0].Window",
		"Guards[0]", "Concurrency", "Floor", "Rollback.Attempts",
	}, paths)
	require.ErrorContains(t, err, "(10 problems)")
}

func TestTheZeroPlanLetsNothingThrough(t *testing.T) {
	var plan rollout.Plan
	require.ErrorIs(t, plan.Validate(), rollout.ErrInvalidPlan)
	_, err := new(rollout.Runner).Run(t.Context())
	require.ErrorIs(t, err, rollout.ErrInvalidPlan)
	require.ErrorContains(t, err, "Runner.Journal: is nil")
	_, targets := newFleet(2, "v1")
	r := aRunner(aPlan(targets, 0.01), nil, nil)
	r.Grace = -time.Second
	_, err = r.Run(t.Context())
	require.ErrorContains(t, err, "Runner.Journal: is nil")
	require.ErrorContains(t, err, "Runner.Deployer: is nil, but the plan has 2 targets")
	require.ErrorContains(t, err, "Runner.Grace: is negative (-1s)")
}

func TestWhatAPlanMayDoWithAReason(t *testing.T) {
	for name, change := range map[string]func(p *rollout.Plan){
		"big bang": func(p *rollout.Plan) { p.Waves, p.AllowBigBang = rollout.Percent(100), "a fix for an outage" },
		"no gate": func(p *rollout.Plan) {
			p.Gate = analysis.Gate{}
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1], Ungated: "batch jobs"}, {Targets: p.Targets[1:], Ungated: "batch jobs"}}
		},
		"a cap that just fits":   func(p *rollout.Plan) { p.Guards = []guardrails.Guard{guardrails.MaxExposure{Percent: 30}} },
		"a floor that just fits": func(p *rollout.Plan) { p.Floor = 95 },
		"a digest":               func(p *rollout.Plan) { p.Release.To = "ghcr.io/acme/checkout@sha256:abc123" },
		"a maintainer's version": func(p *rollout.Plan) { p.Release.To = "mainline-42" },
		"the longest name":       func(p *rollout.Plan) { p.Name = fmt.Sprintf("%0128d", 7) },
	} {
		_, targets := newFleet(20, "v1")
		plan := aPlan(targets, 0.01)
		change(&plan)
		require.NoError(t, plan.Validate(), name)
	}
}

// 0.07% of 10,000 is 7, although float64 makes it a little more.
func TestTheFloorIsCountedAsItIsWritten(t *testing.T) {
	for _, tc := range []struct {
		floor   float64
		targets int
		down    int // how many may be down
	}{
		{0.07, 10_000, 9993}, {66.6, 1000, 334}, {33.3, 1000, 667}, {99.9, 1000, 1}, {14.1, 1000, 859}, {57.9, 1000, 421}, {50, 7, 3}, {1, 20, 19},
	} {
		_, targets := newFleet(tc.targets, "v1")
		plan := aPlan(targets, 0.01)
		plan.Floor = tc.floor
		require.Equal(t, tc.down, specOf(t, plan).MaxDown, "%v%% of %d", tc.floor, tc.targets)
	}
}

// specOf returns what a plan is recorded as.
func specOf(t *testing.T, plan rollout.Plan) *rollout.Spec {
	t.Helper()
	var j faultyJournal
	var spec *rollout.Spec
	j.fault = func(_ int, events []rollout.Event) (int, error) {
		spec = events[0].Spec
		return 0, errDisk
	}
	_, err := aRunner(plan, rollout.DeployerFunc(nil), &j).Run(t.Context())
	require.ErrorIs(t, err, errDisk)
	return spec
}

func ExamplePlan_Validate() {
	plan := rollout.Plan{
		Name:    "checkout-v42",
		Release: rollout.Release{Service: "checkout", From: "v41", To: "latest"},
		Targets: []rollout.Target{{Name: "web-1"}, {Name: "web-2"}, {Name: "web-1"}},
		Waves:   rollout.OneThenDouble(),
		Gate: analysis.Gate{
			Bake:   analysis.Bake{AtLeast: time.Minute},
			Checks: []analysis.Check{{Name: "errors", Judge: analysis.Below(0.01), Window: 5 * time.Minute}},
		},
	}
	err := plan.Validate()
	fmt.Println(errors.Is(err, rollout.ErrInvalidPlan))
	fmt.Println(err)
	// Output:
	// true
	// rollout: invalid plan (4 problems)
	//   Release.To: "latest" is a moving tag: name an immutable version, such as a digest or v42
	//   Gate.Checks[0].Source: is nil: there is nothing to look with
	//   Gate.Checks[0].Window: the metric window 5m0s is longer than the bake AtLeast 1m0s: it would judge traffic from before the wave
	//   Targets[2].Name: "web-1" is the name of another target
}
