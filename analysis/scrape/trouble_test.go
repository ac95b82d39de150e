package scrape_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// A target in trouble is an error that says what came, and costs no more than
// its time; the others are read.
func TestTargetsInTrouble(t *testing.T) {
	t.Parallel()
	const text = "text/plain; version=0.0.4"
	plain := func(w http.ResponseWriter, page string) {
		w.Header().Set("Content-Type", text)
		fmt.Fprint(w, page)
	}
	tests := map[string]struct {
		page http.HandlerFunc
		err  string
	}{
		"HTML": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Sign in</html>") },
			`the page is not Prometheus text: content type "text/html; charset=utf-8", beginning "<html>Sign in</html>"`},
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "collector failed", 500) },
			`500 Internal Server Error (2 attempts): "collector failed"`},
		"429 with a Retry-After of a day": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(429)
		}, "429 Too Many Requests (2 attempts)"},
		"redirect to elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.com/login?next=sesame", http.StatusFound)
		}, "refused to follow a redirect: to http://example.com/login, another host"},
		"no answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"no complete page within 400ms"},
		"endless page that trickles": {func(w http.ResponseWriter, r *http.Request) {
			plain(w, "reqs_total 1\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "no complete page within 400ms"},
		"endless page that floods": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				plain(w, strings.Repeat("reqs_total 1\n", 1000))
			}
		}, "the response is too large: limit 65536 bytes"},
		"huge page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99999999")
			plain(w, "reqs_total 1\n")
		}, "the response is too large: 99999999 bytes announced, limit 65536"},
		"cut-off page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			plain(w, "reqs_total 1\n")
		}, "reading the body: unexpected EOF (2 attempts)"},
		"cut-off gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", text)
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, "reqs_total 1\n")
			_ = z.Flush()
		}, "reading the body: unexpected EOF (2 attempts)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			f.handle("bad", test.page)
			for _, healthy := range []string{"a", "b"} {
				f.serve(healthy, 0, 0)
			}
			c := f.counters(t)
			c.MaxPage = 64 << 10
			if strings.HasPrefix(test.err, "no complete page") {
				c.Timeout = 400 * time.Millisecond
			}
			for n := range 2 { // it says so every time
				_, err := c.Observe(t.Context(), window(n+1, "bad", "b"))
				require.ErrorContains(t, err, test.err)
				require.ErrorContains(t, err, "1 of 1 canary targets could not be read")
				require.NotContains(t, err.Error(), "sesame")
			}
			f.serve("a", 1, 1)
			_, err := c.Observe(t.Context(), window(3, "bad a", "b"))
			require.NoError(t, err)
			f.serve("a", 5, 2)
			o, err := c.Observe(t.Context(), window(4, "bad a", "b"))
			require.NoError(t, err)
			require.Equal(t, analysis.Counts(1, 5), o.Canary)
		})
	}
}

func TestUnreachableTargets(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(nil)
	down.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	for address, want := range map[string]string{
		down.URL:                         "connection refused",
		untrusted.URL:                    "certificate",
		"":                               "URL gave no address for it",
		"localhost:9090/metrics?sesame":  "malformed URL",
		down.URL + "/metrics?key=sesame": "GET " + down.URL + "/metrics: ",
		strings.Replace(down.URL, "//", "//me:sesame@", 1): "GET " + down.URL + ": ",
	} {
		c := newFleet(t).counters(t)
		c.URL = func(string) string { return address }
		_, err := c.Observe(t.Context(), window(1, "a", ""))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "sesame")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.handle("a", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Team") != "sea" || r.Header.Get("Authorization") != "Bearer x" || !strings.HasPrefix(r.Header.Get("Accept"), "text/plain;version=0.0.4") {
			http.Error(w, fmt.Sprint(r.Header), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "reqs_total{code=\"200\"} 1\n")
	})
	c := f.counters(t)
	c.Header = http.Header{"X-Team": {"sea"}}
	c.Authorize = func(r *http.Request) error { r.Header.Set("Authorization", "Bearer x"); return nil }
	_, err := c.Observe(t.Context(), window(1, "a", ""))
	require.NoError(t, err)
	require.Len(t, c.Header, 1, "left as it was")
}

func TestObserveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the gate closed")
	f.handle("slow", func(_ http.ResponseWriter, r *http.Request) {
		cancel(stop)
		<-r.Context().Done()
	})
	f.serve("a", 0, 0)
	c := f.counters(t)
	_, err := c.Observe(ctx, window(1, "a slow", ""))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, stop)
	_, err = c.Observe(ctx, window(2, "a", ""))
	require.ErrorIs(t, err, stop, "nor does it begin")
}

// A hanging target must not use up the time of the whole observation.
func TestADeadlineLeavesTimeForTheOthers(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.handle("slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f.serve("a", 0, 0)
	c := f.counters(t)
	c.Concurrency = 1
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := c.Observe(ctx, window(1, "slow a", ""))
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
}

func TestCallsTakeTurns(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	entered, release := make(chan struct{}), make(chan struct{})
	f.handle("a", func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-release
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "reqs_total{code=\"200\"} 1\n")
	})
	c := f.counters(t)
	first := make(chan error)
	go func() {
		_, err := c.Observe(t.Context(), window(1, "a", ""))
		first <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := c.Observe(ctx, window(1, "a", ""))
	require.ErrorIs(t, err, context.DeadlineExceeded, "the second waits no longer than it may")
	close(release)
	require.NoError(t, <-first)
}

// Called from many goroutines, every event is counted once.
func TestConcurrentCallsCountEveryEventOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	var served atomic.Int64
	f.handle("a", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		n := served.Add(3)
		fmt.Fprintf(w, "reqs_total{code=\"200\"} %d\nreqs_total{code=\"500\"} %d\n", n*2, n)
	})
	c := f.counters(t)
	_, err := c.Observe(t.Context(), window(1, "a", ""))
	require.NoError(t, err)
	var events, total atomic.Uint64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			o, err := c.Observe(t.Context(), window(2, "a", ""))
			require.NoError(t, err)
			events.Add(o.Canary.Events)
			total.Add(o.Canary.Total)
		})
	}
	wg.Wait()
	require.EqualValues(t, 60, events.Load())
	require.EqualValues(t, 180, total.Load())
}

// Pages are fetched over kept connections, at most Concurrency at a time, and
// closing leaves none of them, and so no goroutine, behind.
func TestConnectionsAreReusedAndClosed(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	var open atomic.Int32
	closed := make(chan struct{}, 100)
	server := httptest.NewUnstartedServer(f.server.Config.Handler)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	c := f.counters(t)
	c.URL = func(target string) string { return server.URL + "/" + target + "/metrics" }
	c.Concurrency = 2
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("t%d", i))
		f.serve(names[i], 1, 1)
	}
	for n := range 5 {
		_, err := c.Observe(t.Context(), window(n+1, strings.Join(names, " "), ""))
		require.NoError(t, err)
	}
	opened := open.Load()
	require.LessOrEqual(t, opened, int32(4), "for 100 pages")
	c.CloseIdleConnections()
	for range opened {
		<-closed
	}
}
