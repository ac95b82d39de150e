package httpx_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// Failures to one host must not cost the connections to others, and closing the
// client must leave no connection, and so no goroutine, behind.
func TestConnectionsAreReusedAndClosed(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(nil)
	down.Close()
	var opened, closed atomic.Int32
	gone := make(chan struct{}, 100)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, "hello")
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed.Add(1)
			gone <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()

	client := quick()
	for range 20 {
		_, err := client.Get(t.Context(), server.URL)
		require.NoError(t, err)
		_, err = client.Get(t.Context(), server.URL+"/bad")
		require.Error(t, err)
		_, err = client.Get(t.Context(), down.URL)
		require.Error(t, err)
	}
	require.EqualValues(t, 1, opened.Load(), "one connection serves all calls")
	client.CloseIdleConnections()
	<-gone
	require.EqualValues(t, 1, closed.Load())
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/odd" {
			w.WriteHeader(503)
		}
		fmt.Fprint(w, r.URL.Path)
	})
	client := quick()
	client.Header = http.Header{"Accept": {"text/plain"}}
	client.RetryShare, client.OpenAfter = -1, -1 // what is odd stays odd
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if i%2 == 1 {
				_, err := client.Get(t.Context(), server.URL+"/odd")
				require.ErrorContains(t, err, `503 Service Unavailable (3 attempts): "/odd"`)
				return
			}
			resp, err := client.Get(t.Context(), server.URL+"/even")
			require.NoError(t, err)
			require.Equal(t, "/even", string(resp.Body))
		})
	}
	wg.Wait()
}

func BenchmarkGet(b *testing.B) {
	page := strings.Repeat("metric 1\n", 10_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }))
	defer server.Close()
	var client httpx.Client
	defer client.CloseIdleConnections()
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Get(b.Context(), server.URL); err != nil {
			b.Fatal(err)
		}
	}
}
