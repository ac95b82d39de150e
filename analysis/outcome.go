package analysis

import "fmt"

// Outcome is what a judge or a gate has to say. The zero value is Undecided:
// nothing may be promoted on it.
type Outcome uint8

const (
	// Undecided means that the evidence is not in yet: keep looking.
	Undecided Outcome = iota
	// Pass means that the release is good enough to go on.
	Pass
	// Fail means that the release is worse than the plan allows. It is latched.
	Fail
	// Inconclusive means that time ran out, or the data cannot show what was
	// asked of it. It is never a pass.
	Inconclusive
	// Error means that the data could not be had. It is never a pass, and not
	// the release's fault.
	Error
	// Degraded means worth slowing down for, but not yet a fail.
	Degraded
)

var outcomeWords = [...]string{"undecided", "pass", "fail", "inconclusive", "error", "degraded"}

// String returns the outcome's word, such as "pass".
func (o Outcome) String() string {
	if int(o) < len(outcomeWords) {
		return outcomeWords[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// MarshalText writes the outcome as its word.
func (o Outcome) MarshalText() ([]byte, error) {
	if int(o) >= len(outcomeWords) {
		return nil, fmt.Errorf("analysis: unknown outcome %d", uint8(o))
	}
	return []byte(outcomeWords[o]), nil
}

// UnmarshalText reads an outcome's word. An unknown word is an error.
func (o *Outcome) UnmarshalText(text []byte) error {
	for i, w := range outcomeWords {
		if w == string(text) {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("analysis: unknown outcome %q: want one of %v", text, outcomeWords)
}
