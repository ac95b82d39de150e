package httpx_test

import (
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// quick is a client whose waits are too short to notice.
func quick() *httpx.Client {
	return &httpx.Client{Timeout: time.Minute, WaitMin: time.Millisecond, WaitMax: time.Millisecond}
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func TestGet(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler func(w http.ResponseWriter, r *http.Request, try int32)
		body    string
		err     string // part of the error, empty for none
		status  int    // of the StatusError
		tries   int32
	}{
		"ok": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) { fmt.Fprint(w, "up 1\n") },
			body:    "up 1\n", tries: 1,
		},
		"empty body": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) { w.WriteHeader(http.StatusNoContent) },
			tries:   1,
		},
		"503, then ok": {
			handler: func(w http.ResponseWriter, _ *http.Request, try int32) {
				if try < 3 {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				fmt.Fprint(w, "fine")
			},
			body: "fine", tries: 3,
		},
		"500 for good": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) { http.Error(w, "disk full", 500) },
			err:     `500 Internal Server Error (3 attempts): "disk full"`, status: 500, tries: 3,
		},
		"501 is final": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) { w.WriteHeader(501) },
			err:     "501 Not Implemented", status: 501, tries: 1,
		},
		"400 is final and keeps its body": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				http.Error(w, `{"errorType":"bad_data"}`, 400)
			},
			err: `400 Bad Request: "{\"errorType\":\"bad_data\"}"`, status: 400, tries: 1,
		},
		"429 with a Retry-After of a day": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.Header().Set("Retry-After", "86400")
				w.WriteHeader(429)
			},
			err: "429 Too Many Requests (3 attempts)", status: 429, tries: 3,
		},
		"429 with a Retry-After date in a year": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.Header().Set("Retry-After", time.Now().AddDate(1, 0, 0).UTC().Format(http.TimeFormat))
				w.WriteHeader(429)
			},
			err: "429 Too Many Requests (3 attempts)", status: 429, tries: 3,
		},
		"long error body is cut": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.WriteHeader(404)
				fmt.Fprint(w, strings.Repeat("x", 1<<20))
			},
			err: `404 Not Found: "` + strings.Repeat("x", 120) + `"…`, status: 404, tries: 1,
		},
		"connection cut, then ok": {
			handler: func(w http.ResponseWriter, _ *http.Request, try int32) {
				if try == 1 {
					panic(http.ErrAbortHandler)
				}
				fmt.Fprint(w, "fine")
			},
			body: "fine", tries: 2,
		},
		"cut-off body": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.Header().Set("Content-Length", "100")
				fmt.Fprint(w, "half")
			},
			err: "reading the body: unexpected EOF (3 attempts)", tries: 3,
		},
		"cut-off gzip": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				fmt.Fprint(z, strings.Repeat("metric 1\n", 1000))
				_ = z.Flush() // and no Close: the trailer is missing
			},
			err: "reading the body: unexpected EOF (3 attempts)", tries: 3,
		},
		"too large, announced": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.Header().Set("Content-Length", "65537")
				fmt.Fprint(w, "x")
			},
			err: "the response is too large: 65537 bytes announced, limit 65536", tries: 1,
		},
		"gzip bomb": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = z.Write(make([]byte, 64<<10+1))
				_ = z.Close()
			},
			err: "the response is too large: limit 65536 bytes", tries: 1,
		},
		"redirect on the same host": {
			handler: func(w http.ResponseWriter, r *http.Request, _ int32) {
				if r.URL.Path == "/" {
					http.Redirect(w, r, "/metrics/", http.StatusFound)
					return
				}
				fmt.Fprint(w, r.URL.Path)
			},
			body: "/metrics/", tries: 2,
		},
		"redirect in a circle": {
			handler: func(w http.ResponseWriter, r *http.Request, _ int32) { http.Redirect(w, r, "/", http.StatusFound) },
			err:     "refused to follow a redirect: more than 5 in a row", tries: 6,
		},
		"redirect elsewhere": {
			handler: func(w http.ResponseWriter, r *http.Request, _ int32) {
				http.Redirect(w, r, "http://example.com/login?token=sesame", http.StatusFound)
			},
			err: "refused to follow a redirect: to http://example.com/login, another host or scheme", tries: 1,
		},
		"redirect to another scheme": {
			handler: func(w http.ResponseWriter, r *http.Request, _ int32) {
				http.Redirect(w, r, "https://"+r.Host+"/", http.StatusFound)
			},
			err: "another host or scheme", tries: 1,
		},
		"redirect to nonsense": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) {
				w.Header().Set("Location", "http://[sesame")
				w.WriteHeader(http.StatusFound)
			},
			err: "to a location that does not parse", tries: 1,
		},
		"304 without being asked": {
			handler: func(w http.ResponseWriter, _ *http.Request, _ int32) { w.WriteHeader(304) },
			err:     "304 Not Modified", status: 304, tries: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			server := serve(t, func(w http.ResponseWriter, r *http.Request) { test.handler(w, r, tries.Add(1)) })
			client := quick()
			client.MaxBody = 64 << 10
			t.Cleanup(client.CloseIdleConnections)

			resp, err := client.Get(t.Context(), server.URL)
			require.Equal(t, test.tries, tries.Load(), "tries")
			if test.err == "" {
				require.NoError(t, err)
				require.Equal(t, test.body, string(resp.Body))
				return
			}
			require.ErrorContains(t, err, test.err)
			require.ErrorContains(t, err, "httpx: GET "+server.URL)
			require.NotContains(t, err.Error(), "sesame")
			require.Nil(t, resp)
			var status *httpx.StatusError
			require.Equal(t, test.status != 0, errors.As(err, &status), "a StatusError")
			if status != nil {
				require.Equal(t, test.status, status.Status)
				require.LessOrEqual(t, len(status.Body), 4<<10)
			}
		})
	}
}

