package rollout_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// 20 targets go in waves of 1, 2, 4, 6, 6 and 1. 33% of 20 are 6 in a batch, after one of
// 1 and one of 4; none reaches over a wave. One undo takes 3 tries of 1m and pauses of
// 1s and 2s at most, and begins within 1s: 3m4s. 10 targets are asked at once, 30s each,
// with 30s to spare.
func TestTheBoundsOfASimplePlanByHand(t *testing.T) {
	_, targets := newFleet(20, "v1")
	plan := aPlan(targets, 0.01)
	plan.Rollback.Takes = 20 * time.Second
	b := boundsOf(t, plan)
	require.Equal(t, 20, b.Targets)
	require.EqualValues(t, 20, b.Weight)
	for i, want := range []struct {
		targets, exposed, batches int
		percent, unproven, zone   float64
		expected, back            time.Duration
	}{
		{1, 1, 1, 5, 5, 14.29, 20 * time.Second, 2 * (1*184 + 60) * time.Second},     // 1; 1 of 7 in zone a
		{2, 3, 3, 15, 10, 16.67, 62 * time.Second, 2 * (3*184 + 60) * time.Second},   // 1 1, 1; 1 of 6 in zone c
		{4, 7, 4, 35, 20, 42.86, 83 * time.Second, 2 * (4*184 + 60) * time.Second},   // 1 3, 2, 1; 3 of 7 in zone a
		{6, 13, 6, 65, 30, 71.43, 125 * time.Second, 2 * (6*184 + 90) * time.Second}, // 1 4 1, 4, 2, 1; 5 of 7 in zone a
		{6, 19, 7, 95, 30, 100, 146 * time.Second, 2 * (7*184 + 90) * time.Second},   // 1 4 1, 6, 4, 2, 1; all of zone a
		{1, 20, 7, 100, 5, 100, 146 * time.Second, 2 * (7*184 + 90) * time.Second},   // 1, 4 2, 6, 4, 2, 1
	} {
		w := b.Waves[i]
		require.Equal(t, i+1, w.Wave)
		require.Equal(t, want.targets, w.Targets)
		require.Equal(t, want.exposed, w.Exposed)
		require.EqualValues(t, want.exposed, w.ExposedWeight)
		require.Equal(t, want.percent, w.ExposedPercent)
		require.Equal(t, want.targets, w.Unproven)
		require.Equal(t, want.unproven, w.UnprovenPercent)
		require.Len(t, w.Domains, 1)
		require.Equal(t, want.zone, w.Domains[0].ExposedPercent, "wave %d", i+1)
		require.Equal(t, 20*time.Minute, w.Detect, "a step's 10m and the gate's 10m")
		require.False(t, w.Blind)
		require.False(t, w.Frozen)
		require.Equal(t, want.batches, w.Batches, "wave %d", i+1)
		require.Equal(t, want.batches, w.Rounds, "all of a batch at once")
		require.Equal(t, want.expected, w.Expected, "wave %d", i+1)
		require.Equal(t, want.back, w.RollBack, "wave %d", i+1)
		require.Equal(t, want.back, w.GiveUp, "there is nothing else to try")
	}
	require.Equal(t, 20*time.Minute, b.Detect)
	require.Equal(t, b.Waves[5].RollBack, b.RollBack)
	require.Empty(t, b.Irreversible)
}

