// Package scrape is an analysis.Source that reads the /metrics pages of the
// targets themselves. It needs no Prometheus server, so a gate works on the
// first day, and goes on working while the monitoring is down.
//
//	errors := &scrape.Counters{
//		URL:    func(target string) string { return "http://" + target + ":9090/metrics" },
//		Total:  scrape.Counter{Name: "http_requests_total"},
//		Events: scrape.Counter{Name: "http_requests_total", Match: map[string]string{"code": "5.."}},
//	}
//
// [Counters] is for error rates, and [Histogram] for how long requests take:
//
//	latency := &scrape.Histogram{
//		URL:  func(target string) string { return "http://" + target + ":9090/metrics" },
//		Name: "http_request_duration_seconds",
//	}
//
// What is said of counters below goes for a histogram too: its buckets are counters
// that restart together.
//
// # What is counted
//
// At every observation the page of each member of both arms is fetched once,
// and both counters are read from it. What a member adds to its arm is how far
// its counters moved since its page was last read: whole events, each counted
// once, with none of the extrapolation of rate(). That is what the default
// judge's error rates rest on.
//
// Counters are compared series by series:
//
//   - The first page of a target, and the first since it joined its arm
//     (Member.Since), is only the starting point. So the first observation of a
//     wave counts nothing, 0 of 0, which is no data.
//   - A series that is new on a page that was read before counts from zero: it
//     is the first error of its kind.
//   - A value lower than before is a restart, and counts from zero. If the
//     page's process_start_time_seconds says that the process restarted too,
//     all its series count from zero, also those that have overtaken their old
//     value already.
//   - A series that is gone is remembered. If it comes back, only the
//     difference counts: a page that lacks a line for once adds nothing.
//
// So the page at a target's URL must always come from the same one process.
// Behind an address that spreads calls over several, every page would look like a
// restart. This is noticed, and an error, where the pages have a
// process_start_time_seconds.
//
// A target that cannot be read adds nothing for now, and all of it when it is
// back. What it counted and lost in a restart in between is never seen: figures
// may be too low after a crash, but never too high.
//
// # What is an error
//
// A page that is not Prometheus text, does not parse, lacks the metric, or
// holds a value that is no count, is an error of that target, never a zero. An
// observation is an error when fewer than MinTargets percent of either arm could
// be read. What was counted meanwhile is not lost, but in the next observation.
//
// Two mistakes in a Counter are caught: a metric that no page has (unless
// Optional), and a label that no series has. One cannot be: a value in Match
// that never occurs, such as "5xx" for "5..". See the counter move once, in a
// test, before trusting it.
//
// Preflight tries all this once before anything is deployed, and counts nothing.
//
// A target that failed several times in a row is left alone for up to half a
// minute, and its error says so.
//
// # Formats
//
// The text format 0.0.4 is asked for, which all exporters speak. OpenMetrics 1.0
// from a server that offers nothing else is read as far as
// prometheus/common/expfmt can: without exemplars and timestamps in fractions
// of a second.
//
// A native histogram has no form in text. Its classic buckets are read if it has
// them too, as with NativeHistogramBucketFactor and Buckets both set in
// client_golang; without them it is an error.
//
// # State
//
// A Counters or Histogram holds the last values between observations, in memory only. When
// the runner crashes, the next one starts from new snapshots: at most one
// interval of every target is lost, and nothing is counted twice.
package scrape
