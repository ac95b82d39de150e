package replay

import "time"

// Incident is an outage that a change caused, told twice over: as it went, and with
// the guardrail that would have stopped or bounded it. Both tellings are the same plan
// in the same world, in virtual time, but for the guardrail.
type Incident struct {
	// Name is the word to ask for it with, Title what it is known as, When its day, such
	// as "19 Jul 2024".
	Name, Title, When string
	// Source is where its facts are from, an address.
	Source string
	// Fault says in one sentence what went wrong.
	Fault string
	// Guardrail is what stops or bounds it, in lower case and without a full stop. Its
	// first clause, up to a semicolon, is one line of the table.
	Guardrail string
	// Without and With tell it. They are deterministic and take no real time.
	Without, With func() (Outcome, error)
}

// Outcome is what one telling came to.
type Outcome struct {
	// Exposed is the most that had the fault at once, in percent; Of is of what, such
	// as "of 8.5 million hosts".
	Exposed float64
	Of      string
	// Detect is from the first change until it was decided to stop, Recover from there
	// until nothing had the fault any more. Sum says that nobody has told these two
	// apart: then Recover is both together.
	Detect, Recover time.Duration
	Sum             bool
	// Refused says that the faulty change was never made, Never that it did not recover
	// by itself.
	Refused, Never bool
	// Ending is what it came to, in a few words.
	Ending string
	// Story is what happened, a line each, with the times since the first change.
	Story []string
}
