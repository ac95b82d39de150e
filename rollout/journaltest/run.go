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

// Run checks a journal, rule by rule. For each rule it asks for a new, empty
// journal.
func Run(t *testing.T, empty func(t testing.TB) rollout.Journal) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			journal := empty(t)
			if _, ok := journal.(Stealer); r.steals && !ok {
				t.Skip("this journal is no journaltest.Stealer: it cannot simulate the loss of a lease")
			}
			if err := r.check(t.Context(), journal); err != nil {
				t.Errorf("%v\nThe rule: %s", err, r.explanation)
			}
		})
	}
}
