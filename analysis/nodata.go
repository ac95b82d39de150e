package analysis

import (
	"fmt"
	"slices"
)

// NoDataPolicy says what follows when a check has had nothing to look at for a
// while: an error, no series, NaN, or no requests. None of them passes on it.
type NoDataPolicy uint8

const (
	// HoldOnNoData waits for data, up to the deadline. It is the zero value.
	HoldOnNoData NoDataPolicy = iota
	// FailOnNoData fails the gate: where a release that is up is sure to be seen, one
	// that is not seen is down.
	FailOnNoData
	// AbstainOnNoData leaves the check out until it has data again, for what is only
	// there now and then. The others must pass, and one at least must be left.
	AbstainOnNoData
)

var noDataWords = [...]string{"hold", "fail", "abstain"}

// DefaultNoDataAfter is how many observations in a row without data make a
// NoDataPolicy apply.
const DefaultNoDataAfter = 6

// MarshalText writes the policy as its word.
func (p NoDataPolicy) MarshalText() ([]byte, error) {
	if int(p) >= len(noDataWords) {
		return nil, fmt.Errorf("analysis: unknown no-data policy %d", uint8(p))
	}
	return []byte(noDataWords[p]), nil
}

// UnmarshalText reads a policy's word. An unknown word is an error.
func (p *NoDataPolicy) UnmarshalText(text []byte) error {
	i := slices.Index(noDataWords[:], string(text))
	if i < 0 {
		return fmt.Errorf("analysis: unknown no-data policy %q: want one of %v", text, noDataWords)
	}
	*p = NoDataPolicy(i)
	return nil
}
