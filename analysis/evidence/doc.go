// Package evidence weighs counts: how much do the errors seen so far say that
// a release is worse, and how much do they say that it is not?
//
// # E-values
//
// The answer is an e-value: a bet that costs 1 and whose expected payout is at
// most 1 while the hypothesis under test is true. A payout of 100 is therefore
// rare under that hypothesis: it happens with a probability of at most 1%
// (Markov). An e-process is the running capital of such bets, and for it the
// bound holds over all times at once (Ville's inequality):
//
//	P(the process ever reaches 1/α) ≤ α
//
// So it may be looked at after every scrape, for as long as one likes, and
// acted upon the moment it is large enough. A p-value that is looked at again
// and again has no such bound.
//
// # The processes
//
//   - [Harm] tests "the canary's odds of an error are at most a tolerated
//     multiple of the baseline's". When it is large, the release is worse.
//   - [Safe] tests "the canary's odds are at least a harmful multiple of the
//     baseline's". When it is large, the release is not harmful.
//   - [Rate] tests "the error rate is at most a limit", with no baseline. When it
//     is large, the rate is too high.
//   - [Rare] tests "the error rate is at least a limit", with no baseline. When it
//     is large, the rate is below.
//   - [RandomEffects] is Harm for arms with noise of their own. [Dispersion]
//     measures that noise in an A/A window, before the rollout.
//   - [Histogram] tests "the canary is not slower", on latency buckets.
//   - [Gauge] tests "a gauge is no higher than it should be", against the [Noise]
//     that [LearnNoise] finds in an A/A window.
//
// [Mean] joins two of them into one, for "this or that", and [WeightedMean] any
// number. All that take the same intervals may be joined. Which of them was it?
// [EBH] and [ClosedTest] name culprits, with a bounded error.
//
// # Other tests
//
// [Spending] asks what Harm asks, for a planned number of looks: an exact test that
// spends its α over them. It needs fewer requests, but is no e-process.
//
// [MannWhitney] is the rank test of two samples, to be looked at once, and
// [HodgesLehmann] estimates the shift between them that goes with it.
//
// # Estimates
//
// [MantelHaenszel] estimates the odds ratio that Harm and Safe test, and [Wilson]
// gives the interval for a single rate. [VarghaDelaney], [CohenD] and [MeanRatio] say
// how much two samples differ, and [Quantile] is one of a single sample.
//
// # Shape
//
// Each process is a plain value with a New function, an Observe method that
// takes one interval's data, and a Log method that returns the natural
// logarithm of the e-value so far; [Value] turns it into the e-value. They hold
// no pointers: assigning one takes a snapshot. [Histogram] and [Spending], which
// own memory, have a Clone method for that. They are not safe for concurrent use.
// Observe does not allocate, but for Spending when it must remember more than before.
//
// Where requests are counted for each route, or each zone, an interval is several
// tables: all of them go to one Observe, are compared within themselves, and count as
// one look.
//
// Nothing here panics. A New function returns [ErrSetting] for a setting that makes no
// sense. What cannot be computed is NaN, which is at or above no bound.
//
// Everything is computed in logarithms, and is a function of the observations
// in their order alone.
package evidence
