package promql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

const (
	// DefaultLookback is how far before a window Counters looks for the sample to
	// count from. It is as far as Prometheus itself looks back.
	DefaultLookback = 5 * time.Minute
	// historyAtOnce is how long a part of the past is asked about at once.
	historyAtOnce = 10 * time.Minute
)

// Counters is an analysis.Source that counts Events among a Total exactly, such as
// errors among requests, by the raw samples of counters. Where Counts asks for
// increase(), which estimates, Counters asks for the samples and takes their
// differences: whole events, each counted once.
//
// # What is counted
//
// What a series adds to a window is how far it moved from the last sample at or
// before the window's start to the last sample at or before its end. So events
// count for the window in which they were scraped, which may be up to one scrape
// interval after they happened, and windows that follow each other add up to what the
// counter moved in all. A window without a new sample counts nothing, 0 of 0, which
// is no data.
//
//   - A value lower than before is a restart, and counts from zero.
//   - A series that begins within the window counts from zero if its target was
//     scraped before: it is the first error of its kind. A target is known by the
//     labels job and instance. If no series of Total and Events has a sample of it
//     from the window's start or the Lookback before, it is new, and its first
//     samples are only the starting point. So they are if there is no label
//     instance. What a new process did before its first scrape is never seen.
//   - Samples that arrive late, after the window to which they belong was asked
//     about, count in the next. For this a Counters remembers, while one window
//     begins where the last one ended, up to which sample it has counted each
//     series. Otherwise, as in the first window or after the runner was started anew,
//     it begins at the last sample at or before the window's start, and what arrived
//     too late for a window before is lost. So it is for a series that is new and
//     late, while members join or leave the arm.
//   - A target without any sample for longer than the Lookback, and one that was not
//     in the arm for a window, is new when it is back.
//   - After an error nothing is lost: what the window had is in the next one that
//     begins at the same time.
//   - Events beyond the total are held back until there is a total for them.
//
// Figures may be too low, then, but not too high, with two exceptions. Where scrapes
// of a target have failed before the first window, all events since the last one that
// did not count for the window. And a series that leaves the page while others of its
// target stay, which no client library does, counts from zero when it is back after
// an hour (the Lookback, if it was gone before the first window).
//
// The answers hold the samples of every series for the window and the Lookback. With
// many series, choose a selector that is narrow and a Lookback of a few scrape
// intervals: an answer of more than 10 MiB is an error.
//
// It is safe for concurrent use. Checks that share one must ask about the same
// windows. Its fields must not be changed after the first call, and it must not be
// copied.
type Counters struct {
	// Server is asked. Required. It may be shared with other sources.
	Server *Server
	// Total selects the counters of what could go wrong, such as
	//
	//	http_requests_total{pod=~"{{.Arm}}"}
	//
	// It is a template like any other query, but of a selector alone, without a range
	// and without functions. Required.
	Total string
	// Events selects the counters of what did, such as
	//
	//	http_requests_total{pod=~"{{.Arm}}", code=~"5.."}
	//
	// Required.
	Events string
	// BaselineTotal and BaselineEvents select those of the baseline, where they are
	// other ones than the canary's. Empty means Total and Events.
	BaselineTotal, BaselineEvents string
	// EventsOptional says that Events may match no series, and counts 0 then, where
	// Total has data: see Counts.
	EventsOptional bool
	// By is a label, such as zone, that all the counters have. What those with the
	// same value count is a slice of the observation. Empty means no slices.
	By string
	// CanaryOnly says not to ask about the baseline, for judges that hold a figure
	// against fixed limits.
	CanaryOnly bool
	// Lookback is how far before a window to look for the last sample. It must be
	// longer than the scrape interval; twice that survives a scrape that failed. Zero
	// means DefaultLookback.
	Lookback time.Duration

	once    sync.Once
	setup   error
	inquiry *inquiry
	mu      sync.Mutex
	counted carried[tally]
	carried carried[remainder]
}

var (
	_ analysis.Historian = (*Counters)(nil)
	_ analysis.Problemer = (*Counters)(nil)
)

