package guardrails

// A Static guard answers from the Action alone: no clock, no file, no state.
// Plan.Validate asks it about every step of the plan, in order, so that a plan
// that it would stop half way is refused before anything is touched.
type Static interface {
	Guard
	// Static does nothing; it makes the promise.
	Static()
}
