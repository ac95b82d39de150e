package simulate

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Fault is one way in which the world goes wrong.
type Fault uint8

// Faults of single steps.
const (
	// DeployFails: a step fails, and took no effect.
	DeployFails Fault = iota
	// DeployUnsure: a step took effect, but is reported as failed.
	DeployUnsure
	// DeployHangs: a step does not end before it times out or is cancelled.
	DeployHangs
	// DeployLate: a step does not heed that it timed out, and takes effect after it was
	// left behind.
	DeployLate
	// UndoFails, UndoUnsure, UndoHangs and UndoLate are the same on the way back.
	UndoFails
	// UndoUnsure: see UndoFails.
	UndoUnsure
	// UndoHangs: see UndoFails.
	UndoHangs
	// UndoLate: see UndoFails.
	UndoLate
	// MitigationFails: a mitigation, or the page, fails.
	MitigationFails
	// MitigationHangs: it takes minutes.
	MitigationHangs
	// SurveySilent: a target does not say what it runs.
	SurveySilent
)

// Faults of what is seen.
const (
	// GateFails: a gate that is not real fails its wave.
	GateFails Fault = iota + 11
	// GateUndecided: it comes to no verdict.
	GateUndecided
	// GateEarly: it fails the wave while that is still being deployed.
	GateEarly
	// ReleaseSick: the release is bad, and the checks of a real gate can see it. Drawn
	// once for each rollout.
	ReleaseSick
	// MetricsMissing: a source has no answer.
	MetricsMissing
	// MetricsStale: it answers with data from before the wave.
	MetricsStale
	// MetricsNaN: it answers with a value that is none.
	MetricsNaN
	// MetricsLie: it shows healthy figures for a sick release, or the other way round.
	MetricsLie
	// MetricsFlap: it goes from good to bad and back for a while.
	MetricsFlap
	// GuardHolds, GuardRollsBack and GuardHalts: a guard says no.
	GuardHolds
	// GuardRollsBack: see GuardHolds.
	GuardRollsBack
	// GuardHalts: see GuardHolds.
	GuardHalts
)

// Faults of the runner and of what it stands on.
const (
	// AppendFails: the journal refuses, and nothing is durable.
	AppendFails Fault = iota + 23
	// AppendTears: the journal fails, but none, some or all is durable.
	AppendTears
	// AppendSlow: the journal takes its time.
	AppendSlow
	// CrashBeforeAppend: the runner dies before its events are durable.
	CrashBeforeAppend
	// CrashBeforeAct: it dies once they are, before it acts on them.
	CrashBeforeAct
	// CrashAfterAct: it dies after a step took effect, before it knows of that.
	CrashAfterAct
	// RunnerPaused: it stands still for a while, and may have lost its lease to another
	// one when it wakes.
	RunnerPaused
	// LeaseLost: another one takes its lease, while it goes on.
	LeaseLost
	// Zombie: what a runner had in flight when it died, or lost its lease, takes
	// effect later, at any time. With it, targets refuse the writes of old epochs.
	Zombie
	// ClockForward and ClockBack: the clocks are set.
	ClockForward
	// ClockBack: see ClockForward.
	ClockBack
)

// Faults of the fleet, and people.
const (
	// Drift: other hands put another version on a target.
	Drift Fault = iota + 34
	// TargetLeaves: a target cannot be reached for a while.
	TargetLeaves
	// TargetJoins: a target that had left comes back on the old version.
	TargetJoins
	// HumanSpeaks: a human says any verb, at any time.
	HumanSpeaks

	faultCount
)

var faultNames = [faultCount]string{
	"DeployFails", "DeployUnsure", "DeployHangs", "DeployLate", "UndoFails", "UndoUnsure", "UndoHangs", "UndoLate",
	"MitigationFails", "MitigationHangs", "SurveySilent",
	"GateFails", "GateUndecided", "GateEarly", "ReleaseSick", "MetricsMissing", "MetricsStale", "MetricsNaN", "MetricsLie", "MetricsFlap",
	"GuardHolds", "GuardRollsBack", "GuardHalts",
	"AppendFails", "AppendTears", "AppendSlow", "CrashBeforeAppend", "CrashBeforeAct", "CrashAfterAct", "RunnerPaused", "LeaseLost", "Zombie",
	"ClockForward", "ClockBack", "Drift", "TargetLeaves", "TargetJoins", "HumanSpeaks",
}

// String returns the fault's name, such as "DeployFails".
func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return fmt.Sprintf("Fault(%d)", uint8(f))
}

// AllFaults returns every fault there is.
func AllFaults() []Fault {
	all := make([]Fault, faultCount)
	for i := range all {
		all[i] = Fault(i)
	}
	return all
}

// Faults are the odds of every fault, each time that it could happen; zero is never.
// Write them as Faults{DeployFails: 0.1, CrashBeforeAct: 0.01}.
type Faults [faultCount]float64

// MarshalJSON writes the odds that are not zero, by name.
func (f Faults) MarshalJSON() ([]byte, error) {
	odds := make(map[string]float64)
	for i, p := range f {
		if p != 0 {
			odds[faultNames[i]] = p
		}
	}
	return json.Marshal(odds)
}

// UnmarshalJSON reads what MarshalJSON writes. An unknown fault is an error.
func (f *Faults) UnmarshalJSON(data []byte) error {
	var odds map[string]float64
	if err := json.Unmarshal(data, &odds); err != nil {
		return fmt.Errorf("simulate: faults: %w", err)
	}
	var read Faults
	for name, p := range odds {
		i := slices.Index(faultNames[:], name)
		if i < 0 {
			return fmt.Errorf("simulate: unknown fault %q", name)
		}
		read[i] = p
	}
	*f = read
	return nil
}

// hit tells whether a fault happens now.
func (s *sim) hit(f Fault) bool {
	p := s.world.Faults[f]
	if p == 0 || s.rand.Float64() >= p {
		return false
	}
	s.trace.Hits[f]++
	return true
}
