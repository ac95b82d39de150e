package httpx_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// host is a real HTTP server whose connections are pipes in memory, so that it
// can live in a bubble, where time is what the test says.
type host struct {
	status atomic.Int32 // what it answers; 0 for not at all
	asked  atomic.Int32
	pipes  chan net.Conn
}

// newHost starts one that works, and a client that has no other.
func newHost(t *testing.T) (*host, *httpx.Client) {
	h := &host{pipes: make(chan net.Conn)}
	h.status.Store(200)
	server := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.asked.Add(1)
			status := int(h.status.Load())
			if status == 0 {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(status)
		}),
	}
	go func() { _ = server.Serve(h) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, its := net.Pipe()
		h.pipes <- its
		return ours, nil
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	})
	return h, &httpx.Client{Transport: transport}
}

func (h *host) Accept() (net.Conn, error) {
	c, ok := <-h.pipes
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (h *host) Close() error   { close(h.pipes); return nil }
func (h *host) Addr() net.Addr { return &net.UnixAddr{} }

// tries makes calls, and returns how many requests these were.
func (h *host) tries(t *testing.T, client *httpx.Client, calls int) int {
	before := h.asked.Load()
	for range calls {
		_, _ = client.Get(t.Context(), "http://prometheus/api")
	}
	return int(h.asked.Load() - before)
}

// A server that goes under is asked a little more often than usual, not three
// times as often; when it is back, so are the retries.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, client := newHost(t)
		client.OpenAfter = -1
		h.status.Store(503)
		require.Equal(t, 15, h.tries(t, client, 5), "single failures are tried again as often as may be")
		h.tries(t, client, 20)
		require.InDelta(t, 120, h.tries(t, client, 100), 1, "and then each fifth call once")

		_, err := client.Get(t.Context(), "http://prometheus/api")
		require.Regexp(t, `^httpx: GET http://prometheus/api: 503 Service Unavailable \((2 attempts, )?retry budget used up\)$`, err.Error())
		var status *httpx.StatusError
		require.ErrorAs(t, err, &status)
		require.True(t, status.Broke)

		h.status.Store(200)
		require.Equal(t, 100, h.tries(t, client, 100))
		h.status.Store(503)
		require.Equal(t, 15, h.tries(t, client, 5))
	})
}

func TestRetryBudgetsDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, client := newHost(t)
		client.OpenAfter, client.RetryShare = -1, -1
		h.status.Store(503)
		require.Equal(t, 300, h.tries(t, client, 100), "without a bound")
	})
	synctest.Test(t, func(t *testing.T) {
		h, client := newHost(t)
		client.OpenAfter, client.RetryShare = -1, 1
		h.status.Store(503)
		h.tries(t, client, 20)
		require.Equal(t, 200, h.tries(t, client, 100), "one each")
	})
}

// A lost connection says that the budget is used up, too.
func TestRetryBudgetWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	client := quick()
	client.OpenAfter = -1
	client.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, refused })
	var err error
	for range 7 {
		_, err = client.Get(t.Context(), "http://prometheus/api")
		require.ErrorIs(t, err, refused)
	}
	require.EqualError(t, err, "httpx: GET http://prometheus/api: connection refused (retry budget used up)")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The life of a circuit: closed, open, tried, open for longer, tried, closed.
func TestCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, client := newHost(t)
		client.Attempts = 1
		require.Equal(t, 4, h.tries(t, client, 4))
		h.status.Store(503)
		require.Equal(t, 4, h.tries(t, client, 4), "four failures are not enough")
		h.status.Store(200)
		require.Equal(t, 1, h.tries(t, client, 1), "and an answer forgets them")
		h.status.Store(503)
		require.Equal(t, 5, h.tries(t, client, 10), "after the fifth nobody asks")

		_, err := client.Get(t.Context(), "http://me:sesame@prometheus/api?token=sesame")
		require.ErrorIs(t, err, httpx.ErrOpen)
		require.Regexp(t, `^httpx: GET http://prometheus/api: not asked: the circuit is open after 5 failed calls in a row, next try in [0-9.]+s: the last one failed with: 503 Service Unavailable$`, err.Error())

		client.Attempts = 3 // for a trial, that means nothing
		for _, longest := range []time.Duration{10, 20, 40, 80, 120, 120} {
			time.Sleep(longest*time.Second/2 - time.Millisecond)
			require.Zero(t, h.tries(t, client, 1), "cooling down for %d s", longest)
			time.Sleep(longest*time.Second/2 + time.Millisecond)
			require.Equal(t, 1, h.tries(t, client, 10), "one trial, tried once")
		}
		h.status.Store(200)
		time.Sleep(2 * time.Minute)
		require.Equal(t, 10, h.tries(t, client, 10), "it is back")
		h.status.Store(500)
		h.tries(t, client, 5)
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, h.tries(t, client, 2), "and all begins anew")
	})
}

