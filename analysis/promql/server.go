package promql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// Server is a Prometheus, or something that speaks its HTTP API, such as
// VictoriaMetrics, Thanos or Mimir. Several sources should share one Server, and
// so its connections.
//
// It is safe for concurrent use. Its fields must not be changed after the first
// call, and it must not be copied.
//
// Calls are repeated (3 tries in all) when the connection fails or the server
// answers 429 or 5xx, within the context's deadline. A server's Retry-After is
// cut to 2 s, an answer to 10 MiB.
type Server struct {
	// URL is the base address, such as http://prometheus:9090 or, for
	// VictoriaMetrics' cluster, http://vmselect:8481/select/0/prometheus. Parameters
	// in its query are sent along, such as ?dedup=true for Thanos. It must hold no
	// password: use User and Password. Required.
	URL string

	// Token is sent as a bearer token.
	Token Secret
	// TokenFile names a file with the bearer token, in place of Token. It is read
	// anew for each request, so that a token may be rotated.
	TokenFile string
	// User and Password are sent as basic auth.
	User     string
	Password Secret
	// PasswordFile names a file with the password, in place of Password. It is
	// read anew for each request.
	PasswordFile string
	// Header is sent with every request, such as X-Scope-OrgID: tenant.
	Header http.Header
	// TLS configures the connections: private roots, a client certificate. Nil
	// means the system's roots and no client certificate.
	TLS *tls.Config
	// Transport makes the connections, in place of one of the Server's own.
	Transport http.RoundTripper

	// Timeout bounds one try of a request. Zero means 10 s.
	Timeout time.Duration
	// Warn, if set, is told what the server had to remark on a query, and must be
	// safe for concurrent use. If it is nil, an answer with a warning is an error,
	// since it may lack part of the data (Thanos, Mimir and VictoriaMetrics answer
	// so when a store is down); with Warn such an answer counts. What the server
	// calls an info is never an error. The notes are bounded and on one line each.
	Warn func(query string, notes []string)

	once   sync.Once
	setup  error // what is wrong with the fields above
	base   *url.URL
	client *httpx.Client
}

// maxGet is how long a query may be to be sent as part of the URL, in bytes. A
// longer one, with the names of a hundred targets, is sent by POST.
const maxGet = 4000

// Query evaluates a query at one time. The result is a vector, as one Series of
// one Point each; a scalar comes as one Series without labels. It is empty when
// nothing matches. NaN and infinities are returned as they are. A string, a
// matrix and a native histogram are errors. It ends when ctx is done.
//
// The points carry the time of the evaluation, as the API has it: how old the
// data is does not show. The server looks back for the last sample of a series,
// for 5 minutes unless it is configured otherwise.
//
// errors.As finds an *APIError when the server refused the query.
func (s *Server) Query(ctx context.Context, query string, at time.Time) ([]Series, error) {
	a, err := s.ask(ctx, "query", url.Values{
		"query": {query},
		"time":  {unixSeconds(at)},
		// VictoriaMetrics otherwise evaluates a query about the last 30 s as of 30 s
		// ago, and says it was now. Others ignore this.
		"nocache": {"1"},
	})
	if err != nil {
		return nil, err
	}
	return a.instant(at)
}

// QueryRange evaluates a query at start, and every step from there up to end.
// Every series in the result has the points at which it had a value, in order.
// It is empty when nothing matches. VictoriaMetrics leaves out points of the last
// 30 s (its -search.latencyOffset). It ends when ctx is done.
func (s *Server) QueryRange(ctx context.Context, query string, start, end time.Time, step time.Duration) ([]Series, error) {
	if step < time.Millisecond || end.Before(start) {
		return nil, fmt.Errorf("promql: a range from %v to %v by %v: want an end that is not before the start, and a step of at least 1ms", start, end, step)
	}
	a, err := s.ask(ctx, "query_range", url.Values{
		"query":   {query},
		"start":   {unixSeconds(start)},
		"end":     {unixSeconds(end)},
		"step":    {duration(step)},
		"nocache": {"1"},
	})
	if err != nil {
		return nil, err
	}
	return a.ranged(start, end)
}

