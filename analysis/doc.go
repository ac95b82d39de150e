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
// as counts ([Counts]: so many errors among so many requests) or as a value
// ([Gauge]: a latency, a queue length).
//
// A [Judge] turns the observations, one after the other, into a [Verdict]: an
// [Outcome] with one sentence that gives the figures. These are here:
//
//   - [NotWorse] compares the canary with the baseline. It decides as soon as
//     the evidence is in and not before, may be looked at as often as one
//     likes, and bounds how often it is wrong. It is the default choice for
//     error counts.
//   - [Above], [Below] and [Within] hold a figure against fixed limits.
//
// A [Check] joins a source and a judge under a name, and a [Gate] is a list of
// checks that must all pass, with a [Bake]: how long to watch at least and at
// most. [Gate.Begin] starts an [Evaluation], which follows a rollout through its
// waves and gives a [Decision] whenever it is asked for one.
//
// # What never passes
//
// Nothing is promoted on data that is not there. The zero Outcome is Undecided,
// the zero Verdict holds, and no data, NaN, an error, data from before the wave,
// too few samples, or a deadline without a verdict never are a Pass. A Fail is
// latched: no later observation takes it back.
//
// # No clock, no I/O
//
// Only sources do I/O. Judges and evaluations are pure folds: time comes in with
// the observations, and the same observations give the same verdicts, be it in
// production, after a crash, in a report or in a test.
package analysis
