package promql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Counts is an analysis.Source that counts Events among a Total, such as errors
// among requests, by a query for each. The queries are templates; the package's
// documentation says what may stand in them.
//
// Counting by increase() is an estimate. Prometheus extrapolates from the samples
// within the window to its ends: with n samples of a counter there, every event
// counts about n/(n-1) times, and some are never seen. So the counts scatter more
// than the judge assumes. Let a window hold five samples or more (analysis.Gate,
// Interval, of five scrape intervals), or count exactly, with Counters or with package
// scrape.
//
// The result of increase() is no whole number. It is rounded to the nearest, and
// what rounding took or gave is carried to the next window, so that nothing is
// lost over the windows of a wave. Events beyond the total are cut to it.
//
// It is safe for concurrent use. Its fields must not be changed after the first
// call, and it must not be copied.
type Counts struct {
	// Server is asked. Required. It may be shared with other sources.
	Server *Server
	// Total gives how many things could have gone wrong within the window, such as
	//
	//	sum(increase(http_requests_total{pod=~"{{.Arm}}"}[{{.Window}}]))
	//
	// Required.
	Total string
	// Events gives how many did, such as
	//
	//	sum(increase(http_requests_total{pod=~"{{.Arm}}", code=~"5.."}[{{.Window}}]))
	//
	// Required.
	Events string
	// BaselineTotal and BaselineEvents are asked about the baseline, where it takes
	// other queries than the canary. Empty means Total and Events.
	BaselineTotal, BaselineEvents string
	// EventsOptional says that Events may match no series, and counts 0 then,
	// where Total has data: a server often has no series of errors before the first
	// one. Mind that a misspelt query looks the same: see it count once, in a test,
	// before trusting it. Without it, no series is an error.
	EventsOptional bool
	// By is a label, such as zone, if Total and Events give a series for each of its
	// values, as with sum by (zone) (…). Each is a slice of the observation, and the
	// whole is the sum of them. The package's documentation says more. Empty means
	// that they give one series.
	By string
	// CanaryOnly says not to ask about the baseline, for judges that hold a figure
	// against fixed limits.
	CanaryOnly bool
	// Fresh, if set, gives the time of the newest sample in Unix seconds, such as
	//
	//	max(timestamp(http_requests_total{pod=~"{{.Arm}}"}))
	//
	// It is asked about each arm, and an answer before the window's start is
	// ErrStale.
	Fresh string

	once    sync.Once
	setup   error
	inquiry *inquiry
	mu      sync.Mutex
	carried carried[remainder]
}

var (
	_ analysis.Historian = (*Counts)(nil)
	_ analysis.Problemer = (*Counts)(nil)
)

// Observe asks the queries about each arm, all evaluated at the window's End. The
// observation's time is that End. Without baseline members the baseline is no
// data, and an arm without a member that was in it for the whole window is no
// data either.
//
// It returns when ctx is done, with its error and cause. Other errors are a
// *QueryError, one that wraps analysis.ErrNoData when the canary has no members,
// and what is wrong with the settings. In a *QueryError, errors.Is finds
// analysis.ErrNoData for no series and for NaN and infinities, and ErrStale;
// errors.As finds the *APIError of a server that refused.
func (c *Counts) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	c.once.Do(c.init)
	if c.setup != nil {
		return analysis.Observation{}, c.setup
	}
	found, err := c.inquiry.observe(ctx, w)
	if err != nil {
		return analysis.Observation{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := c.carried.into(w)
	o, err := c.observation(found, w.End, rest)
	if err == nil {
		c.carried.keep(rest)
	}
	return o, err
}

// History asks the queries about each of the spans of length every that the window
// is made of, from its start on. See the package's documentation for how. What
// rounding leaves is carried from span to span, and to nothing else.
func (c *Counts) History(ctx context.Context, w analysis.Window, every time.Duration) ([]analysis.Observation, error) {
	c.once.Do(c.init)
	if c.setup != nil {
		return nil, c.setup
	}
	var carried carried[remainder]
	return c.inquiry.history(ctx, w, every, c.By != "", func(found findings, span analysis.Window) (analysis.Observation, error) {
		rest := carried.into(span)
		o, err := c.observation(found, span.End, rest)
		if err == nil {
			carried.keep(rest)
		}
		return o, err
	})
}

// observation makes one of what is known of a window.
func (c *Counts) observation(found findings, at time.Time, rest left[remainder]) (analysis.Observation, error) {
	canary, err := c.samples(found.canary, rest.canary)
	if err != nil {
		return analysis.Observation{}, err
	}
	baseline, err := c.samples(found.baseline, rest.baseline)
	if err != nil {
		return analysis.Observation{}, err
	}
	return compose(at, c.By, canary, baseline, sumOfCounts)
}

// samples are those of one arm.
func (c *Counts) samples(of replies, rest map[string]remainder) (samples, error) {
	if of == nil {
		return nil, nil
	}
	totals, err := read(of["Total"].result, c.By)
	if err != nil {
		return nil, of["Total"].fail(err)
	}
	events, err := read(of["Events"].result, c.By)
	if err != nil && !(c.EventsOptional && errors.Is(err, errNoSeries)) {
		return nil, of["Events"].fail(err)
	} else if err != nil {
		events = values{}
	}
	all, err := rounded(totals, events, rest, 1)
	if err != nil {
		return nil, of["Events"].fail(err)
	}
	return all, nil
}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no server. Observe refuses to
// work with settings that have a problem.
func (c *Counts) Problems(report func(path, msg string)) {
	serverProblems(c.Server, report)
	l := linter{report: report, said: make(map[string]bool), counting: true, canaryOnly: c.CanaryOnly}
	l.check("Total", c.Total, "BaselineTotal", c.BaselineTotal)
	l.check("Events", c.Events, "BaselineEvents", c.BaselineEvents)
	if c.Total != "" && c.Total == c.Events {
		report("Events", "is the same query as Total: every request would count as an error")
	}
	byProblems(c.By, report)
	l.fresh(c.Fresh)
}

func (c *Counts) init() {
	if c.setup = problems("Counts", c); c.setup != nil {
		return
	}
	c.inquiry = &inquiry{server: c.Server, canaryOnly: c.CanaryOnly}
	c.inquiry.add(newQuery("Total", c.Total, c.BaselineTotal), newQuery("Events", c.Events, c.BaselineEvents))
	c.inquiry.addFresh(c.Fresh)
}

// problems collects what is wrong with a source.
func problems(name string, p analysis.Problemer) error {
	var wrong []error
	p.Problems(func(path, msg string) {
		wrong = append(wrong, fmt.Errorf("promql: %s.%s %s", name, path, msg))
	})
	return errors.Join(wrong...)
}

func serverProblems(s *Server, report func(path, msg string)) {
	if s == nil {
		report("Server", "is nil: there is nobody to ask")
		return
	}
	s.Problems(func(path, msg string) { report("Server."+path, msg) })
}

// newQuery makes a setting ready that Problems has found good.
func newQuery(field, both, other string) query {
	q := query{field: field}
	q.canary, _ = compile(field, both)
	if q.baseline = q.canary; other != "" {
		q.baseline, _ = compile("Baseline"+field, other)
	}
	return q
}

func (q *inquiry) add(queries ...query) { q.queries = append(q.queries, queries...) }

func (q *inquiry) addFresh(source string) {
	if source != "" {
		f := newQuery("Fresh", source, "")
		f.fresh = true
		q.add(f)
	}
}
