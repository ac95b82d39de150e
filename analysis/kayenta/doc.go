// Package kayenta judges as Spinnaker's Kayenta does with its
// NetflixACAJudge-v1.0, for those who come from there: the same classification,
// the same score, the same configuration files. It is written anew, from a
// description of the behaviour at commit a69573be, and held to the figures of
// Kayenta's own tests and of runs of its code.
//
// # The parts
//
//   - [Classify] compares the points of one metric: High, Low, Pass or one of the
//     ways to have no answer. It is made of [Clean], [Interval] and an effect size.
//   - [Sum] adds up the results of all metrics to a [Score], and [Thresholds] say
//     what that amounts to, after one judgement or several, which a [Schedule]
//     plans.
//   - [ParseCanaryConfig] reads Kayenta's configuration files.
//   - [Judge] is an analysis.Judge for one metric, to be used in a gate.
//
// All but the last are pure functions.
//
// # What to know when you move
//
// Kayenta's weak points are here too, since they are what it does:
//
//   - Looking again and again is not corrected for. The more often it is judged,
//     the more often a healthy release fails: [Judge] has figures.
//   - It takes the points of a series to be independent. They are not: of healthy
//     releases 7% to 12% fail with a correlation of 0.5 from one point to the next,
//     44% to 49% with 0.9, and 10% to 40% with an arm that is 10% off for good.
//   - Most points being zero, as with the errors of a quiet service, makes it
//     blind: of 4,000 releases with 1% instead of 0.1% errors, at 10 requests a
//     second of which the canary gets 5%, it found none.
//   - Its tolerance asks for many points, and not for a large difference.
//   - The ends of the interval are found to within 1e-4 in the metric's units,
//     whatever they are. Give it milliseconds, not hours: at values of about 5e-5,
//     6.5% of healthy releases are High, and below 2e-5 twice as much hardly ever is.
//   - A metric that is an Error drops out of the score.
//   - With nanStrategy replace, no points at all are a Pass.
//
// The last two do not pass a gate that uses [Judge]. For error counts,
// analysis.NotWorse has none of these, and decides with a fraction of the requests.
package kayenta
