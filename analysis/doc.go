// Package analysis decides from metrics whether a release may go on.
//
// It is a passive observer. It asks a metrics system what it saw, says Pass,
// Fail or one of the shades between, and never changes anything in production.
// It knows nothing of rollouts, so that it can be used with any tool that makes
// them.
//
// # The parts
//
// A release that is being rolled out runs on some targets, the canary, while
// the others still run the old version, the baseline. Every few seconds a
// [Source] answers with an [Observation]: what each arm did since the last one,
// as counts ([Counts]: so many errors among so many requests), as a histogram
// ([Buckets]: of latencies) or as a value ([Gauge]: a queue length). It may break
// that down by zone, tenant or route ([Slice]).
//
// A [Judge] turns the observations, one after the other, into a [Verdict]: an
// [Outcome] with one sentence, and the figures behind it. These are here:
//
//   - [NotWorse] compares the canary with the baseline: error counts, latencies and
//     gauges. It decides as soon as the evidence is in and not before, may be looked
//     at as often as one likes, and bounds how often it is wrong. It is the default
//     choice. A canary that has (nearly) no errors passes on that alone.
//   - [Above], [Below] and [Within] hold a figure against fixed limits, and
//     [BurnRate] the errors against a service level objective.
//   - [Trend] tells when a gauge is about to cross a limit, and [Baseline] when it
//     leaves its own past behind. They never fail a release: what they find is
//     Degraded, and holds the gate.
//   - [SampleRatio] finds that the traffic is not split as it should be.
//   - [PerSlice] judges every slice by itself and names the worst, and [AllOf] joins
//     judges that look at the same figures.
//
// A [Check] joins a source and a judge under a name, and a [Gate] is a list of
// checks that must all pass, with a [Bake]: how long to watch at least and at
// most. [Gate.Begin] starts an [Evaluation], which follows a rollout through its
// waves and gives a [Decision] whenever it is asked for one.
//
// # Before the rollout
//
// [Gate.Preflight] asks every check once, and refuses a rollout whose gate could never
// pass, or that fails before anything is deployed ([Burning] says what else to do then).
// It also compares the arms while both run the old version ([Calibrate]): how much
// they differ by chance and by noise of their own decides how [NotWorse] weighs what
// it sees.
//
// # Whose fault it is
//
// NotWorse compares, so that what hits the whole fleet is no evidence. Limits excuse a
// release for what the baseline shows just as much: the verdict is Blameless, and the
// gate holds for it to be over, or for a human, and rolls nothing back.
//
// # What never passes
//
// Nothing is promoted on data that is not there. The zero Outcome is Undecided,
// the zero Verdict holds, and no data, NaN, an error, data from before the wave,
// data that has stopped coming, too few samples, or a deadline without a verdict
// never are a Pass. A Fail is latched: no later observation takes it back.
//
// # How long it takes
//
// What counts is how many requests the canary gets, not the time. With the
// defaults of [NotWorse], and a canary that gets a tenth of the traffic, it is
// about so many, in the median:
//
//	errors of     as good,   2 times worse,   5 times worse,
//	the baseline  passes     fails            fails
//	none           4,000
//	0.01%          4,000
//	0.1%          11,500     20,000           1,900
//	1%             1,200      2,100             190
//	10%              130        250              31
//
// A deadline ([Bake], AtMost) that comes sooner makes the gate Inconclusive, and
// by default a release that is as good as the last is then rolled back. Give the
// first wave enough targets, give it time, or let [NotWorse] care for less, with a
// higher Detect or Negligible.
//
// # No clock, no I/O
//
// Only sources do I/O. Judges and evaluations are pure folds: time comes in with
// the observations, and the same observations give the same verdicts, be it in
// production, after a crash, in a report or in a test.
package analysis
