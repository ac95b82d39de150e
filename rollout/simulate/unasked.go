package simulate

import (
	"context"
	"errors"

	"github.com/tidegate-go/tidegate/analysis"
)

// Unasked is a Source for plans that are only played: there the World says what a
// check sees, and its source is never asked. Asked all the same, it has no answer.
type Unasked struct{}

// Observe implements analysis.Source.
func (Unasked) Observe(context.Context, analysis.Window) (analysis.Observation, error) {
	return analysis.Observation{}, errors.New("simulate: this source is for plans that are only played")
}