func TestBoundsByHand(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(p *rollout.Plan)
		check  func(t *testing.T, b rollout.Bounds)
	}{
		{"fewer at once take longer", func(p *rollout.Plan) { p.Concurrency, p.StepTimeout = 4, time.Minute }, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, 12*time.Minute, b.Waves[3].Detect, "6 targets, 4 at once, 1m each, and 10m")
			require.Equal(t, 11*time.Minute, b.Waves[2].Detect)
		}},
		{"a floor holds it up, both ways", func(p *rollout.Plan) { p.Floor, p.StepTimeout = 90, time.Minute }, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, 13*time.Minute, b.Waves[3].Detect, "6 targets, 2 at once")
			require.Equal(t, 1+2+1+3+2+1+1, b.Waves[5].Rounds, "1, 4 2, 6, 4, 2, 1, by twos")
			require.Equal(t, 7, b.Waves[5].Batches)
		}},
		{"a rehearsal", func(p *rollout.Plan) { p.Rollback.Rehearse = true }, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, 20*time.Minute+10*time.Minute+183*time.Second, b.Waves[0].Detect, "once more, and an undo in between")
			require.Equal(t, 20*time.Minute, b.Waves[1].Detect)
		}},
		{"a wave without a gate is found out by the next", func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets[:1], Ungated: "x"}, {Targets: p.Targets[1:3], Ungated: "x"}, {Targets: p.Targets[3:10]}, {Targets: p.Targets[10:], Ungated: "x"}}
		}, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, []int{1, 3, 10, 10}, []int{b.Waves[0].Unproven, b.Waves[1].Unproven, b.Waves[2].Unproven, b.Waves[3].Unproven})
			require.Equal(t, []time.Duration{40 * time.Minute, 30 * time.Minute, 20 * time.Minute, 0},
				[]time.Duration{b.Waves[0].Detect, b.Waves[1].Detect, b.Waves[2].Detect, b.Waves[3].Detect})
			require.True(t, b.Waves[3].Blind)
			require.False(t, b.Waves[0].Blind)
			require.Equal(t, 40*time.Minute, b.Detect)
		}},
		{"the deadline ends it", func(p *rollout.Plan) { p.Rollback.Deadline = 5 * time.Minute }, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, 5*time.Minute, b.RollBack)
		}},
		{"the whole chain", func(p *rollout.Plan) {
			p.Rollback.Deadline, p.Rollback.Older = 5*time.Minute, []string{"v0", "v00"}
			p.Rollback.Registry = &rollback.Registry{Path: "x", Depth: 3}
			p.Rollback.Fast = []rollback.Mitigation{{Name: "shift", Do: nothingAtAll, Timeout: 10 * time.Second}}
			p.Rollback.Fallback = []rollback.Mitigation{{Name: "drain", Do: nothingAtAll}, {Name: "flag", Do: nothingAtAll, Timeout: 2 * time.Minute}}
			p.Rollback.Page = func(context.Context, string) error { return nil }
		}, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, 5*time.Minute+10*time.Second, b.RollBack)
			require.Equal(t, 6*5*time.Minute+10*time.Second+(1+2+1)*time.Minute, b.GiveUp)
		}},
		{"gates on the way back", func(p *rollout.Plan) { p.Rollback.Canary, p.Rollback.Verify = p.Gate, p.Gate }, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, 2*(184+60)*time.Second+2*10*time.Minute, b.Waves[0].RollBack)
		}},
		{"what cannot be undone", func(p *rollout.Plan) {
			p.Waves = rollout.Explicit{{Targets: p.Targets}, {Steps: []rollout.Step{{ID: "drop", Do: nothingAtAll, Irreversible: true}}}, {Steps: []rollout.Step{{ID: "add", Do: nothingAtAll, Undo: nothingAtAll}}}}
		}, func(t *testing.T, b rollout.Bounds) {
			require.Equal(t, []string{"drop"}, b.Irreversible)
			require.Equal(t, []bool{false, true, true}, []bool{b.Waves[0].Frozen, b.Waves[1].Frozen, b.Waves[2].Frozen})
			require.NotZero(t, b.Waves[0].RollBack)
			require.Zero(t, b.Waves[1].RollBack)
			require.Zero(t, b.Waves[2].GiveUp)
			require.Equal(t, 95.46, b.Waves[1].ExposedPercent, "21 of 22, rounded up")
		}},
		{"a plan that freezes", func(p *rollout.Plan) { p.OnFailure = rollout.Freeze }, func(t *testing.T, b rollout.Bounds) {
			require.True(t, b.Waves[0].Frozen)
			require.NotZero(t, b.Waves[0].RollBack, "that is what the rollback verb takes")
		}},
		{"weights", func(p *rollout.Plan) { p.Targets[0].Weight = 999_981 }, func(t *testing.T, b rollout.Bounds) {
			require.EqualValues(t, 1_000_000, b.Weight)
			require.Equal(t, 100.0, b.Waves[0].ExposedPercent, "99.9981%, to the safe side")
			require.Equal(t, 0.01, b.Waves[1].UnprovenPercent, "0.0002%, to the safe side")
		}},
		{"weights that no float64 holds", func(p *rollout.Plan) {
			p.Targets[0].Weight, p.Targets[1].Weight = math.MaxInt64/2, math.MaxInt64/2-17
		}, func(t *testing.T, b rollout.Bounds) {
			require.EqualValues(t, math.MaxInt64, b.Weight)
			require.Equal(t, 50.0, b.Waves[0].ExposedPercent)
			require.Equal(t, 100.0, b.Waves[5].ExposedPercent)
		}},
		{"times that no Duration holds", func(p *rollout.Plan) {
			p.StepTimeout, p.Concurrency = math.MaxInt64/3, 1
			p.Rollback = rollback.Policy{Deadline: math.MaxInt64, Timeout: math.MaxInt64 / 2, Takes: math.MaxInt64 / 2, Attempts: math.MaxInt32, Backoff: time.Hour}
		}, func(t *testing.T, b rollout.Bounds) {
			require.EqualValues(t, math.MaxInt64, b.Detect)
			require.EqualValues(t, math.MaxInt64, b.RollBack)
			require.EqualValues(t, math.MaxInt64, b.GiveUp)
			require.EqualValues(t, math.MaxInt64, b.Waves[5].Expected)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, targets := newFleet(20, "v1")
			plan := aPlan(targets, 0.01)
			tc.change(&plan)
			tc.check(t, boundsOf(t, plan))
		})
	}
}

