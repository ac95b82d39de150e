package scrape

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Counters is an analysis.Source that counts Events among a Total, by the
// counters on the pages of the targets.
//
// It is meant for one check: calls share out the counts, each event to one of
// them, so two checks with one Counters would see a part each. It is safe for
// concurrent use all the same; calls take turns. Its fields must not be changed
// after the first call, and it must not be copied.
type Counters struct {
	// URL gives the address of a target's page. Required. It must lead to one
	// process, never to a load balancer, and be safe for concurrent use. An empty
	// address is an error of that target. User and password are sent as basic
	// auth, and kept out of errors, as is the query.
	URL func(target string) string
	// Total counts what could go wrong, such as requests. Required.
	Total Counter
	// Events counts what did, such as requests answered with a 5xx. Required.
	// Events beyond the total of an observation are cut to it.
	Events Counter

	// MinTargets is the share of the canary's members, and of the baseline's,
	// that must be read for an observation, in percent, rounded up to whole
	// targets and never less than one. Zero means DefaultMinTargets.
	MinTargets int
	// Timeout bounds the reading of one target, its second try included. It is
	// cut to half the time that the observation has. Zero means DefaultTimeout.
	Timeout time.Duration
	// Concurrency is how many targets are read at a time. Zero means
	// DefaultConcurrency.
	Concurrency int
	// MaxPage is the largest page in bytes, after decompression. A larger one is
	// an error of its target. Zero means DefaultMaxPage.
	MaxPage int64
	// MaxSeries is how many series of one target each Counter may match. More
	// are an error of that target. Zero means DefaultMaxSeries.
	MaxSeries int

	// Header is sent with every request.
	Header http.Header
	// Authorize, if set, is called on every request just before it is sent, for
	// credentials that rotate. It must be safe for concurrent use.
	Authorize func(*http.Request) error
	// Transport makes the connections, such as one with client certificates.
	// Nil means one of its own, with the system's roots, that keeps connections
	// for reuse.
	Transport http.RoundTripper

	once   sync.Once
	setup  error // what is wrong with the fields above
	poller *poller
}

var (
	_ analysis.Exclusive   = (*Counters)(nil)
	_ analysis.Preflighter = (*Counters)(nil)
	_ analysis.Problemer   = (*Counters)(nil)
)

// Observe reads the pages of all members of the window's arms and returns what
// they counted since they were last read, with the window's End as its time. A
// page counts as read at that End: Observe must not be called before it. Without
// baseline members, the baseline is no data.
//
// It returns when ctx is done, with its error and cause. Other errors are an
// *ArmError when too few targets could be read, one that wraps
// analysis.ErrNoData when the canary has no members, and what is wrong with the
// settings. After any error, what was counted is kept for the next call.
func (c *Counters) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	c.once.Do(c.init)
	if c.setup != nil {
		return analysis.Observation{}, c.setup
	}
	counted, err := c.poller.observe(ctx, w)
	if err != nil {
		return analysis.Observation{}, err
	}
	sample := func(s sums) analysis.Sample {
		if s == nil {
			return analysis.Sample{}
		}
		return analysis.Counts(s.at(1, 0), s.at(0, 0))
	}
	return analysis.Observation{At: w.End, Canary: sample(counted.canary), Baseline: sample(counted.baseline)}, nil
}

// Preflight reads the pages of all members of the window's arms once, and returns
// the error that Observe would: too few of them can be read, or have both
// counters with the labels that are matched. What they counted is left alone: no
// page that it reads is a starting point, or brings an observation anything.
func (c *Counters) Preflight(ctx context.Context, w analysis.Window) error {
	c.once.Do(c.init)
	if c.setup != nil {
		return c.setup
	}
	return c.poller.preflight(ctx, w)
}

// CloseIdleConnections closes the connections that are kept for the next
// observation. A Transport given by the user is left alone.
func (c *Counters) CloseIdleConnections() {
	c.once.Do(c.init)
	if c.poller != nil {
		c.poller.client.CloseIdleConnections()
	}
}

// Exclusive says that a Counters serves one check only.
func (c *Counters) Exclusive() {}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no target. Observe refuses to
// work with settings that have a problem.
func (c *Counters) Problems(report func(path, msg string)) {
	if c.URL == nil {
		report("URL", noURL)
	}
	c.Total.problems("Total.", report)
	c.Events.problems("Events.", report)
	if c.Total.Name != "" && c.Total.Name == c.Events.Name && maps.Equal(c.Total.Match, c.Events.Match) {
		report("Events", "is the same counter as Total: every request would count as an error")
	}
	c.settings().problems(report)
}

func (c *Counters) settings() settings {
	return settings{
		url: c.URL, minTargets: c.MinTargets, timeout: c.Timeout, concurrency: c.Concurrency,
		maxPage: c.MaxPage, maxSeries: c.MaxSeries,
		header: c.Header, authorize: c.Authorize, transport: c.Transport,
	}
}

func (c *Counters) init() {
	if c.setup = wrong("Counters", c); c.setup != nil {
		return
	}
	total, _ := c.Total.compile() // Problems has tried them
	events, _ := c.Events.compile()
	if c.Events.Name == c.Total.Name && c.Total.Optional {
		events.optional = true // where there is no request yet, there is no error
	}
	maxSeries := c.settings().withDefaults().maxSeries
	c.poller = newPoller(c.settings(), func(p *page) (reading, error) {
		return p.read(total, events, maxSeries)
	})
}
