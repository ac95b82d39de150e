// Command tidegate makes changes to production safe.
//
// # tidegate analyze
//
// It judges recorded series offline, with the judges of package analysis: to see
// what a gate would have said of past releases, to choose its settings, and to use
// the judges from any other tool or language. It changes nothing anywhere.
//
//	tidegate analyze --judge notworse|above|below|within|kayenta|mannwhitney [flags] FILE
//
// FILE has one JSON object a line, - is stdin. For each, one line is written:
//
//	$ cat errors.jsonl
//	{"time":"2026-01-02T15:04:00Z","canary":{"events":0,"total":1000},"baseline":{"events":9,"total":9000}}
//	{"time":"2026-01-02T15:05:00Z","canary":{"events":30,"total":1000},"baseline":{"events":9,"total":9000}}
//	$ tidegate analyze --judge notworse errors.jsonl
//	{"observation":1,"time":"2026-01-02T15:04:00Z","outcome":"undecided","reason":"no worse so far: …",
//	 "canary":{"rate":0,"total":1000},"baseline":{"rate":0.001,"events":9,"total":9000},
//	 "evidence":{"harm":0.506,"safe":2.48,"harmNeeded":100,"safeNeeded":20}}
//	{"observation":2,"time":"2026-01-02T15:05:00Z","outcome":"fail",
//	 "reason":"canary 1.5% (30 of 2000) against baseline 0.10% (18 of 18000): 15.2 times the odds, at least 5.3 with 99% confidence; …",
//	 "canary":{"rate":0.015,"events":30,"total":2000},"baseline":{"rate":0.001,"events":18,"total":18000},
//	 "evidence":{"harm":1.84e16,"safe":2.77e-8,"harmNeeded":100,"safeNeeded":20}}
//	$ echo $?
//	4
//
// (Each answer is one line, broken and shortened here.)
//
// # Input
//
//   - "canary" and "baseline": {"events":n,"total":n}, such as errors among
//     requests, {"value":x}, or {"values":[…]}. An arm that is missing, or {}, has
//     no data. notworse takes events and total; above, below and within those or a
//     value, and only look at the canary; kayenta and mannwhitney take values, of
//     both. {"buckets":{…}} is not supported yet.
//   - "time": RFC 3339, such as 2026-01-02T15:04:05Z. It may be missing. Within a
//     trial it may not go backwards.
//   - "trial": a name. Lines with the same name are one trial, and each trial is
//     judged by itself, whatever comes between its lines. Without a name is a trial,
//     too.
//   - "error": why nothing could be seen. It never passes.
//   - "config": for kayenta only, see below.
//
// Input is read strictly: a field with another name, one that is there twice, text
// in place of a number, NaN and infinities, events beyond their total, or a line
// beyond 64 MB are an error. It names file, line and field, and the program stops
// there, to exit with 2 whatever was judged before; what it has written stands.
// Blank lines count as lines and are skipped, and lines may end in CRLF.
//
// # Output
//
// Every answer has "observation", which counts those of its trial; "trial" and
// "time" where the line has them; "outcome", which is pass, fail, inconclusive,
// undecided or error; "reason", one plain sentence; and "canary" and "baseline",
// the figures that were judged.
//
// notworse, above, below and within judge all lines of a trial so far. The last
// outcome is that of the trial, and a fail stays. They give "rate", and "events"
// and "total" of counts. notworse gives "evidence", with "harm" and "safe", and
// what each needs for a verdict.
//
// kayenta judges each line by itself, as one metric, by what --config and the line's own
// "config" say. Both are an object with any of these fields, and the line's fields win
// one by one: direction (either, increase, decrease), nanStrategy (remove, replace),
// outlierStrategy (keep, remove), outlierFactor, critical, mustHaveData,
// effectSizeMeasure (meanRatio, cles), allowedIncrease, allowedDecrease,
// criticalIncrease, criticalDecrease, tolerance, confLevel. The last two are fixed
// in Kayenta, at 0.25 and 0.98. null in values is NaN. It gives "classification"
// (Pass, High, Low, Nodata, NodataFailMetric, Error), "critical", "deviation"
// (null for NaN), and "ciLower", "ciUpper" and "estimate" of the shift, where it is
// defined. High, Low, NodataFailMetric and a critical Nodata are a fail, any other
// Nodata is inconclusive, and so is a Pass where an arm has no value but null: Kayenta
// passes that if nanStrategy is replace.
//
// mannwhitney judges each line by itself. A p-value (for --alternative, two-sided
// unless set) of at most --alpha is a fail. Values that could not have reached it,
// whatever their order, are inconclusive. It gives "u1", the statistic of the canary,
// and "p", the p-values by method (exact, unless there are too many values;
// asymptotic, with the correction for continuity; asymptoticWithoutContinuity) and
// alternative (two-sided, greater, less; null where undefined).
//
// For kayenta and mannwhitney, the outcome of a trial is the worst of its lines.
//
// # Exit codes
//
//	0  all trials pass
//	4  a trial fails
//	5  no trial fails, and one is inconclusive, undecided at the end, or an error
//	2  bad flags or bad input; input without any observation is that, too
//	1  an internal error, or the answers cannot be written
package main
