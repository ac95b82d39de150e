package promql_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// transport answers without a network.
type transport func() []byte

func (f transport) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(f()))}, nil
}

func TestServerInTrouble(t *testing.T) {
	t.Parallel()
	refuse := func(status int, kind, msg string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"status":"error","errorType":%q,"error":%q}`, kind, msg)
		}
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		err     string
		api     *promql.APIError
		tries   int32
	}{
		"400": {refuse(400, "bad_data", "1:3: parse error"), `refused the query: 400 "bad_data": "1:3: parse error"`, &promql.APIError{Status: 400, Type: "bad_data", Msg: "1:3: parse error"}, 1},
		"422": {refuse(422, "execution", "many-to-many"), `422 "execution": "many-to-many"`, &promql.APIError{Status: 422, Type: "execution", Msg: "many-to-many"}, 1},
		"503": {refuse(503, "timeout", "query timed out"), `503 "timeout": "query timed out"`, &promql.APIError{Status: 503, Type: "timeout", Msg: "query timed out"}, 3},
		"500, then fine": {func() http.HandlerFunc {
			var tries atomic.Int32
			return func(w http.ResponseWriter, _ *http.Request) {
				if tries.Add(1) == 1 {
					w.WriteHeader(500)
					return
				}
				fmt.Fprint(w, success("vector", value(1)))
			}
		}(), "", nil, 2},
		"400 of a proxy": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no tenant", 400) }, `400 Bad Request: "no tenant"`, nil, 1},
		"404":            {http.NotFound, "404 Not Found: \"404 page not found\": is there a Prometheus at this address?", nil, 1},
		"401":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "401 Unauthorized", nil, 1},
		"429 with a Retry-After of a day": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(429)
		}, "429 Too Many Requests", nil, 1},
		"redirect to elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.com/login", http.StatusFound)
		}, "refused to follow a redirect: to http://example.com/login", nil, 1},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"status":`)
		}, "reading the body: unexpected EOF (3 attempts)", nil, 3},
		"slow": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "context deadline exceeded", nil, 1},
		"trickle": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "context deadline exceeded", nil, 1},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		}, "the response is too large: limit 10485760 bytes", nil, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			g := gauge(serve(t, func(w http.ResponseWriter, r *http.Request) { tries.Add(1); test.handler(w, r) }))
			limit := time.Minute
			if strings.HasPrefix(test.err, "429") || strings.HasPrefix(test.err, "context") {
				limit = 500 * time.Millisecond // less than the 2 s that a Retry-After is cut to
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			o, err := g.Observe(ctx, window("a", ""))
			require.Equal(t, test.tries, tries.Load())
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
			require.Zero(t, o)
			require.NotErrorIs(t, err, analysis.ErrNoData)
			var api *promql.APIError
			require.Equal(t, test.api != nil, errors.As(err, &api))
			require.Equal(t, test.api, api)
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(nil)
	down.Close()
	_, err := gauge(&promql.Server{URL: down.URL + "/?key=sesame"}).Observe(t.Context(), window("a", ""))
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), "sesame")

	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	_, err = gauge(&promql.Server{URL: untrusted.URL}).Observe(t.Context(), window("a", ""))
	require.ErrorContains(t, err, "certificate")
}

func TestObserveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the gate closed")
	g := gauge(serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(stop)
		<-r.Context().Done()
	}))
	_, err := g.Observe(ctx, window("a", "b"))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, stop)
	_, err = g.Observe(ctx, window("a", "b"))
	require.ErrorIs(t, err, stop, "nor does it begin")
}

// A query with the names of a large fleet does not fit into a URL.
func TestLongQueriesArePosted(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 5000 {
		names = append(names, fmt.Sprintf("web-%d.example.com", i))
	}
	g := gauge(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.RawQuery != "dedup=true" || strings.Count(r.PostFormValue("query"), "|") != 4999 || r.PostFormValue("nocache") != "1" {
			t.Error(r.Method, r.URL.RawQuery, len(r.PostFormValue("query")))
		}
		fmt.Fprint(w, success("vector", value(1)))
	}))
	g.Server.URL += "/prom/?dedup=true"
	_, err := g.Observe(t.Context(), window(strings.Join(names, " "), ""))
	require.NoError(t, err)

	g = gauge(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/prom/api/v1/query" || r.URL.Query().Get("dedup") != "true" {
			t.Error(r.Method, r.URL)
		}
		fmt.Fprint(w, success("vector", value(1)))
	}))
	g.Server.URL += "/prom/?dedup=true"
	_, err = g.Observe(t.Context(), window("a", ""))
	require.NoError(t, err)
}

func TestConcurrentObservations(t *testing.T) {
	t.Parallel()
	c := counts(replies(t, func(string) string { return value(7) }))
	done := make(chan error)
	for range 8 {
		go func() {
			o, err := c.Observe(t.Context(), window("a", "b"))
			if err == nil && !reflect.DeepEqual(o.Canary, analysis.Counts(7, 7)) {
				err = fmt.Errorf("%v", o)
			}
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}
