package guardrails

import "fmt"

// A Target is one thing that a guard has to ask about by itself: its name as the
// actions have it, and the labels that say where it is.
type Target struct {
	Name   string
	Labels map[string]string
}

// nameProblems reports what keeps a list of names from being what it should: all of the
// fleet, once each. An empty list is never "all".
func nameProblems(report func(path, msg string), n int, name func(int) string) {
	if n == 0 {
		report("Targets", "are none, so nothing would be looked at")
	}
	seen := make(map[string]bool, n)
	for i := range n {
		switch one := name(i); {
		case one == "":
			report(fmt.Sprintf("Targets[%d]", i), "has no name")
		case seen[one]:
			report(fmt.Sprintf("Targets[%d]", i), fmt.Sprintf("%q is there twice", one))
		default:
			seen[one] = true
		}
	}
}
