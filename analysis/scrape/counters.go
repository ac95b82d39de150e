package scrape

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/internal/httpx"
)

// Defaults of Counters.
const (
	// DefaultMinTargets is the share of each arm that must be read, in percent.
	DefaultMinTargets = 50
	// DefaultTimeout bounds the reading of one target.
	DefaultTimeout = 3 * time.Second
	// DefaultConcurrency is how many targets are read at a time.
	DefaultConcurrency = 32
	// DefaultMaxPage is the largest page, in bytes after decompression.
	DefaultMaxPage = 4 << 20
	// DefaultMaxSeries is how many series of one target a Counter may match.
	DefaultMaxSeries = 10_000
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

	once          sync.Once
	setup         error // what is wrong with the fields above
	total, events *matcher
	client        *httpx.Client
	turn          chan struct{} // held by the call that uses the ledger
	ledger        ledger
}

var (
	_ analysis.Source    = (*Counters)(nil)
	_ analysis.Problemer = (*Counters)(nil)
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
	roster, err := enroll(w)
	if err != nil {
		return analysis.Observation{}, err
	}
	if err := c.takeTurn(ctx); err != nil {
		return analysis.Observation{}, err
	}
	defer func() { <-c.turn }()

	scraped := c.scrape(ctx, roster)
	for i := range scraped {
		if s := &scraped[i]; s.err == nil {
			s.err = c.ledger.enter(s.entry, w.End, s.reading, orDefault(c.MaxSeries, DefaultMaxSeries))
		}
	}
	c.ledger.forget(roster, w.End)
	if err := done(ctx); err != nil {
		return analysis.Observation{}, err
	}
	for _, a := range []arm{canary, baseline} {
		if err := c.enough(a, scraped); err != nil {
			return analysis.Observation{}, err
		}
	}
	return analysis.Observation{
		At:       w.End,
		Canary:   c.ledger.collect(canary, scraped),
		Baseline: c.ledger.collect(baseline, scraped),
	}, nil
}

// CloseIdleConnections closes the connections that are kept for the next
// observation. A Transport given by the user is left alone.
func (c *Counters) CloseIdleConnections() {
	c.once.Do(c.init)
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
}

// Exclusive says that a Counters serves one check only.
func (c *Counters) Exclusive() {}

func (c *Counters) init() {
	var wrong []error
	c.Problems(func(path, msg string) {
		wrong = append(wrong, fmt.Errorf("scrape: Counters.%s %s", path, msg))
	})
	if c.setup = errors.Join(wrong...); c.setup != nil {
		return
	}
	c.total, _ = c.Total.compile() // Problems has tried them
	c.events, _ = c.Events.compile()
	if c.Events.Name == c.Total.Name && c.Total.Optional {
		c.events.optional = true // where there is no request yet, there is no error
	}
	c.client = c.newClient()
	c.turn = make(chan struct{}, 1)
	c.ledger = make(ledger)
}

// takeTurn waits for the calls before this one, as long as ctx allows. A page
// that was fetched earlier but entered later would look like a restart.
func (c *Counters) takeTurn(ctx context.Context) error {
	if err := done(ctx); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return done(ctx)
	}
}

// enough says which arm, if any, had too few of its targets read.
func (c *Counters) enough(a arm, scraped []outcome) error {
	e := &ArmError{Arm: a.String()}
	for _, s := range scraped {
		if s.arm != a {
			continue
		}
		e.Members++
		if s.err == nil {
			continue
		}
		e.Failed++
		if len(e.Reasons) < maxReasons {
			e.Reasons = append(e.Reasons, &TargetError{Target: s.name, Err: s.err})
		}
	}
	if e.Members == 0 {
		return nil
	}
	percent := orDefault(c.MinTargets, DefaultMinTargets)
	e.Need = max(1, (e.Members*percent+99)/100)
	if e.Members-e.Failed >= e.Need {
		return nil
	}
	return e
}

func done(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if why := context.Cause(ctx); !errors.Is(why, err) {
		return fmt.Errorf("scrape: %w: %w", err, why)
	}
	return fmt.Errorf("scrape: %w", err)
}

func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
