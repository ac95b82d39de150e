package guardrails

import (
	"errors"
	"fmt"
)

// ErrBreach is what every *Breach is, for errors.Is.
var ErrBreach = errors.New("guardrails: breach")

// Consequence is what a breach asks for. The zero value holds.
type Consequence uint8

const (
	// Hold starts nothing more until the guard is content again.
	Hold Consequence = iota
	// Rollback takes the change back.
	Rollback
	// Halt freezes: touch nothing, not even to undo, and call a human.
	Halt
)

var consequenceWords = [...]string{"hold", "rollback", "halt"}

// String returns the consequence's word, such as "hold".
func (c Consequence) String() string {
	if c.known() {
		return consequenceWords[c]
	}
	return fmt.Sprintf("consequence(%d)", uint8(c))
}

// MarshalText writes the consequence as its word.
func (c Consequence) MarshalText() ([]byte, error) {
	if !c.known() {
		return nil, fmt.Errorf("guardrails: unknown consequence %d", uint8(c))
	}
	return []byte(consequenceWords[c]), nil
}

// UnmarshalText reads a consequence's word. An unknown word is an error.
func (c *Consequence) UnmarshalText(text []byte) error {
	for i, w := range consequenceWords {
		if w == string(text) {
			*c = Consequence(i)
			return nil
		}
	}
	return fmt.Errorf("guardrails: unknown consequence %q: want one of %v", text, consequenceWords)
}

func (c Consequence) known() bool { return int(c) < len(consequenceWords) }

// Breach is a guard's no. It carries a plain sentence, the evidence, and what
// to do.
type Breach struct {
	// Guard names the guard that said no.
	Guard       string      `json:"guard"`
	Consequence Consequence `json:"consequence"`
	// Reason is one plain sentence.
	Reason string `json:"reason"`
	// Evidence holds the figures behind it, such as "14 of 40 targets (35%), cap 33%".
	Evidence string `json:"evidence,omitempty"`
	// Runbook says what a human does now: a line, or a link.
	Runbook string `json:"runbook,omitempty"`
	// Cap marks a limit that no override lifts.
	Cap bool `json:"cap,omitempty"`
	// Err is what caused the breach, where that was an error.
	Err error `json:"-"`
}

// Error returns the breach as one line.
func (b *Breach) Error() string {
	if b == nil {
		return "guardrails: nil breach"
	}
	s := "guardrails: " + b.Guard + ": " + b.Reason
	if b.Evidence != "" {
		s += " (" + b.Evidence + ")"
	}
	return s
}

// Is reports whether target is ErrBreach.
func (b *Breach) Is(target error) bool { return target == ErrBreach }

// Unwrap returns the cause, nil when there is none.
func (b *Breach) Unwrap() error {
	if b == nil {
		return nil
	}
	return b.Err
}
