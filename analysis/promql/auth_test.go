package promql_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis/promql"
)

func TestAuth(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(" from-file \n")
	basic := func(user, password string) string {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	var want string
	server := func(s *promql.Server) *promql.Gauge {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != want || r.Header.Get("X-Scope-OrgID") != "sea" {
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, success("vector", value(1)))
		}).URL
		s.URL, s.Header = url, http.Header{"X-Scope-OrgID": {"sea"}}
		t.Cleanup(s.CloseIdleConnections)
		return gauge(s)
	}
	for header, s := range map[string]*promql.Server{
		"":                          {},
		"Bearer given":              {Token: "given"},
		"Bearer from-file":          {TokenFile: file},
		basic("me", "pass:é"):       {User: "me", Password: "pass:é"},
		basic("me", "from-file"):    {User: "me", PasswordFile: file},
		basic("without-secret", ""): {User: "without-secret"},
	} {
		want = header
		_, err := server(s).Observe(t.Context(), window("a", ""))
		require.NoError(t, err, header)
	}

	g := server(&promql.Server{TokenFile: file})
	for _, rotated := range []string{"one", "two"} {
		write(rotated)
		want = "Bearer " + rotated
		_, err := g.Observe(t.Context(), window("a", ""))
		require.NoError(t, err)
	}
	for text, msg := range map[string]string{
		" \n":                         "is empty",
		"sesame\nsesame":              "holds a line break",
		strings.Repeat("sesame", 1e5): "larger than 65536 bytes",
	} {
		write(text)
		_, err := g.Observe(t.Context(), window("a", ""))
		require.ErrorContains(t, err, "authorize: "+file)
		require.ErrorContains(t, err, msg)
		require.NotContains(t, err.Error(), "sesame")
		require.NotContains(t, err.Error(), "attempts")
	}
	require.NoError(t, os.Remove(file))
	_, err := g.Observe(t.Context(), window("a", ""))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, success("vector", value(len(r.TLS.PeerCertificates))))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s := &promql.Server{URL: server.URL, TLS: &tls.Config{RootCAs: roots, Certificates: server.TLS.Certificates}}
	defer s.CloseIdleConnections()
	o, err := gauge(s).Observe(t.Context(), window("a", ""))
	require.NoError(t, err)
	require.EqualValues(t, 1, o.Canary.Value)
}

// However a server's settings are printed, their secrets are not in it.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	s := &promql.Server{URL: "http://sesame:sesame@host/path?key=sesame", Token: "sesame", Password: "sesame"}
	var shown strings.Builder
	slog.New(slog.NewTextHandler(&shown, nil)).Info("asking", "server", s, "token", s.Token)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", s.Token)
	}
	fmt.Fprintf(&shown, "%v %+v %#v %s", s, s, s, s)
	fmt.Fprintf(&shown, "%v %+v", gauge(s), counts(s))
	text, err := json.Marshal(map[string]any{"token": s.Token})
	require.NoError(t, err)
	_, err = gauge(s).Observe(t.Context(), window("a", ""))
	require.ErrorContains(t, err, "Server.URL holds a user")
	all := shown.String() + string(text) + err.Error()
	require.NotContains(t, all, "sesame")
	require.Contains(t, all, "http://host/path")
	require.Contains(t, all, "[redacted]")
	require.Equal(t, "sesame", string(s.Token))
	require.Empty(t, fmt.Sprint(promql.Secret("")))
	require.Equal(t, "a server with a malformed URL", (&promql.Server{URL: "http://[sesame"}).String())
}
