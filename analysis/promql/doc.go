// Package promql is an analysis.Source that asks a Prometheus server, or
// anything that speaks its HTTP API: VictoriaMetrics, Thanos, Mimir.
//
//	prometheus := &promql.Server{URL: "https://prometheus:9090", TokenFile: "/run/secrets/token"}
//	errors := &promql.Counts{
//		Server: prometheus,
//		Total:  `sum(increase(http_requests_total{pod=~"{{.Arm}}"}[{{.Window}}]))`,
//		Events: `sum(increase(http_requests_total{pod=~"{{.Arm}}", code=~"5.."}[{{.Window}}]))`,
//	}
//	queue := &promql.Gauge{
//		Server: prometheus,
//		Query:  `max(queue_length{version="{{.Version}}"})`,
//	}
//
// Counts are for judges that weigh evidence, such as analysis.NotWorse: by
// [Counters], which counts exactly, by the raw samples, or by [Counts], which takes
// any query, such as of a recording rule. [Histogram] counts requests by how long
// they took. [Gauge] is for judges that hold a value against limits. [Server] alone
// answers instant and range queries.
//
// # Queries
//
// A query is a text/template that is filled in for the canary and for the
// baseline in turn, and evaluated at the end of the window:
//
//	{{.Arm}}              the names of the arm's members, for =~ or !~
//	{{.Canary}}           those of the canary, whichever arm is asked about
//	{{.Baseline}}         those of the baseline
//	{{.Label "zone"}}     the values of a label of the arm's members, for =~ or !~
//	{{.Version}}          the version of the arm, for = or !=
//	{{regex .Version}}    the same for =~ or !~
//	{{.CanaryVersion}}    the new version
//	{{.BaselineVersion}}  the old version
//	{{.Window}}           the window's length, as a PromQL duration such as 10s
//	{{.Start}} {{.End}}   its bounds in Unix seconds, as for @
//	{{.Wave}}             the number of the wave, from 1
//	{{if .IsCanary}}      whether the canary is asked about
//
// Names match literally, whatever characters are in them, and can't break out
// of the quotes (double or single, not backticks) in which they must stand. An arm
// without members is never asked about: an empty name would match all series
// that lack the label.
//
// .Arm and .Label name only the members that were in their arm for the whole
// window (Member.Since), so that no traffic of the old version counts for the
// new. In the first window of a wave that may be none, which is no data.
//
// # What is an answer
//
// A query must give a scalar or a vector of one series. Several series are an
// error that names some of them: add them up in the query, make slices of them, or
// a check of each. No series, NaN and infinities (0/0, 1/0) are
// analysis.ErrNoData. Strings, matrices (but for [Counters]) and native histograms
// are errors, and so is an answer with warnings (see [Server], Warn). Nothing is
// read as zero that is not a zero, with the one exception of EventsOptional, and of
// slices without events.
//
// A query that ends in "or vector(0)" is refused by Problems: it turns missing
// data into a perfect figure. So is one that does not depend on the arm, or, for
// counts, on the window; a rate where a count is wanted; and a name where it is
// not safe.
//
// # Slices
//
// With By, the name of a label, a query gives a series for each value of the label,
// and the observation has a slice for each, by its name. Every series must have the
// label, and no two the same value of it. More than [MaxSlices] are an error.
//
// A slice that only one arm has is no data in the other. So is one whose value is NaN
// or infinite; ErrNoData means that all of them are. Where Total has a slice and
// Events has not, it counts 0, provided that Events has any series, or EventsOptional
// is set. The other way round is an error. What rounding leaves is carried on for
// each slice by itself.
//
// # History
//
// Sources can be asked what was seen before a rollout (analysis.Historian): by one
// range query for each query and arm, in parts of a size that servers allow, with the
// length of one span for .Window. Only members who were in their arm for all of that
// time are asked about. Spans that lack data of one arm are left out; it is ErrNoData
// if none is left.
//
// A range query has the same text for all times. So a query with .Start, .End,
// @ start() or @ end() is asked about one span after the other, and about a thousand
// at most. [Counters] asks for the raw samples, of ten minutes at once.
//
// # How old the data is
//
// It can't be seen from an answer. An instant query's result carries the time of
// the evaluation, while its samples may be up to five minutes older (Prometheus'
// lookback), or missing at the end because they are still on their way. Set Fresh
// to ask for the time of the newest sample and have one from before the window
// refused; it takes max or min, whichever suits. A query over [{{.Window}}] needs
// that less, since old samples are not in its range. Two more things to mind:
//
//   - The clocks of this machine and of the server should agree. When the server's
//     is behind, a window's end lies in its future, and the data of the last
//     moments counts for no window.
//   - When data takes long to arrive (remote write, federation), short windows have
//     none, and are ErrNoData. A window that brought no answer is asked again as a
//     part of the next, so it grows until it has.
//
// VictoriaMetrics is asked with nocache=1, without which it answers about the
// time 30 s before the one asked about. Range queries of it leave out the last 30 s
// all the same, and a new series may take some 15 s to be found.
//
// # Figures to expect
//
// increase() over fewer than two samples is empty. See [Counts] for why a window
// should hold at least five.
package promql
