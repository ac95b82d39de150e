package simulate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// Scenario is a simulated rollout as plain data, which can be kept, shrunk and told.
type Scenario struct {
	Spec *rollout.Spec `json:"spec"`
	Seed uint64        `json:"seed"`
	// Takes is the longest that a step takes.
	Takes  time.Duration `json:"takes,omitempty"`
	Faults Faults        `json:"faults"`
	// Checks is how many checks each gate has; one more that is a shadow goes with
	// them. Zero leaves the gates to the dice.
	Checks     int         `json:"checks,omitempty"`
	Happenings []Happening `json:"happenings,omitempty"`
	// Most is how many events there may be. Zero means 1000.
	Most int `json:"most,omitempty"`
	// Replay checks every prefix of the journal.
	Replay bool `json:"replay,omitempty"`
}

// scenarioMost is how many events the rollout of a Scenario may have.
const scenarioMost = 1000

// Run simulates the scenario. The error is the violation.
func (sc Scenario) Run() (*Trace, error) {
	if sc.Spec == nil {
		return &Trace{State: &rollout.State{}}, errors.New("simulate: the scenario has no spec")
	}
	gates, signals := sc.gates()
	takes := func(r *rand.Rand, _ string) Outcome {
		if sc.Takes <= 0 {
			return Outcome{}
		}
		return Outcome{Takes: time.Duration(r.Int64N(int64(sc.Takes)))}
	}
	return stageOf(sc.Spec, gates).Play(World{
		Model:  Model{Do: takes, Undo: takes},
		Faults: sc.Faults, Signals: signals, Happenings: sc.Happenings,
		Most: orDefault(sc.Most, scenarioMost), Replay: sc.Replay,
		StepTimeout: 2 * time.Minute, UndoTimeout: 5 * time.Minute,
	}, sc.Seed)
}

// gates are the real gates of the scenario: each check sees errors, of which a sick
// release has plenty.
func (sc Scenario) gates() ([]*analysis.Gate, map[string]Signal) {
	if sc.Checks == 0 {
		return nil, nil
	}
	gate := &analysis.Gate{Bake: analysis.Bake{AtLeast: 20 * time.Second, AtMost: 3 * time.Minute, Samples: 50}}
	signals := make(map[string]Signal)
	for n := range sc.Checks + 1 {
		check := analysis.Check{Name: fmt.Sprintf("check %d", n+1), Source: Unasked{}, Judge: analysis.Below(0.05), Shadow: n == sc.Checks}
		gate.Checks = append(gate.Checks, check)
		signals[check.Name] = Signal{PerSecond: 30, Old: 0.001, New: 0.3}
	}
	gates := make([]*analysis.Gate, len(sc.Spec.Waves))
	for w := range gates {
		if sc.Spec.Waves[w].Ungated == "" {
			gates[w] = gate
		}
	}
	return gates, signals
}

// Random returns a random scenario: any plan, with any of the faults. The same seed
// gives the same scenario.
func Random(seed uint64) Scenario {
	r := rand.New(rand.NewPCG(seed, 1))
	sc := Scenario{Spec: randomSpec(r), Seed: seed, Takes: time.Duration(1+r.IntN(30)) * time.Second}
	if r.IntN(3) == 0 {
		sc.Checks = 1 + r.IntN(2)
	}
	calm := r.IntN(4) // in some rollouts nearly everything goes well
	usual := usual()
	for f := range sc.Faults {
		if r.IntN(4+4*calm) == 0 {
			sc.Faults[f] = usual[f] * (0.2 + r.Float64()*r.Float64()*4)
		}
	}
	sc.Replay = r.IntN(50) == 0
	return sc
}

// usual returns the odds of a fault each time that it could happen, where it is on.
func usual() Faults {
	return Faults{
		DeployFails: 0.05, DeployUnsure: 0.05, DeployHangs: 0.03, DeployLate: 0.03,
		UndoFails: 0.05, UndoUnsure: 0.05, UndoHangs: 0.05, UndoLate: 0.05,
		MitigationFails: 0.3, MitigationHangs: 0.2, SurveySilent: 0.05,
		GateFails: 0.15, GateUndecided: 0.15, GateEarly: 0.02, ReleaseSick: 0.4,
		MetricsMissing: 0.1, MetricsStale: 0.1, MetricsNaN: 0.1, MetricsLie: 0.03, MetricsFlap: 0.02,
		GuardHolds: 0.05, GuardRollsBack: 0.005, GuardHalts: 0.003,
		AppendFails: 0.01, AppendTears: 0.02, AppendSlow: 0.03,
		CrashBeforeAppend: 0.02, CrashBeforeAct: 0.02, CrashAfterAct: 0.02, RunnerPaused: 0.02, LeaseLost: 0.01, Zombie: 0.4,
		ClockForward: 0.01, ClockBack: 0.01, Drift: 0.01, TargetLeaves: 0.02, TargetJoins: 0.5, HumanSpeaks: 0.02,
	}
}

func randomSpec(r *rand.Rand) *rollout.Spec {
	one := func(odds int) bool { return r.IntN(odds) == 0 }
	seconds := func(all ...int) time.Duration { return time.Duration(all[r.IntN(len(all))]) * time.Second }
	spec := &rollout.Spec{
		Format: rollout.SpecFormat, Rollout: "r", Service: "s", From: "v1", To: "v2",
		Concurrency: 1 + r.IntN(6), MaxDown: r.IntN(5), Failures: r.IntN(4), Guarded: one(3), HoldAtMost: seconds(0, 0, 20, 600),
		Undo: rollout.SpecUndo{
			Batch: 1 + r.IntN(4), Parallel: 1 + r.IntN(4), Deadline: seconds(0, 60, 3600), Ramp: one(2),
			Survey: one(2), Page: one(2), Canary: one(3), Verify: one(3), Rehearse: one(4),
			RTO: seconds(0, 0, 30, 900), RevertWindow: seconds(0, 3600),
		},
	}
	u := &spec.Undo
	if one(3) {
		u.Fast = []string{"flag off", "shift traffic"}[:1+r.IntN(2)]
	}
	if one(3) {
		u.Fallback = []string{"drain", "maintenance page"}[:1+r.IntN(2)]
	}
	if one(3) {
		u.Older = []string{"v0", "v-1"}[:1+r.IntN(2)]
	}
	if one(4) {
		u.Domain = "zone"
	}
	spec.WaveFailures = r.IntN(spec.Failures + 1)
	if one(8) {
		spec.OnFailure = rollout.Freeze
	}
	irreversible, id := one(8), 0
	size := [...]int{12, 16, 28, 48}[r.IntN(4)]
	for range 1 + r.IntN(5) {
		wave := rollout.SpecWave{Approval: one(12)}
		if one(4) {
			wave.Ungated = "it is random"
		}
		if one(2) {
			wave.OnDeadline = analysis.WaitAtDeadline
		}
		for range 1 + r.IntN(size) {
			id++
			wave.Steps = append(wave.Steps, rollout.SpecStep{
				ID: fmt.Sprintf("t%02d", id), Labels: map[string]string{"zone": [...]string{"a", "b", "c"}[r.IntN(3)]}, Weight: int64(r.IntN(4)),
				Irreversible: irreversible && one(5) && len(spec.Waves) > 0,
			})
		}
		spec.Waves = append(spec.Waves, wave)
	}
	return spec
}
