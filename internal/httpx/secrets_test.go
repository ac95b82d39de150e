package httpx_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

func TestUnusableURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "host:9090/metrics", "/metrics", "ftp://host/", "file:///etc/passwd", "http://", "unix:///x",
		"http://user:sesame#@host/", "http://user:ses ame@host:port/?token=sesame", "http://host\x7f/?token=sesame", "http://%zz/",
	} {
		_, err := quick().Get(t.Context(), url)
		require.ErrorIs(t, err, httpx.ErrURL, url)
		require.NotContains(t, err.Error(), "sesame")
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	t.Parallel()
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		http.Error(w, "no access: "+r.RequestURI+" as "+password, http.StatusForbidden)
	})
	down := httptest.NewServer(nil)
	down.Close()
	hang := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

	for name, server := range map[string]*httptest.Server{"echo": echo, "refused": down, "timeout": hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := quick()
			client.Timeout = 50 * time.Millisecond
			defer client.CloseIdleConnections()
			_, err := client.Get(t.Context(), strings.Replace(server.URL, "://", "://tide:open-sesame@", 1)+"/metrics?token=sesame&x=1#sesame")
			require.ErrorContains(t, err, "httpx: GET "+server.URL+"/metrics: ")
			require.NotContains(t, err.Error(), "sesame")
			require.NotContains(t, fmt.Sprintf("%#v", err), "sesame")
			var status *httpx.StatusError
			if errors.As(err, &status) {
				require.NotContains(t, string(status.Body), "sesame")
			}
		})
	}
}
