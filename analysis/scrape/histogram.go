package scrape

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Histogram is an analysis.Source of a histogram, such as that of the time that
// requests take: how many fell into each bucket. All series that match are added
// up, and so are the members of each arm. That is exact, which an average of
// percentiles is not.
//
// The members must have the same bucket boundaries. One with others than the first
// that was read is an error of that target: a canary whose new version has other
// buckets cannot be compared.
//
// Like Counters, it is meant for one check, safe for concurrent use all the same,
// and its fields must not be changed after the first call, nor may it be copied.
type Histogram struct {
	// URL gives the address of a target's page, as in Counters. Required.
	URL func(target string) string
	// Name is the histogram's name, without _bucket, such as
	// http_request_duration_seconds. Required.
	Name string
	// Match picks series by their labels, other than le, and Optional says that
	// they may be missing until the first event, as in Counter.
	Match    map[string]string
	Optional bool

	// MinTargets, Timeout, Concurrency and MaxPage are as in Counters.
	MinTargets  int
	Timeout     time.Duration
	Concurrency int
	MaxPage     int64
	// MaxSeries is how many series of one target may match, where one with all its
	// buckets counts once. More are an error of that target. Zero means
	// DefaultMaxSeries.
	MaxSeries int

	// Header, Authorize and Transport are as in Counters.
	Header    http.Header
	Authorize func(*http.Request) error
	Transport http.RoundTripper

	once   sync.Once
	setup  error // what is wrong with the fields above
	poller *poller
}

var (
	_ analysis.Exclusive   = (*Histogram)(nil)
	_ analysis.Preflighter = (*Histogram)(nil)
	_ analysis.Problemer   = (*Histogram)(nil)
)

// Observe reads the pages of all members of the window's arms and returns how many
// events fell into each bucket since they were last read. In all else it is as that
// of Counters.
func (h *Histogram) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	h.once.Do(h.init)
	if h.setup != nil {
		return analysis.Observation{}, h.setup
	}
	counted, err := h.poller.observe(ctx, w)
	if err != nil {
		return analysis.Observation{}, err
	}
	return analysis.Observation{
		At:       w.End,
		Canary:   distribution(counted.canary, counted.bounds),
		Baseline: distribution(counted.baseline, counted.bounds),
	}, nil
}

// Preflight reads the pages of all members of the window's arms once, and returns
// the error that Observe would. What it reads counts for nothing.
func (h *Histogram) Preflight(ctx context.Context, w analysis.Window) error {
	h.once.Do(h.init)
	if h.setup != nil {
		return h.setup
	}
	return h.poller.preflight(ctx, w)
}

// CloseIdleConnections closes the connections that are kept for the next
// observation. A Transport given by the user is left alone.
func (h *Histogram) CloseIdleConnections() {
	h.once.Do(h.init)
	if h.poller != nil {
		h.poller.client.CloseIdleConnections()
	}
}

// Exclusive says that a Histogram serves one check only.
func (h *Histogram) Exclusive() {}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no target. Observe refuses to
// work with settings that have a problem.
func (h *Histogram) Problems(report func(path, msg string)) {
	if h.URL == nil {
		report("URL", noURL)
	}
	h.series().problems("", report)
	if _, le := h.Match[bucketLabel]; le {
		report("Match[le]", "would pick single buckets: all of them are needed")
	}
	h.settings().problems(report)
}

// series picks the histogram's lines.
func (h *Histogram) series() Counter {
	return Counter{Name: h.Name, Match: h.Match, Optional: h.Optional}
}

func (h *Histogram) settings() settings {
	return settings{
		url: h.URL, minTargets: h.MinTargets, timeout: h.Timeout, concurrency: h.Concurrency,
		maxPage: h.MaxPage, maxSeries: h.MaxSeries,
		header: h.Header, authorize: h.Authorize, transport: h.Transport,
	}
}

func (h *Histogram) init() {
	if h.setup = wrong("Histogram", h); h.setup != nil {
		return
	}
	series, _ := h.series().compile() // Problems has tried it
	maxSeries := h.settings().withDefaults().maxSeries
	h.poller = newPoller(h.settings(), func(p *page) (reading, error) {
		return p.histogram(series, maxSeries)
	})
}

// distribution is the sample of what fell into each bucket.
func distribution(counted sums, bounds []float64) analysis.Sample {
	if counted == nil {
		return analysis.Sample{}
	}
	upTo, total := make([]uint64, len(bounds)), uint64(0)
	for i := range bounds {
		total += counted.at(0, i)
		upTo[i] = total
	}
	return analysis.Buckets(bounds, upTo, total+counted.at(0, len(bounds)))
}
