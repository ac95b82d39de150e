// Command tidegate makes changes to production safe.
//
//	tidegate each     runs a program for each target, in waves, with gates and a way back
//	tidegate exec     runs one program under guard
//	tidegate kill     stops everything that each and exec run
//	tidegate reset    lets go on what was halted
//	tidegate guard    tests guards
//	tidegate unwind   undoes what a script has left that was stopped or crashed
//	tidegate audit    checks that journals are as they were written
//	tidegate analyze  judges recorded series offline
//
// The verbs that change something exit with
//
//	0  done
//	1  an internal error
//	2  bad usage
//	3  refused: nothing was run
//	4  rolled back
//	5  halted, or interrupted, or held for a human
//	6  the rollback is incomplete
//	7  partial or aborted; of exec: the program failed, and there is no way back
//
// # tidegate each
//
// The safe xargs:
//
//	tidegate each --targets hosts --version v42 --from v41 --check './healthy {target}' -- ./deploy {target} {version}
//
// It is a rollout (package rollout) of programs (package rollout/execdeploy), with no
// plan file: waves, gates, kill switch, rollback and resumption around any script. The
// rollout goes by a name made of the command line and the targets, and a number: that
// is how the same command line finds what was interrupted, and goes on with it. What
// has come to its end, done or rolled back, begins anew; with --name it does not.
//
// When a script fails, and there is a way back (--undo, or --from and --version),
// everything that was begun is taken back. Without one, the rollout freezes: what runs
// is stopped, and nothing more is done until a human has said tidegate reset. Then the
// same command line is a new rollout of the targets that are left.
//
// A target file has one target a line, a name and key=value labels; weight and tier are
// numbers that the rollout knows (rollout.Target). Blank lines are skipped, and so is
// what is behind a # at the beginning of a word.
//
// # tidegate exec
//
//	tidegate exec --prometheus http://prometheus:9090 --max 'errors=sum(rate(http_requests_total{code=~"5.."}[1m]))<5' --undo './migrate down' -- ./migrate up
//
// It is guardrails.Guarded.Run around one program, with metrics as a guard, and with the
// undo in a file (rollback.Create) before the program begins. The program's own exit
// code is not passed on, since it could be any of those above: it is told on stderr.
//
// # tidegate guard test
//
// It has each guard of a guard file (JSON, see its --help) prove that it can say no. The
// same file goes to each and exec by --guards.
//
// # tidegate audit
//
//	tidegate audit ~/.local/state/tidegate/*.jsonl
//
// It checks every line of journals (filejournal.Audit), and says what became of each
// rollout, who said what to it, and the head: the checksum of the last line, to be
// written down elsewhere and given to --head later. It exits with 0 if all are intact,
// 4 if one was altered, and 2 if one cannot be read.
//
// # The state directory
//
// --state, or TIDEGATE_STATE; tidegate in $XDG_STATE_HOME or ~/.local/state otherwise.
//
//	ROLLOUT.jsonl               the journal of a rollout (package rollout/filejournal)
//	output/ROLLOUT/TARGET.log   what the scripts wrote
//	undo/PROGRAM-….undo         what is not undone of an exec
//	kill                        while it is there, everything is halted
//	kill.rollback               while it is there, everything is taken back
//
// What shares a state directory shares the kill switch. The kill files are looked for
// ten times a second.
//
// # tidegate analyze
//
// It judges recorded series offline, with the judges of package analysis: to see
// what a gate would have said of past releases, to choose its settings, and to use
// the judges from any other tool or language. It changes nothing anywhere.
//
//	tidegate analyze --judge notworse|above|below|within|kayenta|mannwhitney [flags] FILE
//
// FILE has one JSON object a line, - is stdin. In its place the series may come
// from a Prometheus (see below). For each line, one is written:
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
//     requests; {"value":x}; {"buckets":{"0.1":n,"0.5":n,"+Inf":n}}, how many requests
//     took at most so long, where +Inf may be left out if the last has all of them; or
//     {"values":[…]}. An arm that is missing, or {}, has no data. notworse takes all
//     but the last, and compares values only if it knows how comparable the arms are
//     (see "before"); above, below and within take counts or a value, and only look at
//     the canary; kayenta and mannwhitney take values, of both.
//   - "slices": [{"name":"eu","canary":{…},"baseline":{…}},…], the parts of the whole
//     by zone, tenant or route. They are judged, each by itself, with --per-slice; the
//     worst is named as "slice".
//   - "before": true on a line from before the rollout, when both arms ran the same
//     version, for notworse. Such lines come first in their trial. They are not judged
//     but tell how much the arms differ on their own; it takes 60 of them.
//   - "time": RFC 3339, such as 2026-01-02T15:04:05Z. It may be missing. Within a
//     trial it may not go backwards.
//   - "trial": a name. Lines with the same name are one trial, and each trial is
//     judged by itself, whatever comes between its lines. Without a name is a trial,
//     too.
//   - "error": why nothing could be seen. It never passes.
//   - "config" and "metrics": for kayenta only, see below.
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
// what each needs for a verdict; and "ratio", how many times worse the canary is.
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
// If --config is a canary config, as Kayenta stores it, each line is one judgement of
// the whole canary, with what the metrics of the config have seen:
//
//	{"metrics":{"errors":{"canary":{"values":[…]},"baseline":{"values":[…]}},"latency":{…}}}
//
// A metric that the line lacks has no data. Of the config, metrics and
// classifier.groupWeights count, and classifier.scoreThresholds unless --pass and
// --marginal are given (without any, 95 and 75). Queries, scopes and templates are
// ignored. It gives "score", "grade" (Pass, Marginal, Fail), "groups" and "metrics".
// Pass is a pass, Marginal is inconclusive, and Fail is a fail, but inconclusive where
// it only means that half of the metrics have no data. What Kayenta passes although
// no metric was compared is inconclusive, and an error where one could not be.
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
// # From Prometheus
//
//	$ tidegate analyze --judge notworse --from-prometheus http://prometheus:9090 --start 2h --step 1m \
//	    --canary         'sum(increase(http_requests_total{version="v2",code=~"5.."}[{{.Window}}]))' \
//	    --canary-total   'sum(increase(http_requests_total{version="v2"}[{{.Window}}]))' \
//	    --baseline       'sum(increase(http_requests_total{version="v1",code=~"5.."}[{{.Window}}]))' \
//	    --baseline-total 'sum(increase(http_requests_total{version="v1"}[{{.Window}}]))'
//
// The queries are asked about every --step from --start to --end. With totals, they
// count events, within {{.Window}}, which is the step; with --histogram they give
// buckets. Otherwise they are values. For
// notworse, above, below and within each step is an observation; one at which any of
// the queries has no data is left out. A query for errors often has none before the
// first error: --events-optional takes that for zero, where the total has data.
// increase() is an estimate: let a step be five scrape intervals or more.
// --before gives an A/A window from that time to --start. With --by, each query gives a
// series for each value of a label, and these are slices. For kayenta and mannwhitney
// all steps are the values of one observation; where one is missing, it is NaN for
// kayenta, and left out for mannwhitney.
//
// Nothing is judged unless all series are there: a server that does not answer, that
// refuses a query, or that has no data, is bad input.
//
// # Exit codes
//
//	0  all trials pass
//	4  a trial fails
//	5  no trial fails, and one is inconclusive, undecided at the end, or an error
//	2  bad flags or bad input; input without any observation is that, too, and a
//	   server that gives none
//	1  an internal error, or the answers cannot be written
package main
