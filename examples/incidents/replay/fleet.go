package replay

import (
	"fmt"

	"github.com/tidegate-go/tidegate/rollout"
)

// Fleet is so many targets of the same weight: prefix-001, prefix-002, and so on.
func Fleet(prefix string, n int) []rollout.Target {
	fleet := make([]rollout.Target, 0, n)
	digits := len(fmt.Sprint(n))
	for i := range n {
		fleet = append(fleet, rollout.Target{Name: fmt.Sprintf("%s-%0*d", prefix, digits, i+1)})
	}
	return fleet
}