// samples returns the samples of the series that a selector matches, as they were
// scraped, from start to end. Without any in that time, a series is left out.
func (s *Server) samples(ctx context.Context, selector string, start, end time.Time) ([]Series, error) {
	start, end = start.Truncate(time.Millisecond), end.Truncate(time.Millisecond)
	a, err := s.ask(ctx, "query", url.Values{
		"query":   {selector + "[" + duration(end.Sub(start)) + "]"},
		"time":    {unixSeconds(end)},
		"nocache": {"1"},
	})
	if err != nil {
		return nil, err
	}
	return a.ranged(start, end)
}

// CloseIdleConnections closes the connections that are kept for the next query.
// A Transport given by the user is left alone.
func (s *Server) CloseIdleConnections() {
	s.once.Do(s.init)
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
}

// String returns the address, without what may be secret in it.
func (s *Server) String() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return "a server with a malformed URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// GoString returns what String does, in type and quotes.
func (s *Server) GoString() string { return fmt.Sprintf("&promql.Server{URL: %q}", s.String()) }

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It does not contact the server.
func (s *Server) Problems(report func(path, msg string)) {
	u, err := url.Parse(s.URL)
	switch {
	case s.URL == "":
		report("URL", "is empty: want the address of a Prometheus, such as http://prometheus:9090")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		report("URL", "is malformed (not shown, it may hold a secret): want http://host:port or https://host:port")
	case u.User != nil:
		report("URL", "holds a user: set User and Password in its place, which are kept out of logs")
	case strings.Contains(u.Path, "/api/v1"):
		report("URL", fmt.Sprintf("ends in %q: want the base address, without /api/v1", u.Path))
	}
	s.authProblems(report)
	if s.TLS != nil && s.Transport != nil {
		report("TLS", "is set and so is Transport, which would ignore it: configure TLS there")
	}
	if s.Timeout < 0 {
		report("Timeout", fmt.Sprintf("is negative (%v)", s.Timeout))
	}
}

func (s *Server) init() {
	var wrong []error
	s.Problems(func(path, msg string) {
		wrong = append(wrong, fmt.Errorf("promql: Server.%s %s", path, msg))
	})
	if s.setup = errors.Join(wrong...); s.setup != nil {
		return
	}
	s.base, _ = url.Parse(s.URL) // Problems has tried it
	s.client = &httpx.Client{
		Timeout:   s.Timeout,
		Header:    s.Header,
		Authorize: s.authorize,
		Transport: s.Transport,
		TLS:       s.TLS,
	}
}

// ask puts a question to an endpoint of the API, and reads the answer.
func (s *Server) ask(ctx context.Context, endpoint string, params url.Values) (*answer, error) {
	s.once.Do(s.init)
	if s.setup != nil {
		return nil, s.setup
	}
	at := s.base.JoinPath("api", "v1", endpoint)
	var resp *httpx.Response
	var err error
	if len(params.Get("query")) > maxGet {
		resp, err = s.client.Ask(ctx, at.String(), params)
	} else {
		all := at.Query()
		for name, values := range params {
			all[name] = values
		}
		at.RawQuery = all.Encode()
		resp, err = s.client.Get(ctx, at.String())
	}
	if err != nil {
		return nil, refusal(err)
	}
	a, err := decode(resp.Header.Get("Content-Type"), resp.Body)
	if err != nil {
		return nil, err
	}
	if notes := a.notes(); len(notes) > 0 && s.Warn != nil {
		s.Warn(params.Get("query"), notes)
	} else if a.warned() && s.Warn == nil {
		return nil, fmt.Errorf("promql: the answer comes with a warning, so it may lack data (set Server.Warn to take it all the same): %s", strings.Join(notes, "; "))
	}
	return a, nil
}
