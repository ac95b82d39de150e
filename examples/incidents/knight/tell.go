package knight

import (
	"fmt"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
)

// tell tells both guardrails: the first refuses the activation, and the outcome is its.
// What the second would have done follows, as a chapter of its own.
func tell() (replay.Outcome, error) {
	o, err := with().Tell()
	if err != nil {
		return o, err
	}
	again, err := forced().Tell()
	if err != nil {
		return o, err
	}
	o.Story = append(o.Story, "", "And had it been forced on all the same:")
	o.Story = append(o.Story, again.Story...)
	o.Story = append(o.Story, fmt.Sprintf("At most %.3g%% of the servers had it then.", again.Exposed))
	return o, nil
}
