package simulate

import (
	"context"
	"fmt"

	"github.com/tidegate-go/tidegate/guardrails"
)

// mayStart has every guard prove that it can say no, and asks all of them about the
// rollout as a whole, as the real runner does before anything is touched. It is the
// gravest no.
func (st *Stage) mayStart() error {
	if len(st.guards) == 0 {
		return nil
	}
	ctx := context.Background()
	if err := guardrails.SelfTest(ctx, st.guards...); err != nil {
		return st.notStarted(err)
	}
	act := st.action
	act.Verb, act.Fence = guardrails.Start, 1 // of the first runner
	var worst *guardrails.Breach
	for _, g := range st.guards {
		if b := guardrails.Check(ctx, []guardrails.Guard{g}, act); b != nil && (worst == nil || b.Consequence > worst.Consequence) {
			worst = b
		}
	}
	if worst != nil {
		return st.notStarted(worst)
	}
	return nil
}

func (st *Stage) notStarted(why error) error {
	return fmt.Errorf("simulate: %s was not started, nothing was touched: %w", st.action.Rollout, why)
}
