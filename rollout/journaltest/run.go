package journaltest

import (
	"testing"

	"github.com/tidegate-go/tidegate/rollout"
)

// A Stealer is a journal that can simulate the loss of a lease. Run finds it by
// type assertion.
type Stealer interface {
	// Steal takes the rollout from the session that has it, so that it can be
	// opened again.
	Steal(rollout string)
}

// A Crasher is a journal that can simulate the death of a process. Run finds it by
// type assertion; where there is none, a Stealer takes its place.
type Crasher interface {
	// Crash ends the session that has the rollout as the death of its process does:
	// nothing is done of what Close does, and what the session waited for before
	// another may have the rollout (the end of a lease) has come. Appends may be under
	// way, and those that come later fail.
	Crash(rollout string)
}

// Run checks a journal, rule by rule. For each rule it asks for a new, empty
// journal.
func Run(t *testing.T, empty func(t testing.TB) rollout.Journal) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			journal := empty(t)
			_, steals := journal.(Stealer)
			_, crashes := journal.(Crasher)
			if r.steals && !steals {
				t.Skip("this journal is no journaltest.Stealer: it cannot simulate the loss of a lease")
			}
			if r.crashes && !steals && !crashes {
				t.Skip("this journal is no journaltest.Crasher: it cannot simulate a crash")
			}
			if err := r.check(t.Context(), journal); err != nil {
				t.Errorf("%v\nThe rule: %s", err, r.explanation)
			}
		})
	}
}
