package guardrails_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// A guard that somebody forgot to set up lets nothing through that it minds: neither a
// Deploy nor a Start, whichever it is there for. KillSwitch, Flap and Leashed are useful
// as they are, or have no zero value.
func TestZeroGuardsLetNothingThrough(t *testing.T) {
	for _, g := range []guardrails.Guard{
		guardrails.MaxExposure{}, &guardrails.MinHealthy{}, guardrails.Domains{}, &guardrails.DomainGap{}, &guardrails.Calendar{},
		guardrails.Fence{}, &guardrails.NeverEmpty{}, &guardrails.MaxRemoval{}, &guardrails.MaxDiff{}, guardrails.Rate{}, guardrails.Breaker{},
		&guardrails.ErrorBudget{}, &guardrails.NoIncident{}, &guardrails.Approval{}, &guardrails.DeadMan{}, &guardrails.Converged{},
		&guardrails.Drift{}, &guardrails.RetryBudget{}, &guardrails.Validator{}, &guardrails.Taste{}, &guardrails.Metric{},
		guardrails.All(), guardrails.First(), guardrails.All(nil), guardrails.Leashed(nil, nil),
	} {
		t.Run(fmt.Sprintf("%T", g), func(t *testing.T) {
			deploy := aStep()
			start := deploy
			start.Verb, start.Target, start.Fleet = guardrails.Start, "", nil
			refused := guardrails.Check(t.Context(), []guardrails.Guard{g}, deploy) != nil ||
				guardrails.Check(t.Context(), []guardrails.Guard{g}, start) != nil
			require.True(t, refused)
		})
	}
}
