package journaltest_test

import (
	"testing"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/journaltest"
)

// TestJournalConforms is what the test of a journal looks like.
func TestJournalConforms(t *testing.T) {
	journaltest.Run(t, func(t testing.TB) rollout.Journal {
		return new(rollout.MemoryJournal) // here: one's own, new and empty
	})
}

func Example() {
	// In the _test.go file of a package with a journal of its own:
	_ = func(t *testing.T) {
		journaltest.Run(t, func(t testing.TB) rollout.Journal {
			return new(rollout.MemoryJournal)
		})
	}
	// Output:
}
