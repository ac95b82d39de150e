package promql

import (
	"context"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Histogram is an analysis.Source that counts by size, such as requests by how long
// they took, by a query for the buckets of a classic histogram. The query is a
// template; the package's documentation says what may stand in it.
//
// The result must have the label le in every series, and a series with le="+Inf".
// Counting by increase() is an estimate: see Counts. It is made for each bucket by
// itself, so that a bucket may come out a little above one that contains it. Such a
// bucket is raised to the largest of those before it, as Prometheus does for
// histogram_quantile(). The count between two boundaries is then rounded, and what
// that took or gave is carried to the next window, so that nothing is lost over the
// windows of a wave.
//
// It is safe for concurrent use. Its fields must not be changed after the first
// call, and it must not be copied.
type Histogram struct {
	// Server is asked. Required. It may be shared with other sources.
	Server *Server
	// Query gives how many things were at or below each boundary within the window,
	// such as
	//
	//	sum by (le) (increase(http_request_duration_seconds_bucket{pod=~"{{.Arm}}"}[{{.Window}}]))
	//
	// Required.
	Query string
	// BaselineQuery is asked about the baseline, where it takes another query than
	// the canary. Empty means Query.
	BaselineQuery string
	// By is a label, such as zone, if Query gives a histogram for each of its values,
	// as with sum by (le, zone) (…). Each is a slice of the observation. The whole is
	// the sum of them, which must have the same boundaries. The package's
	// documentation says more. Empty means that Query gives one histogram.
	By string
	// CanaryOnly says not to ask about the baseline, for judges that hold a figure
	// against fixed limits.
	CanaryOnly bool
	// Fresh, if set, gives the time of the newest sample in Unix seconds, such as
	//
	//	max(timestamp(http_request_duration_seconds_count{pod=~"{{.Arm}}"}))
	//
	// It is asked about each arm, and an answer before the window's start is
	// ErrStale.
	Fresh string

	once    sync.Once
	setup   error
	inquiry *inquiry
	mu      sync.Mutex
	carried carried[buckets]
}

var (
	_ analysis.Historian = (*Histogram)(nil)
	_ analysis.Problemer = (*Histogram)(nil)
)

// Observe asks the query about each arm, evaluated at the window's End. What it
// returns otherwise, it returns as Counts.Observe does.
func (h *Histogram) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	h.once.Do(h.init)
	if h.setup != nil {
		return analysis.Observation{}, h.setup
	}
	found, err := h.inquiry.observe(ctx, w)
	if err != nil {
		return analysis.Observation{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	rest := h.carried.into(w)
	o, err := h.observation(found, w.End, rest)
	if err == nil {
		h.carried.keep(rest)
	}
	return o, err
}

// History asks the query about each of the spans of length every that the window
// is made of, from its start on. See the package's documentation for how. What
// rounding leaves is carried from span to span, and to nothing else.
func (h *Histogram) History(ctx context.Context, w analysis.Window, every time.Duration) ([]analysis.Observation, error) {
	h.once.Do(h.init)
	if h.setup != nil {
		return nil, h.setup
	}
	var carried carried[buckets]
	return h.inquiry.history(ctx, w, every, true, func(found findings, span analysis.Window) (analysis.Observation, error) {
		rest := carried.into(span)
		o, err := h.observation(found, span.End, rest)
		if err == nil {
			carried.keep(rest)
		}
		return o, err
	})
}

// observation makes one of what is known of a window.
func (h *Histogram) observation(found findings, at time.Time, rest left[buckets]) (analysis.Observation, error) {
	canary, err := h.samples(found.canary, rest.canary)
	if err != nil {
		return analysis.Observation{}, err
	}
	baseline, err := h.samples(found.baseline, rest.baseline)
	if err != nil {
		return analysis.Observation{}, err
	}
	return compose(at, h.By, canary, baseline, sumOfBuckets)
}

// samples are those of one arm.
func (h *Histogram) samples(of replies, rest map[string]buckets) (samples, error) {
	if of == nil {
		return nil, nil
	}
	bySlice, err := histograms(of["Query"].result, h.By)
	if err != nil {
		return nil, of["Query"].fail(err)
	}
	prune(rest, bySlice)
	all := make(samples, len(bySlice))
	for name, b := range bySlice {
		all[name], rest[name] = b.round(rest[name])
	}
	return all, nil
}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no server. Observe refuses to
// work with settings that have a problem.
func (h *Histogram) Problems(report func(path, msg string)) {
	serverProblems(h.Server, report)
	l := linter{report: report, said: make(map[string]bool), counting: true, buckets: true, canaryOnly: h.CanaryOnly}
	l.check("Query", h.Query, "BaselineQuery", h.BaselineQuery)
	byProblems(h.By, report)
	if h.By == le {
		report("By", `is "le", which tells the buckets of one histogram apart, not the slices`)
	}
	l.fresh(h.Fresh)
}

func (h *Histogram) init() {
	if h.setup = problems("Histogram", h); h.setup != nil {
		return
	}
	h.inquiry = &inquiry{server: h.Server, canaryOnly: h.CanaryOnly}
	h.inquiry.add(newQuery("Query", h.Query, h.BaselineQuery))
	h.inquiry.addFresh(h.Fresh)
}
