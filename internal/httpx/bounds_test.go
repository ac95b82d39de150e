package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

func TestOneTryIsBounded(t *testing.T) {
	t.Parallel()
	tests := map[string]http.HandlerFunc{
		"no answer":        func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"endless body":     func(w http.ResponseWriter, r *http.Request) { drip(w, r) },
		"endless 503 body": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503); drip(w, r) },
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			server := serve(t, func(w http.ResponseWriter, r *http.Request) { tries.Add(1); handler(w, r) })
			client := quick()
			client.Timeout, client.Attempts = 300*time.Millisecond, 2
			defer client.CloseIdleConnections()
			_, err := client.Get(t.Context(), server.URL)
			require.ErrorContains(t, err, "(2 attempts)")
			if name == "endless 503 body" {
				require.ErrorContains(t, err, `503 Service Unavailable (2 attempts): "x"`)
			} else {
				require.ErrorContains(t, err, "no complete answer in time: ")
			}
			require.NoError(t, t.Context().Err())
		})
	}
}

// drip sends a first byte, and then nothing until the client has gone.
func drip(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "x")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestTheDeadlineBoundsAllTries(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.Header().Set("Retry-After", "86400")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	})
	client := &httpx.Client{Attempts: 100, WaitMin: time.Minute, WaitMax: time.Hour}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := client.Get(ctx, server.URL)
	require.EqualError(t, err, "httpx: GET "+server.URL+`: 503 Service Unavailable: "busy"`, "a wait past the deadline is not begun")
	require.NoError(t, ctx.Err())
	require.EqualValues(t, 1, tries.Load())
}

func TestCancelEndsTheWait(t *testing.T) {
	t.Parallel()
	answered := make(chan struct{}, 1)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(503)
		answered <- struct{}{}
	})
	client := &httpx.Client{WaitMin: time.Hour, WaitMax: time.Hour}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("operator stopped it")
	go func() {
		<-answered
		cancel(stop)
	}()
	_, err := client.Get(ctx, server.URL)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, stop)
}

func TestCancelEndsTheTry(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	client := quick()
	defer client.CloseIdleConnections()
	_, err := client.Get(ctx, server.URL)
	require.EqualError(t, err, "httpx: GET "+server.URL+": context canceled")
	require.ErrorIs(t, err, context.Canceled)
}
