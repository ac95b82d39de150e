package analysis

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func counted(events, total uint64) (s Summary) {
	s.add(Counts(events, total))
	return s
}

func TestJustAsMuch(t *testing.T) {
	for _, c := range []struct {
		story            string
		canary, baseline Summary
		want             bool
	}{
		{"the whole fleet fails", counted(12, 570), counted(190, 9400), true},
		{"the fleet fails a bit less, and chance explains it", counted(12, 570), counted(120, 9400), true},
		{"only the canary fails", counted(12, 570), counted(9, 9400), false},
		{"the canary fails five times as often", counted(57, 570), counted(190, 9400), false},
		{"the canary is the better one", counted(5, 5000), counted(190, 9400), false},
		{"the same, to the digit", counted(57, 570), counted(570, 5700), true},
		{"everything fails everywhere", counted(50, 50), counted(900, 900), true},
		{"many requests tell small differences apart", counted(30_000, 1_000_000), counted(20_000, 1_000_000), false},
		{"few requests tell nothing apart", counted(1, 20), counted(0, 20), true},
		{"nothing to compare with", counted(12, 570), Summary{}, false},
		{"no canary", Summary{}, counted(190, 9400), false},
		{"values are no counts", Summary{Rate: 5}, Summary{Rate: 5}, false},
	} {
		require.Equal(t, c.want, justAsMuch(c.canary, c.baseline), c.story)
		require.Equal(t, c.want, justAsMuch(c.baseline, c.canary), "%s, the arms exchanged", c.story)
	}
}

// Equal rates are never told apart, and what is told apart stays so with more of the
// same.
func TestJustAsMuchIsAMatterOfRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arm := func(name string) (events, total uint64) {
			total = rapid.Uint64Range(1, 10_000).Draw(t, name+" total")
			return rapid.Uint64Range(0, total).Draw(t, name+" events"), total
		}
		events, total := arm("canary")
		more := rapid.Uint64Range(1, 100).Draw(t, "times")
		require.True(t, justAsMuch(counted(events, total), counted(more*events, more*total)))

		other, whole := arm("baseline")
		if !justAsMuch(counted(events, total), counted(other, whole)) {
			require.False(t, justAsMuch(counted(more*events, more*total), counted(more*other, more*whole)))
		}
	})
}