// A host that hangs costs its callers five timeouts, and then no time at all; a
// trial that hangs keeps nobody waiting.
func TestCircuitOfAHostThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, client := newHost(t)
		client.Attempts = 1
		h.status.Store(0)
		begin := time.Now()
		h.tries(t, client, 3)
		require.Equal(t, 30*time.Second, time.Since(begin))
		for range 2 { // a caller with less patience than the client
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := client.Get(ctx, "http://prometheus/api")
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, httpx.ErrOpen)
		}
		begin = time.Now()
		require.Zero(t, h.tries(t, client, 10))
		require.Zero(t, time.Since(begin))

		time.Sleep(10 * time.Second)
		trial := make(chan error)
		go func() {
			_, err := client.Get(t.Context(), "http://prometheus/api")
			trial <- err
		}()
		synctest.Wait()
		_, err := client.Get(t.Context(), "http://prometheus/api")
		require.ErrorIs(t, err, httpx.ErrOpen)
		require.ErrorContains(t, err, "another call is trying now: the last one failed with: ")
		require.NotErrorIs(t, <-trial, httpx.ErrOpen)
	})
}

// A caller that gives up says nothing of the host: neither that it is down, nor,
// with a trial, that it is back. The next call is the trial then.
func TestCircuitAndCallersThatGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, client := newHost(t)
		client.Attempts = 1
		giveUp := func() {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				_, err := client.Get(ctx, "http://prometheus/api")
				done <- err
			}()
			synctest.Wait()
			cancel()
			require.ErrorIs(t, <-done, context.Canceled)
		}
		h.status.Store(0)
		for range 10 {
			giveUp()
		}
		expired, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		for range 10 {
			_, err := client.Get(expired, "http://prometheus/api")
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		h.status.Store(503)
		require.Equal(t, 5, h.tries(t, client, 10))

		time.Sleep(10 * time.Second)
		h.status.Store(0)
		giveUp()
		h.status.Store(200)
		require.Equal(t, 10, h.tries(t, client, 10))
	})
}

// Whatever is an answer shows that the host works.
func TestWhatIsNoFailureOfTheHost(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"401":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) },
		"404":       http.NotFound,
		"501":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(501) },
		"too large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100)) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, handler)
			client := quick()
			client.MaxBody = 99
			defer client.CloseIdleConnections()
			for range 10 {
				_, err := client.Get(t.Context(), server.URL)
				require.Error(t, err)
				require.NotErrorIs(t, err, httpx.ErrOpen)
			}
		})
	}
	server := serve(t, http.NotFound)
	client := quick()
	client.Authorize = func(*http.Request) error { return errors.New("no token yet") }
	for range 10 {
		_, err := client.Get(t.Context(), server.URL)
		require.ErrorContains(t, err, "no token yet")
	}
}

func TestCircuitsAreApart(t *testing.T) {
	t.Parallel()
	down := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			w.WriteHeader(429)
		}
	})
	up := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, perURL := range []bool{false, true} {
		client := quick()
		client.OpenAfter, client.PerURL = 2, perURL
		defer client.CloseIdleConnections()
		for range 2 {
			_, err := client.Get(t.Context(), down.URL+"/down?at=a")
			require.ErrorContains(t, err, "429")
		}
		_, err := client.Get(t.Context(), down.URL+"/down?at=a")
		require.ErrorIs(t, err, httpx.ErrOpen)
		require.NotContains(t, err.Error(), "at=a")
		for _, other := range []string{"/down?at=b", "/up?at=a"} {
			_, err = client.Get(t.Context(), down.URL+other)
			require.Equal(t, !perURL, errors.Is(err, httpx.ErrOpen), "%s: %v", other, err)
		}
		_, err = client.Get(t.Context(), up.URL+"/down?at=a")
		require.NoError(t, err, "another host")
	}
}
