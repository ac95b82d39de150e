package rollout

import (
	"cmp"
	"context"
	"slices"

	"github.com/tidegate-go/tidegate/analysis"
)

// Wave is a set of steps that are done together, and the gate behind them.
type Wave struct {
	// Targets get the release by the Deployer.
	Targets []Target
	// Steps do what they say; for changes that are no deployment.
	Steps []Step
	// Gate takes the place of the plan's gate.
	Gate *analysis.Gate
	// Ungated says why the wave needs no gate.
	Ungated string
	// Approval holds the wave until a human approves.
	Approval bool
}

// Step is the general building block, for when a target and a Deployer do not
// fit: something to do, and the way to undo it. Both must be idempotent and
// return when ctx is done.
type Step struct {
	// ID identifies the step. Required, unique in the plan.
	ID     string
	Do     func(ctx context.Context) error
	Undo   func(ctx context.Context) error
	Labels map[string]string
	// Weight is what the step counts for in exposure. Zero means 1.
	Weight int64
	// Irreversible says that the step cannot be undone, such as dropping a column;
	// Undo is nil then. It needs a gate before it, and once it was started a failure
	// freezes the rollout: nothing is taken back.
	Irreversible bool
}

// Waves splits a fleet into waves: in the plan, once, before anything is
// touched. The same fleet must give the same waves. Split may reorder its
// argument. A wave that is empty is an error; so is a target left out.
type Waves interface {
	Split(fleet []Target) ([]Wave, error)
}

// WavesFunc makes a function Waves.
type WavesFunc func(fleet []Target) ([]Wave, error)

// Split calls f.
func (f WavesFunc) Split(fleet []Target) ([]Wave, error) { return f(fleet) }

// Explicit are waves that are listed.
type Explicit []Wave

// Split returns the waves as listed. They name their targets themselves, and
// the plan checks them against the fleet.
func (e Explicit) Split([]Target) ([]Wave, error) { return slices.Clone(e), nil }

// byTier orders a fleet by tier, least critical first; targets of a tier keep
// their order.
func byTier(fleet []Target) {
	tier := func(a, b Target) int { return cmp.Compare(a.Tier, b.Tier) }
	if !slices.IsSortedFunc(fleet, tier) {
		slices.SortStableFunc(fleet, tier)
	}
}

// cut splits a fleet where the cumulated sizes say.
func cut(fleet []Target, ends []int) []Wave {
	waves := make([]Wave, 0, len(ends))
	start := 0
	for _, end := range ends {
		if end = min(end, len(fleet)); end > start {
			waves = append(waves, Wave{Targets: fleet[start:end:end]})
			start = end
		}
	}
	return waves
}
