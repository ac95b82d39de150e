package rollout_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// byRegion is a plan of three waves: us, eu and ap, of four targets each, where so many
// targets on v2 are too many.
func byRegion(n int) (*fleet, rollout.Plan) {
	f, targets := newFleet(12, "v1")
	var waves rollout.Explicit
	for i, region := range []string{"us", "eu", "ap"} {
		wave := rollout.Wave{}
		for k := range 4 {
			t := &targets[4*i+k]
			t.Labels = map[string]string{"region": region}
			wave.Targets = append(wave.Targets, *t)
		}
		waves = append(waves, wave)
	}
	plan := aWayBack(targets, n, rollback.Policy{Domain: "region"})
	plan.Waves = waves
	return f, plan
}

// versionsBy tells how many of each region's four run v2.
func versionsBy(f *fleet) (v2 [3]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range v2 {
		for k := range 4 {
			if f.versions[fmt.Sprintf("web-%02d", 4*i+k+1)] == "v2" {
				v2[i]++
			}
		}
	}
	return v2
}

// What fails in one region is taken back there; the others keep what is good for them.
func TestAFailedGateTakesBackItsDomainAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, plan := byRegion(8)
		var j rollout.MemoryJournal
		r := aRunner(plan, f, &j)
		result, err := r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrContained)
		require.Equal(t, rollout.Contained, result.Phase)
		require.ErrorContains(t, err, "4 of 12 targets keep v2")
		require.Equal(t, [3]int{4, 0, 0}, versionsBy(f))
		require.Equal(t, 4, result.Updated)
		require.Equal(t, 4, result.Undone)
		require.Equal(t, 4, result.Untouched)

		say(t, r, rollout.RollBack)
		result, err = r.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack, "a human takes back the rest")
		require.Equal(t, [3]int{0, 0, 0}, versionsBy(f))
		require.Equal(t, 8, result.Undone)
		require.Len(t, deploysOf(f, "v1"), 8, "each once")
	})
}

// So does a step that fails; what is in doubt is taken back wherever it is.
func TestAFailedStepTakesBackItsDomainAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, plan := byRegion(99)
		f.misbehave = func(_ context.Context, target, to string) error {
			if to == "v2" && (target == "web-02" || target == "web-07") {
				return errDisk
			}
			return nil
		}
		plan.Failures = rollout.FailureBudget{PerWave: 1, Total: 1}
		result, err := runs(t, f, plan)
		require.ErrorIs(t, err, rollout.ErrContained)
		require.Equal(t, [3]int{3, 0, 0}, versionsBy(f))
		require.Empty(t, result.InDoubt)
		require.Equal(t, 3, result.Updated)
	})
}

// A breach, a kill switch that rolls back, and a human mean everything.
func TestABreachAndAHumanTakeBackAllDomains(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, r *rollout.Runner, kill *guardrails.KillSwitch, g *toggle){
		"a breach": func(_ *testing.T, _ *rollout.Runner, _ *guardrails.KillSwitch, g *toggle) {
			g.set(func(act guardrails.Action) error {
				if act.Verb.Backward() {
					return nil
				}
				return &guardrails.Breach{Guard: "alarm", Reason: "it burns", Consequence: guardrails.Rollback}
			})
		},
		"the kill switch": func(t *testing.T, _ *rollout.Runner, kill *guardrails.KillSwitch, _ *toggle) {
			require.NoError(t, kill.Trip("ann", "it burns"))
		},
		"the verb": func(t *testing.T, r *rollout.Runner, _ *guardrails.KillSwitch, _ *toggle) {
			say(t, r, rollout.RollBack)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, plan := byRegion(99)
				kill, g := &guardrails.KillSwitch{Mode: guardrails.Rollback}, &toggle{name: "alarm"}
				plan.Guards = []guardrails.Guard{kill, g}
				r := aRunner(plan, f, &rollout.MemoryJournal{})
				done := inBackground(t.Context(), r)
				eventually(t, time.Hour, func() bool { return f.count("v2") == 8 }, "two waves")
				time.Sleep(10 * time.Second)
				act(t, r, kill, g)
				o := <-done
				require.ErrorIs(t, o.err, rollout.ErrRolledBack)
				requireAll(t, f, "v1")
				require.Equal(t, 8, o.result.Undone)
			})
		})
	}
}

// The older version is for the domain alone, too, and a crash does not make it more.
func TestTheChainStaysWithinTheDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, plan := byRegion(8)
		plan.Rollback.Canary = errorsOf(map[string]float64{"v0": 0.01, "v1": 0.9, "v2": 0.2})
		plan.Rollback.Older = []string{"v0"}
		var j rollout.MemoryJournal
		done := inBackground(t.Context(), aRunner(plan, f, &j))
		eventually(t, time.Hour, func() bool { return f.count("v0") > 0 }, "the older version")
		j.Steal(plan.Name)
		require.ErrorIs(t, (<-done).err, rollout.ErrFenced)
		_, err := aRunner(plan, f, &j).Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrContained)
		requireOn(t, f, map[string]int{"v0": 4, "v1": 4, "v2": 4})
		require.Equal(t, [3]int{4, 0, 0}, versionsBy(f))
	})
}
