package scrape

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/internal/httpx"
)

// poller reads the pages of the targets, and keeps account of what has changed on
// them. It is safe for concurrent use.
type poller struct {
	settings // with defaults
	take     func(*page) (reading, error)
	client   *httpx.Client
	turn     chan struct{} // held by the call that uses the ledger
	ledger   ledger
}

func newPoller(s settings, take func(*page) (reading, error)) *poller {
	s = s.withDefaults()
	return &poller{settings: s, take: take, client: s.newClient(), turn: make(chan struct{}, 1), ledger: make(ledger)}
}

// increments are what an observation is made of.
type increments struct {
	canary, baseline sums // nil for an arm without members
	bounds           []float64
}

// observe reads the pages of all members and returns what is due to each arm.
func (p *poller) observe(ctx context.Context, w analysis.Window) (increments, error) {
	roster, err := enroll(w)
	if err != nil {
		return increments{}, err
	}
	if err := p.takeTurn(ctx); err != nil {
		return increments{}, err
	}
	defer func() { <-p.turn }()

	scraped := p.scrape(ctx, roster)
	for i := range scraped {
		if s := &scraped[i]; s.err == nil {
			s.err = p.ledger.enter(s.entry, w.End, s.reading, p.maxSeries)
		}
	}
	p.ledger.forget(roster, w.End)
	bounds := compareBounds(scraped, func(o outcome) []float64 { return p.ledger[o.name].last.bounds })
	if err := p.enough(ctx, scraped); err != nil {
		return increments{}, err
	}
	return increments{
		canary:   p.ledger.collect(canary, scraped),
		baseline: p.ledger.collect(baseline, scraped),
		bounds:   bounds,
	}, nil
}

// preflight reads the pages of all members, and has nothing to do with the ledger.
func (p *poller) preflight(ctx context.Context, w analysis.Window) error {
	roster, err := enroll(w)
	if err != nil {
		return err
	}
	if err := done(ctx); err != nil {
		return err
	}
	scraped := p.scrape(ctx, roster)
	compareBounds(scraped, func(o outcome) []float64 { return o.reading.bounds })
	return p.enough(ctx, scraped)
}

// takeTurn waits for the calls before this one, as long as ctx allows. A page
// that was fetched earlier but entered later would look like a restart.
func (p *poller) takeTurn(ctx context.Context) error {
	if err := done(ctx); err != nil {
		return err
	}
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return done(ctx)
	}
}

// compareBounds makes an outcome an error if its histogram cannot be added to that
// of the first one, and returns the boundaries of that.
func compareBounds(scraped []outcome, boundsOf func(outcome) []float64) (first []float64) {
	name := ""
	for i := range scraped {
		s := &scraped[i]
		if s.err != nil {
			continue
		}
		switch bounds := boundsOf(*s); {
		case bounds == nil:
		case first == nil:
			first, name = bounds, s.name
		case !slices.Equal(bounds, first):
			s.err = fmt.Errorf("its histogram has other buckets, up to %v, than that of %s, up to %v: they cannot be added or compared",
				ends(bounds), name, ends(first))
		}
	}
	return first
}

// enough says whether too few targets were read, and of which arm, or that the
// time was up.
func (p *poller) enough(ctx context.Context, scraped []outcome) error {
	if err := done(ctx); err != nil {
		return err
	}
	for _, a := range []arm{canary, baseline} {
		if err := tooFew(a, scraped, p.minTargets); err != nil {
			return err
		}
	}
	return nil
}

func tooFew(a arm, scraped []outcome, percent int) error {
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
