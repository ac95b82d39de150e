package jsonapi

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/internal/httpx"
)

// Source is an analysis.Source that asks a JSON API.
//
// It is safe for concurrent use. Its fields must not be changed after the first
// call, and it must not be copied.
//
// Calls are repeated (3 tries in all) when the connection fails or the server
// answers 429 or 5xx, within the context's deadline.
type Source struct {
	// URL is asked, a template; the package's documentation says what may stand in
	// it. Required.
	URL string
	// BaselineURL is asked about the baseline, where it takes another URL than the
	// canary. Empty means URL.
	BaselineURL string
	// Canary says where in an answer the figures are. Required.
	Canary Figures
	// Baseline says where the figures of the baseline are. The zero Figures mean
	// those of Canary, which is not possible with Both.
	Baseline Figures
	// Both says that one answer holds the figures of both arms. URL is asked once
	// then, and templates in it see the canary as the arm.
	Both bool
	// CanaryOnly says not to ask about the baseline, for judges that hold a figure
	// against fixed limits.
	CanaryOnly bool
	// Strings says that numbers may be written as strings, such as "12.5".
	Strings bool
	// Refusal, if set, is a JSON pointer to where the API says why it failed although
	// the status is 200, such as /errors. An answer that has something there is an
	// error; nothing is null, false, and an empty string, array or object.
	Refusal string

	// Header is sent with every request.
	Header http.Header
	// Authorize, if set, is called on every request just before it is sent, for
	// credentials that rotate. It must be safe for concurrent use.
	Authorize func(*http.Request) error
	// TLS configures the connections: private roots, a client certificate. Nil means
	// the system's roots and no client certificate.
	TLS *tls.Config
	// Transport makes the connections, in place of one of the Source's own.
	Transport http.RoundTripper
	// Timeout bounds one try of a request. Zero means 10 s.
	Timeout time.Duration
	// MaxBody is the largest answer in bytes, after decompression. Zero means 10 MiB.
	MaxBody int64

	once   sync.Once
	setup  error // what is wrong with the fields above
	client *httpx.Client
	asks   []question
}

var (
	_ analysis.Source    = (*Source)(nil)
	_ analysis.Problemer = (*Source)(nil)
)

// Observe asks about each arm that has members, with the window's End as the
// observation's time. Without baseline members the baseline is no data.
//
// It returns when ctx is done, with its error and cause. errors.Is finds
// analysis.ErrNoData when an answer lacks a figure, or when the canary has no
// members, or none for the whole window where the URL names them. A baseline in
// that last state is no data, and no error.
func (s *Source) Observe(ctx context.Context, w analysis.Window) (analysis.Observation, error) {
	s.once.Do(s.init)
	if s.setup != nil {
		return analysis.Observation{}, s.setup
	}
	if len(w.Canary.Members) == 0 {
		return analysis.Observation{}, fmt.Errorf("jsonapi: %w: the canary has no members", analysis.ErrNoData)
	}
	results := make([]result, len(s.asks))
	var wg sync.WaitGroup
	for i, q := range s.asks {
		wg.Go(func() { results[i] = s.ask(ctx, w, q) })
	}
	wg.Wait()
	o := analysis.Observation{At: w.End}
	for _, r := range results {
		if r.err != nil {
			return analysis.Observation{}, r.err
		}
		if r.canary.Kind != analysis.NoData {
			o.Canary = r.canary
		}
		if r.baseline.Kind != analysis.NoData {
			o.Baseline = r.baseline
		}
	}
	return o, nil
}

// CloseIdleConnections closes the connections that are kept for the next
// observation. A Transport given by the user is left alone.
func (s *Source) CloseIdleConnections() {
	s.once.Do(s.init)
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
}

// String returns a text that shows none of the settings, which may be secret.
func (s *Source) String() string { return "a JSON API" }

// GoString returns what String does.
func (s *Source) GoString() string { return "&jsonapi.Source{…}" }

func (s *Source) init() {
	if s.setup = s.wrong(); s.setup != nil {
		return
	}
	s.asks = s.questions()
	header := s.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if header.Get("Accept") == "" {
		header.Set("Accept", "application/json")
	}
	s.client = &httpx.Client{
		Timeout:   s.Timeout,
		MaxBody:   s.MaxBody,
		Header:    header,
		Authorize: s.authorize,
		Transport: s.Transport,
		TLS:       s.TLS,
	}
}
