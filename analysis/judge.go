package analysis

// A Judge turns the observations of one trial, in order, into verdicts. It is
// a pure fold: the same observations give the same verdicts, so that a crash,
// a report and a unit test all agree. Begin may be called many times and from
// many goroutines; each Trial belongs to one.
//
// A trial lasts for a whole rollout, over all waves that share a gate.
type Judge interface{ Begin() Trial }

// A Trial holds what was seen so far. Judge takes the next observation and
// says what follows from all of them.
type Trial interface{ Judge(Observation) Verdict }

// A Weigher is a Trial that can take an observation without putting its verdict
// into words, which takes many times longer than to judge. It is for simulations,
// and for judges that are made of many others.
type Weigher interface {
	Trial
	// Weigh does what Judge does, and returns the Outcome alone.
	Weigh(Observation) Outcome
	// Verdict returns what Judge would have returned for the last observation.
	Verdict() Verdict
}

// A Sharer is a Judge that controls its error rates, and can be asked to work
// within a share of them. A gate with several such judges gives each its
// share, so that the error rates hold for the gate as a whole.
type Sharer interface {
	Judge
	// Share returns the judge for falsely failing at most alpha, and falsely
	// passing at most beta, of the time.
	Share(alpha, beta float64) Judge
}
