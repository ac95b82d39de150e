package scrape

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// accept asks for the format that expfmt reads in full.
const accept = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.2,*/*;q=0.1"

// outcome is what came of reading one target.
type outcome struct {
	entry
	reading reading
	err     error
}

// scrape reads the pages of the roster, and returns one outcome for each, in
// order. It ends a little before ctx's deadline, so that the targets that did
// answer can be counted.
func (p *poller) scrape(ctx context.Context, roster []entry) []outcome {
	timeout := p.timeout
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		timeout = min(timeout, left/2)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left-left/10)
		defer cancel()
	}
	outcomes := make([]outcome, len(roster))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(roster), p.concurrency) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(roster)); i = next.Add(1) - 1 {
				outcomes[i] = p.read(ctx, roster[i], timeout)
			}
		})
	}
	wg.Wait()
	return outcomes
}

func (p *poller) read(ctx context.Context, e entry, timeout time.Duration) outcome {
	o := outcome{entry: e}
	if ctx.Err() != nil {
		o.err = errors.New("not asked: the observation's time was up")
		return o
	}
	address := p.url(e.name)
	if address == "" {
		o.err = errors.New("URL gave no address for it")
		return o
	}
	slow := fmt.Errorf("no complete page within %v", timeout.Round(time.Millisecond))
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, slow)
	defer cancel()
	resp, err := p.client.Get(ctx, address)
	if err != nil {
		o.err = err
		return o
	}
	page, err := parsePage(resp.Header.Get("Content-Type"), resp.Body)
	if err != nil {
		o.err = err
		return o
	}
	o.reading, o.err = p.take(page)
	return o
}

func (s settings) newClient() *httpx.Client {
	header := s.header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if header.Get("Accept") == "" {
		header.Set("Accept", accept)
	}
	return &httpx.Client{
		Timeout: 2 * s.timeout, // read's own comes first
		// One quick second try covers a lost connection. More is left to the next
		// observation: counters lose nothing by waiting.
		Attempts: 2,
		WaitMin:  20 * time.Millisecond,
		WaitMax:  200 * time.Millisecond,
		// A target that hangs must not cost every observation its time, nor one
		// behind a proxy shut out the others there. But targets restart while a
		// rollout is under way, and should be seen soon after.
		PerURL:      true,
		CoolDownMax: 30 * time.Second,
		MaxBody:     s.maxPage,
		Header:      header,
		Authorize:   s.authorize,
		Transport:   s.transport,
	}
}
