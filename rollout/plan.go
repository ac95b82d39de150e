package rollout

import (
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
)

// Defaults of a Plan.
const (
	// DefaultConcurrency is how many steps are in flight at once.
	DefaultConcurrency = 10
	// DefaultStepTimeout bounds one step.
	DefaultStepTimeout = 10 * time.Minute
	// DefaultGuardInterval is the time between two rounds of all guards.
	DefaultGuardInterval = time.Second
)

// Plan is a rollout that has not happened yet. It is data: the same plan gives
// the same waves. Validate tells whether it can be run.
type Plan struct {
	// Name identifies the rollout in the journal: letters, digits, dot, dash and
	// underscore. A name is used once; running it again resumes it.
	Name    string
	Release Release
	// Targets is the fleet. Waves splits it. A wave that does not fit is an
	// error, and so is an empty fleet.
	Targets []Target
	Waves   Waves
	// Gate stands behind every wave that has none of its own and is not Ungated.
	Gate analysis.Gate
	// Guards are asked before the rollout, before every step, and again and
	// again in between.
	Guards   []guardrails.Guard
	Rollback rollback.Policy
	// Failures is how many failed steps are put up with. The zero value is none.
	Failures FailureBudget
	// Concurrency is the most steps in flight at once. Zero means
	// DefaultConcurrency.
	Concurrency int
	// StepTimeout bounds one step, its verification included. Zero means
	// DefaultStepTimeout.
	StepTimeout time.Duration
	// Floor is the percentage of the fleet that must be able to serve at any
	// time, forward and back; rounded up. Steps in flight, failed or in doubt
	// count as not serving. Zero means no floor.
	Floor float64
	// OnFailure says what a failure leads to. The zero value takes the change
	// back.
	OnFailure FailurePolicy
	// HoldAtMost is how long the way forward may be held, by a guard, a pause or
	// a missing approval, before that counts as a failure. Zero means for ever.
	HoldAtMost time.Duration
	// GuardInterval is the time between two rounds of all guards. Zero means
	// DefaultGuardInterval.
	GuardInterval time.Duration
	// Locks are the names that no other rollout may hold meanwhile. Empty means
	// the service's name.
	Locks []string
	// AllowBigBang is why the first wave may be the whole fleet.
	AllowBigBang string
}

// FailureBudget is how many failed steps a rollout puts up with. Both limits
// hold. A rollout that ends within its budget is Partial, not Completed.
type FailureBudget struct {
	// PerWave is the most in one wave; Total in the whole rollout.
	PerWave, Total int
}

func (p *Plan) locks() []string {
	if len(p.Locks) > 0 {
		return p.Locks
	}
	return []string{p.Release.Service}
}

func orDefault[T comparable](value, def T) T {
	var zero T
	if value == zero {
		return def
	}
	return value
}
