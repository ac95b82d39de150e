package scrape

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

type arm uint8

const (
	canary arm = iota + 1
	baseline
)

// String returns the arm's name.
func (a arm) String() string {
	if a == canary {
		return "canary"
	}
	return "baseline"
}

// entry is one member of an arm, in one window.
type entry struct {
	name string
	stint
	since time.Time
}

// stint is what a target's traffic belongs to. When it changes, what the target
// counted before belongs to nobody.
type stint struct {
	arm     arm
	version string
}

// enroll lists the members of both arms, the canary's first: when time is
// short, they are what matters.
func enroll(w analysis.Window) ([]entry, error) {
	if len(w.Canary.Members) == 0 {
		return nil, fmt.Errorf("scrape: %w: the canary has no members", analysis.ErrNoData)
	}
	roster := make([]entry, 0, len(w.Canary.Members)+len(w.Baseline.Members))
	for _, m := range w.Canary.Members {
		roster = append(roster, entry{m.Name, stint{canary, w.Canary.Version}, m.Since})
	}
	for _, m := range w.Baseline.Members {
		roster = append(roster, entry{m.Name, stint{baseline, w.Baseline.Version}, m.Since})
	}
	seen := make(map[string]bool, len(roster))
	for _, e := range roster {
		if seen[e.name] {
			return nil, fmt.Errorf("scrape: target %q is a member twice: its traffic would count twice", e.name)
		}
		seen[e.name] = true
	}
	return roster, nil
}
