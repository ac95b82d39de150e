package rollout

import (
	"fmt"
	"slices"
)

// ByLabel makes one wave of each value of a label, such as ByLabel("region"):
// first the values that are listed, in that order, then the others as they
// appear in the fleet. A target without the label is an error.
func ByLabel(label string, first ...string) Waves {
	return WavesFunc(func(fleet []Target) ([]Wave, error) {
		byTier(fleet)
		order := slices.Clone(first)
		at := make(map[string]int, len(order))
		for i, v := range order {
			if _, dup := at[v]; dup {
				return nil, fmt.Errorf("ByLabel(%q): %q is listed twice", label, v)
			}
			at[v] = i
		}
		waves := make([]Wave, len(order))
		for _, t := range fleet {
			v, ok := t.Labels[label]
			if !ok {
				return nil, fmt.Errorf("ByLabel(%q): target %q has no such label", label, t.Name)
			}
			i, known := at[v]
			if !known {
				i = len(order)
				at[v], order, waves = i, append(order, v), append(waves, Wave{})
			}
			waves[i].Targets = append(waves[i].Targets, t)
		}
		for i, w := range waves {
			if len(w.Targets) == 0 {
				return nil, fmt.Errorf("ByLabel(%q): no target has %s=%s", label, label, order[i])
			}
		}
		return waves, nil
	})
}
