package promql

import (
	"context"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Gauge is an analysis.Source that sees one value per arm, such as a latency or a
// queue's length, by a query. The query is a template; the package's
// documentation says what may stand in it.
//
// It is safe for concurrent use. Its fields must not be changed after the first
// call, and it must not be copied.
type Gauge struct {
	// Server is asked. Required. It may be shared with other sources.
	Server *Server
	// Query gives the value, such as
	//
	//	histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{pod=~"{{.Arm}}"}[1m])))
	//
	// If it looks back for a fixed time, as this one for [1m], say so in
	// analysis.Check, Window. Required.
	Query string
	// BaselineQuery is asked about the baseline, where it takes another query than
	// the canary. Empty means Query.
	BaselineQuery string
	// By is a label, such as zone, if Query gives a series for each of its values, as
	// with max by (zone) (…). Each is a slice of the observation. Values can't be added
	// up, so the whole is the plain mean of an arm's slices, however small some of
	// them are. It lets a judge of the whole work, which should have a check of its
	// own, with the query that is right for it. Empty means that Query gives one
	// series.
	By string
	// CanaryOnly says not to ask about the baseline, for judges that hold a figure
	// against fixed limits. The query need not refer to an arm then.
	CanaryOnly bool
	// Fresh, if set, gives the time of the newest sample in Unix seconds, such as
	//
	//	max(timestamp(queue_length{pod=~"{{.Arm}}"}))
	//
	// It is asked about each arm, and an answer before the window's start is
	// ErrStale.
	Fresh string

	once    sync.Once
	setup   error
	inquiry *inquiry
}

var (
	_ analysis.Historian = (*Gauge)(nil)
	_ analysis.Problemer = (*Gauge)(nil)
)

// Observe asks the query about each arm, evaluated at the window's End. What it
// returns otherwise, it returns as Counts.Observe does.
func (g *Gauge) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	g.once.Do(g.init)
	if g.setup != nil {
		return analysis.Observation{}, g.setup
	}
	found, err := g.inquiry.observe(ctx, w)
	if err != nil {
		return analysis.Observation{}, err
	}
	return g.observation(found, w.End)
}

// History asks the query about the end of each of the spans of length every that
// the window is made of, from its start on. See the package's documentation for how.
func (g *Gauge) History(ctx context.Context, w analysis.Window, every time.Duration) ([]analysis.Observation, error) {
	g.once.Do(g.init)
	if g.setup != nil {
		return nil, g.setup
	}
	return g.inquiry.history(ctx, w, every, g.By != "", func(found findings, span analysis.Window) (analysis.Observation, error) {
		return g.observation(found, span.End)
	})
}

// observation makes one of what is known of a window.
func (g *Gauge) observation(found findings, at time.Time) (analysis.Observation, error) {
	canary, err := g.samples(found.canary)
	if err != nil {
		return analysis.Observation{}, err
	}
	baseline, err := g.samples(found.baseline)
	if err != nil {
		return analysis.Observation{}, err
	}
	return compose(at, g.By, canary, baseline, meanOfValues)
}

// samples are those of one arm.
func (g *Gauge) samples(of replies) (samples, error) {
	if of == nil {
		return nil, nil
	}
	figures, err := read(of["Query"].result, g.By)
	if err != nil {
		return nil, of["Query"].fail(err)
	}
	all := make(samples, len(figures))
	for name, v := range figures {
		all[name] = analysis.Gauge(v)
	}
	return all, nil
}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no server. Observe refuses to
// work with settings that have a problem.
func (g *Gauge) Problems(report func(path, msg string)) {
	serverProblems(g.Server, report)
	l := linter{report: report, said: make(map[string]bool), canaryOnly: g.CanaryOnly}
	l.check("Query", g.Query, "BaselineQuery", g.BaselineQuery)
	byProblems(g.By, report)
	l.fresh(g.Fresh)
}

func (g *Gauge) init() {
	if g.setup = problems("Gauge", g); g.setup != nil {
		return
	}
	g.inquiry = &inquiry{server: g.Server, canaryOnly: g.CanaryOnly}
	g.inquiry.add(newQuery("Query", g.Query, g.BaselineQuery))
	g.inquiry.addFresh(g.Fresh)
}