// Observe asks for the samples of each arm, up to the window's End. The
// observation's time is that End. What it returns otherwise, it returns as
// Counts.Observe does.
func (c *Counters) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	c.once.Do(c.init)
	if c.setup != nil {
		return analysis.Observation{}, c.setup
	}
	all, err := c.inquiry.plan(w, w.End.Sub(w.Start))
	if errors.Is(err, errTooNew) {
		return analysis.Observation{At: w.End}, nil
	} else if err != nil {
		return analysis.Observation{}, err
	}
	found, err := c.ask(ctx, all, w)
	if err != nil {
		return analysis.Observation{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	counted, rest := c.counted.into(w), c.carried.into(w)
	o, err := c.observation(found, w, counted, rest)
	if err == nil {
		c.counted.keep(counted)
		c.carried.keep(rest)
	}
	return o, err
}

// History counts what each of the spans of length every saw that the window is made
// of, from its start on. What was counted there counts for no window of Observe.
func (c *Counters) History(ctx context.Context, w analysis.Window, every time.Duration) ([]analysis.Observation, error) {
	c.once.Do(c.init)
	if c.setup != nil {
		return nil, c.setup
	}
	h, all, err := c.inquiry.historian(w, every)
	if err != nil {
		return nil, err
	}
	chunk := max(1, int(historyAtOnce/every))
	var found findings
	var allCounted carried[tally]
	var allCarried carried[remainder]
	return h.fold(func(i int) (findings, error) {
		if i%chunk != 0 {
			return found, nil
		}
		part := h.span(i)
		part.End = h.span(min(i+chunk, h.spans) - 1).End
		var err error
		found, err = c.ask(ctx, all, part)
		return found, err
	}, func(found findings, span analysis.Window) (analysis.Observation, error) {
		counted, rest := allCounted.into(span), allCarried.into(span)
		o, err := c.observation(found, span, counted, rest)
		if err == nil {
			allCounted.keep(counted)
			allCarried.keep(rest)
		}
		return o, err
	})
}

// ask asks for the samples of a window. It asks about the events before the total,
// so that the total has all of them, whatever arrives in between.
func (c *Counters) ask(ctx context.Context, all []reply, w analysis.Window) (findings, error) {
	lookback := c.Lookback
	if lookback == 0 {
		lookback = DefaultLookback
	}
	for _, field := range []string{"Events", "Total"} {
		atOnce(len(all), func(i int) {
			if r := &all[i]; r.field == field {
				r.result, r.err = c.Server.samples(ctx, r.text, w.Start.Add(-lookback), w.End)
			}
		})
	}
	return collect(all, w)
}

// observation makes one of the samples of a window.
func (c *Counters) observation(found findings, w analysis.Window, counted left[tally], rest left[remainder]) (analysis.Observation, error) {
	canary, err := c.samples(found.canary, w, counted.canary, rest.canary)
	if err != nil {
		return analysis.Observation{}, err
	}
	baseline, err := c.samples(found.baseline, w, counted.baseline, rest.baseline)
	if err != nil {
		return analysis.Observation{}, err
	}
	return compose(w.End, c.By, canary, baseline, sumOfCounts)
}

// samples are those of one arm. Counted has the tallies by field.
func (c *Counters) samples(of replies, w analysis.Window, counted map[string]tally, rest map[string]remainder) (samples, error) {
	if of == nil {
		clear(counted) // what happens now is nobody's
		return nil, nil
	}
	targets := make(standings)
	for field, r := range of {
		targets.add(r, counted[field], w.Start)
	}
	figures := make(map[string]values, len(of))
	for _, field := range []string{"Total", "Events"} {
		moved, next, err := counted[field].count(of[field], w.Start, w.End, c.By, targets)
		if err != nil && !(field == "Events" && c.EventsOptional && errors.Is(err, errNoSeries)) {
			return nil, of[field].fail(err)
		}
		figures[field], counted[field] = moved, next
	}
	all, err := rounded(figures["Total"], figures["Events"], rest, maxCount)
	if err != nil {
		return nil, of["Events"].fail(err)
	}
	return all, nil
}

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no server. Observe refuses to
// work with settings that have a problem.
func (c *Counters) Problems(report func(path, msg string)) {
	serverProblems(c.Server, report)
	l := linter{report: report, said: make(map[string]bool), selecting: true, canaryOnly: c.CanaryOnly}
	l.check("Total", c.Total, "BaselineTotal", c.BaselineTotal)
	l.check("Events", c.Events, "BaselineEvents", c.BaselineEvents)
	if c.Total != "" && c.Total == c.Events {
		report("Events", "selects the same as Total: every request would count as an error")
	}
	byProblems(c.By, report)
	if c.Lookback < 0 {
		report("Lookback", fmt.Sprintf("is negative (%v)", c.Lookback))
	}
}

func (c *Counters) init() {
	if c.setup = problems("Counters", c); c.setup != nil {
		return
	}
	c.inquiry = &inquiry{server: c.Server, canaryOnly: c.CanaryOnly}
	c.inquiry.add(newQuery("Total", c.Total, c.BaselineTotal), newQuery("Events", c.Events, c.BaselineEvents))
}
