package httpx_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

// A question is sent whole with every try, and says POST when it fails.
func TestAsk(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) < 3 {
			w.WriteHeader(503)
			return
		}
		if r.FormValue("query") == "bad" {
			http.Error(w, "no", 400)
			return
		}
		fmt.Fprint(w, r.Method, " ", r.URL.RawQuery, " ", len(r.PostFormValue("query")))
	})
	client := quick()
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Ask(t.Context(), server.URL+"/?tenant=sesame", url.Values{"query": {strings.Repeat("é", 1<<19)}})
	require.NoError(t, err)
	require.Equal(t, "POST tenant=sesame 1048576", string(resp.Body))
	require.EqualValues(t, 3, tries.Load())

	_, err = client.Ask(t.Context(), server.URL+"/?tenant=sesame", url.Values{"query": {"bad"}})
	require.EqualError(t, err, "httpx: POST "+server.URL+`/: 400 Bad Request: "no"`)
	server.Close()
	_, err = client.Ask(t.Context(), server.URL, url.Values{})
	require.ErrorContains(t, err, "httpx: POST "+server.URL+": ")
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(r.TLS.PeerCertificates), " ", r.Proto)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	client := quick()
	client.TLS = &tls.Config{RootCAs: roots, Certificates: server.TLS.Certificates}
	defer client.CloseIdleConnections()
	resp, err := client.Get(t.Context(), server.URL)
	require.NoError(t, err)
	require.Equal(t, "1 HTTP/2.0", string(resp.Body))

	without := &httpx.Client{Attempts: 1, TLS: &tls.Config{RootCAs: roots}}
	defer without.CloseIdleConnections()
	_, err = without.Get(t.Context(), server.URL)
	require.ErrorContains(t, err, "httpx: GET "+server.URL+": ", "refused, in words that depend on when it is noticed")
}
