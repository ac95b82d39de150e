package evidence

// NewSlower returns a [Harm] for one boundary of a latency histogram, where requests
// above it are the events: with the alternatives of [Histogram], from 1.05 to 20
// times psi0, in place of 1.15 to 50. It is for who combines the boundaries in
// another way than Histogram does. An error, which wraps [ErrSetting], is as for
// [NewHarm].
func NewSlower(psi0 float64, horizon int) (Harm, error) {
	if err := checkOddsRatio("NewSlower", "psi0", psi0); err != nil {
		return Harm{}, err
	}
	return begin(psi0, slowLeast, slowMost, horizon), nil
}