// Exposure never falls, what is unproven is part of it, and everything is exposed in the
// end, whatever the fleet and the waves.
func TestExposureGrowsToAll(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 2 + rng.IntN(200)
		_, targets := newFleet(n, "v1")
		for i := range targets {
			targets[i].Weight, targets[i].Tier = rng.Int64N(1000), rng.IntN(3)
		}
		plan := aPlan(targets, 0.01)
		plan.AllowBigBang = "the weights are random"
		plan.Rollback.Batch, plan.Rollback.Parallel = 1+rng.Float64()*99, rng.IntN(20)
		switch rng.IntN(3) {
		case 0:
			plan.Waves = rollout.Percent(1, 7, 30, 100)
		case 1:
			plan.Waves = rollout.ByLabel("zone")
		}
		b := boundsOf(t, plan)
		last := rollout.WaveBounds{}
		for _, w := range b.Waves {
			require.Greater(t, w.Exposed, last.Exposed)
			require.Equal(t, last.Exposed+w.Targets, w.Exposed)
			require.Equal(t, last.ExposedWeight+w.Weight, w.ExposedWeight)
			require.GreaterOrEqual(t, w.ExposedPercent, last.ExposedPercent)
			require.LessOrEqual(t, w.UnprovenPercent, w.ExposedPercent)
			require.LessOrEqual(t, float64(w.ExposedWeight)/float64(b.Weight)*100, w.ExposedPercent+1e-9)
			require.GreaterOrEqual(t, w.RollBack, last.RollBack)
			require.GreaterOrEqual(t, w.Domains[0].ExposedPercent, w.ExposedPercent, "a mean is no more than the most")
			last = w
		}
		require.Equal(t, n, last.Exposed)
		require.Equal(t, b.Weight, last.ExposedWeight)
		require.Equal(t, 100.0, last.ExposedPercent)
		require.Equal(t, 100.0, last.Domains[0].ExposedPercent)
	}
}

// A rollback takes exactly the undos after one another that the bounds say.
func TestARollbackTakesWhatTheBoundsSay(t *testing.T) {
	for _, tc := range []struct {
		targets, parallel int
		batch, floor      float64
	}{{20, 0, 0, 0}, {20, 2, 0, 0}, {50, 3, 20, 0}, {50, 10, 100, 0}, {30, 0, 50, 90}, {7, 1, 1, 0}} {
		for bad := 1; ; bad++ {
			waves := 0
			synctest.Test(t, func(t *testing.T) {
				f, targets := newFleet(tc.targets, "v1")
				exposed := 0
				plan := withSource(aPlan(targets, 0), analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
					broken := 0.0
					if len(w.Canary.Members) >= exposed {
						broken = 1
					}
					return analysis.Observation{At: w.End, Canary: analysis.Gauge(broken)}, nil
				}))
				plan.Rollback.Takes, plan.Rollback.Jitter = f.takes, -1
				plan.Rollback.Parallel, plan.Rollback.Batch, plan.Floor = tc.parallel, tc.batch, tc.floor
				b := boundsOf(t, plan)
				waves, exposed = len(b.Waves), b.Waves[bad-1].Exposed
				result, err := aRunner(plan, f, &rollout.MemoryJournal{}).Run(t.Context())
				require.ErrorIs(t, err, rollout.ErrRolledBack)
				require.Equal(t, bad, result.Wave)
				require.Equal(t, b.Waves[bad-1].Exposed, result.PeakExposed)
				require.InDelta(t, b.Waves[bad-1].Expected.Seconds(), result.TimeToRollBack.Seconds(), 0.2, "%+v, wave %d", tc, bad)
				require.LessOrEqual(t, result.TimeToRollBack, b.Waves[bad-1].RollBack)
			})
			if bad == waves {
				break
			}
		}
	}
}

func TestBoundsOfALargeFleetAreQuick(t *testing.T) {
	_, targets := newFleet(20_000, "v1")
	plan := aPlan(targets, 0.01)
	plan.Rollback.Batch, plan.Rollback.Parallel = 0.001, 1
	var waves rollout.Explicit
	for i := range targets {
		waves = append(waves, rollout.Wave{Targets: targets[i : i+1]})
	}
	plan.Waves = waves
	b := boundsOf(t, plan)
	require.Equal(t, 20_000, b.Waves[19_999].Rounds)
}

func boundsOf(t *testing.T, plan rollout.Plan) rollout.Bounds {
	t.Helper()
	b, err := plan.Bounds()
	require.NoError(t, err)
	return b
}

func nothingAtAll(context.Context) error { return nil }

func ExamplePlan_Bounds() {
	_, fleet := newFleet(40, "v41")
	plan := aPlan(fleet, 0)
	plan.Waves = rollout.Percent(5, 25, 100)
	bounds, err := plan.Bounds()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range bounds.Waves {
		fmt.Printf("wave %d: %v%% exposed, %v%% unproven, found out within %v\n", w.Wave, w.ExposedPercent, w.UnprovenPercent, w.Detect)
	}
	// Output:
	// wave 1: 5% exposed, 5% unproven, found out within 20m0s
	// wave 2: 25% exposed, 20% unproven, found out within 20m0s
	// wave 3: 100% exposed, 75% unproven, found out within 40m0s
}