func TestSentinels(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
			return
		}
		fmt.Fprint(w, "too much")
	})
	client := quick()
	client.MaxBody = 7
	defer client.CloseIdleConnections()
	_, err := client.Get(t.Context(), server.URL)
	require.ErrorIs(t, err, httpx.ErrTooLarge)
	_, err = client.Get(t.Context(), server.URL+"/away")
	require.ErrorIs(t, err, httpx.ErrRedirect)

	client = quick()
	client.MaxBody = 8
	defer client.CloseIdleConnections()
	resp, err := client.Get(t.Context(), server.URL)
	require.NoError(t, err, "a body of exactly the limit")
	require.Equal(t, "too much", string(resp.Body))
}

func TestHeaderAndAuthorize(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			w.WriteHeader(503)
			return
		}
		fmt.Fprint(w, r.Header.Get("Accept"), " ", r.Header.Get("Authorization"), " ", r.UserAgent())
	})
	client := quick()
	client.Header = http.Header{"Accept": {"text/plain"}}
	var token atomic.Int32
	client.Authorize = func(r *http.Request) error {
		r.Header.Set("Authorization", fmt.Sprint("Bearer ", token.Add(1)))
		return nil
	}
	defer client.CloseIdleConnections()
	resp, err := client.Get(t.Context(), server.URL)
	require.NoError(t, err)
	require.Equal(t, "text/plain Bearer 2 tidegate", string(resp.Body), "authorized anew for each try")
	require.Equal(t, http.Header{"Accept": {"text/plain"}}, client.Header, "left as it was")

	client = quick()
	client.Authorize = func(*http.Request) error { return io.ErrClosedPipe }
	_, err = client.Get(t.Context(), server.URL)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.ErrorContains(t, err, "authorize: ")
	require.NotContains(t, err.Error(), "attempts")
}

func TestConnectionRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(nil)
	down.Close()
	_, err := quick().Get(t.Context(), down.URL)
	require.ErrorContains(t, err, "connection refused (3 attempts)")
}

func TestUntrustedCertificateIsFinal(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	client := quick()
	defer client.CloseIdleConnections()

	_, err := client.Get(t.Context(), server.URL)
	require.ErrorContains(t, err, "certificate")
	require.NotContains(t, err.Error(), "attempts")
	var untrusted *tls.CertificateVerificationError
	require.ErrorAs(t, err, &untrusted)

	plain := serve(t, http.NotFound)
	_, err = client.Get(t.Context(), strings.Replace(plain.URL, "http:", "https:", 1))
	require.ErrorContains(t, err, "server gave HTTP response to HTTPS client")
	require.NotContains(t, err.Error(), "attempts")
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	require.Empty(t, httpx.Excerpt([]byte(" \n")))
	require.Equal(t, `"a\nb\x00"`, httpx.Excerpt([]byte(" a\nb\x00 ")))
}
