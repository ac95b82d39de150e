package guardrails

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// HTTP returns a source that asks a URL whether to trip. The answer has a status of
// success (2xx) and is a JSON object, at most 64 KiB large:
//
//	{"tripped": true, "reason": "bad orders, bob"}
//	{"tripped": false}
//
// Anything else is an error of Read: another status, another body, a "tripped" that is
// missing or no boolean, no answer in time, a redirect to another host. So a page of a
// proxy, or of a server that was replaced, is never taken for "not tripped"; it holds,
// and trips when it lasts longer than the switch's Grace. Other fields are ignored.
//
// It asks by GET, once for each read, and keeps the connection. For headers, use
// HTTPSource. At Azure it took 91 minutes until all deployments of a region were
// stopped (July 2024); this is the one place to ask that many deployers can share.
// It should not depend on what is being deployed.
func HTTP(url string) SwitchSource { return &HTTPSource{URL: url} }

// HTTPSource is HTTP with settings. Use it by pointer; its fields must not be changed
// after the first read.
type HTTPSource struct {
	// URL is what is asked. Required. Errors and records show it without its user,
	// password, query and fragment.
	URL string
	// Header is sent along, such as for an Authorization. It is never shown.
	Header http.Header
	// Authorize, if set, is called on each request before it is sent, for credentials
	// that rotate. Its error is one of Read.
	Authorize func(*http.Request) error
	// Transport makes the connections, such as with a client certificate. Nil means a
	// usual one. It must return when a request's context is done.
	Transport http.RoundTripper

	once   sync.Once
	client *httpx.Client
}

// maxHTTPSwitch is how large an answer may be, in bytes.
const maxHTTPSwitch = 64 << 10

// Name returns "http" and the URL, without what may be secret in it.
func (s *HTTPSource) Name() string {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" {
		return "http (no valid URL)"
	}
	return "http " + (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Read asks once.
func (s *HTTPSource) Read(ctx context.Context) (tripped bool, reason string, err error) {
	if s.URL == "" {
		return false, "", errors.New("the source has no URL")
	}
	resp, err := s.open().Get(ctx, s.URL)
	if err != nil {
		return false, "", err
	}
	var answer struct {
		Tripped *bool  `json:"tripped"`
		Reason  string `json:"reason"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return false, "", fmt.Errorf("the answer is no JSON object as it should be: %w", err)
	}
	if answer.Tripped == nil {
		return false, "", errors.New(`the answer has no "tripped"`)
	}
	if reason = strings.TrimSpace(answer.Reason); *answer.Tripped && reason == "" {
		reason = "it answers that it is tripped, and gives no reason"
	}
	return *answer.Tripped, reason, nil
}

// Watch closes the connection that is kept when ctx is done; there is no other news.
func (s *HTTPSource) Watch(ctx context.Context, _ func()) {
	<-ctx.Done()
	s.open().CloseIdleConnections()
}

func (s *HTTPSource) open() *httpx.Client {
	s.once.Do(func() {
		s.client = &httpx.Client{
			Attempts: 1, OpenAfter: -1, // each read asks anew: the switch does the repeating
			MaxBody: maxHTTPSwitch, Timeout: MaxSwitchEvery,
			Header: s.Header, Authorize: s.Authorize, Transport: s.Transport,
		}
	})
	return s.client
}
