package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The flags say where and what, and secrets get where they belong, and nowhere else.
func TestWhatPrometheusIsAsked(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("sesame\n"), 0o600))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sesame" || r.Header.Get("X-Scope-OrgID") != "a, b" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.FormValue("step") != "10s" || r.FormValue("query") != `x{track="canary"}` {
			t.Error(r.Form)
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[%s,"1"]]}]}}`, r.FormValue("start"))
	}))
	defer server.Close()
	args := []string{"analyze", "--judge", "below", "--limit", "5", "--from-prometheus", server.URL, "--canary", `x{track="{{.Version}}"}`, "--start", "1h", "--end", "30m"}
	code, stdout, stderr := runs("", append(args, "--bearer-token-file", token, "--header", "X-Scope-OrgID: a, b")...)
	require.Empty(t, stderr)
	require.Equal(t, exitPass, code)
	require.Contains(t, stdout, `{"observation":1,"time":"`)

	code, stdout, stderr = runs("", append(args, "--bearer-token-file", token)...)
	require.Equal(t, exitBadInput, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "cannot fetch the series: promql: Query of the canary: ")
	require.Contains(t, stderr, "401")
	require.NotContains(t, stderr, "sesame")

	server.Close()
	code, stdout, stderr = runs("", append(args, "--start=-1m", "--end", "now")...)
	require.Equal(t, exitBadInput, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "tidegate: cannot fetch the series: ")
	require.Contains(t, stderr, "connection refused")
}

func TestBadFlagsOfPrometheus(t *testing.T) {
	t.Parallel()
	const from = "--from-prometheus http://h "
	for _, tc := range []struct{ args, want string }{
		{"--judge below --limit 1 --start 1h -", "--start is for --from-prometheus"},
		{"--judge below --limit 1 --header A:b -", "--header is for --from-prometheus"},
		{"--judge below --limit 1 " + from + "-", "there is a FILE and --from-prometheus: want one of them"},
		{"--judge below --limit 1 --start 1h --from-prometheus http://h", "--from-prometheus needs --canary"},
		{"--judge below --limit 1 --canary x " + from, "--from-prometheus needs --start"},
		{"--judge notworse --start 1h --canary x " + from, "--from-prometheus needs --baseline: the judge compares"},
		{"--judge kayenta --start 1h --canary x " + from, "--from-prometheus needs --baseline: the judge compares"},
		{"--judge kayenta --start 1h --canary x --baseline y --canary-total z " + from, "--canary-total and --baseline-total are for --judge notworse, above, below and within"},
		{"--judge mannwhitney --start 1h --canary x --baseline y --by zone " + from, "--by is for --judge notworse, above, below and within"},
		{"--judge kayenta --config ../../analysis/kayenta/testdata/checkout.json --start 1h --canary x --baseline y " + from, "--from-prometheus fetches one metric, and --config is a canary config with several"},
		{"--judge below --limit 1 --histogram --start 1h --canary x " + from, "--histogram is for --judge notworse"},
		{"--judge notworse --histogram --start 1h --canary x --canary-total x --baseline y --baseline-total y " + from, "--histogram and totals are for different things: a histogram has its total"},
		{"--judge below --limit 1 --before 2h --start 1h --canary x " + from, "--before is for --judge notworse"},
		{"--judge below --limit 1 --baseline-total x --start 1h --canary x " + from, "--baseline-total needs --baseline"},
		{"--judge notworse --start 1h --canary x --canary-total x --baseline y " + from, "want --canary-total and --baseline-total, or neither"},
		{"--judge below --limit 1 --events-optional --start 1h --canary x " + from, "--events-optional needs --canary-total: a value cannot be missing"},
		{"--judge below --limit 1 --start yesterday --canary x " + from, `--start is "yesterday": want a time as 2026-01-02T15:04:05Z, as Unix seconds, or as how long ago, such as 2h`},
		{"--judge below --limit 1 --start 1h --end tomorrow --canary x " + from, `--end is "tomorrow": want a time as 2026-01-02T15:04:05Z, as Unix seconds, or as how long ago, such as 2h`},
		{"--judge notworse --start 100 --end 200 --before 95 --canary x --baseline y " + from, "--before is 1970-01-01T00:01:35Z: want it one step of 10s or more before --start, 1970-01-01T00:01:40Z"},
		{"--judge notworse --start 100 --end 200 --before x --canary x --baseline y " + from, `--before is "x": want a time as 2026-01-02T15:04:05Z, as Unix seconds, or as how long ago, such as 2h`},
		{"--judge below --limit 1 --start 100 --end 105 --canary x " + from, "--start is 1970-01-01T00:01:40Z, --end 1970-01-01T00:01:45Z and --step 10s: want an end that is one step or more after the start"},
		{"--judge below --limit 1 --start 1h --step 0s --canary x " + from, ""},
		{"--judge below --limit 1 --start 1h --header sesame --canary x " + from, "--header is malformed (not shown, it may hold a secret): want 'Name: value'"},
		{"--judge below --limit 1 --start 1h --canary x{{ " + from, "--canary is not a template: template: Query:1: unclosed action"},
		{"--judge below --limit 1 --start 1h --canary x --from-prometheus h", "--from-prometheus is malformed (not shown, it may hold a secret): want http://host:port or https://host:port"},
		{"--judge below --limit 1 --start 1h --canary x --header Authorization:a --bearer-token-file f " + from, "--header has an Authorization of its own: want one way to authenticate"},
		{"--judge mannwhitney --start 1h --canary x --baseline y{{ " + from, ""},
		{"--judge below --limit 1 --start 1h --canary increase(x[1m]) --canary-total increase(y[{{.Window}}]) " + from, "--canary asks the same whatever the window, so windows that overlap would count events twice: use [{{.Window}}] for the range"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := runs("", append([]string{"analyze"}, strings.Fields(tc.args)...)...)
			if tc.want != "" {
				require.Equal(t, "tidegate: "+tc.want+"\n", stderr)
			}
			require.Equal(t, exitBadInput, code, stderr)
			require.Empty(t, stdout)
		})
	}
}

func TestInstant(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	for text, want := range map[string]string{
		"now": "2026-01-02T15:04:05Z", "2h": "2026-01-02T13:04:05Z", "-2h": "2026-01-02T13:04:05Z", "1d12h": "2026-01-01T03:04:05Z",
		"2026-01-02T15:00:00+01:00": "2026-01-02T14:00:00Z", "1767366000": "2026-01-02T15:00:00Z", "1767366000.25": "2026-01-02T15:00:00.25Z",
	} {
		got, err := instant("--start", text, now)
		require.NoError(t, err)
		require.Equal(t, want, got.UTC().Format(time.RFC3339Nano))
	}
	for _, text := range []string{"", "-", "0", "-5", "1e300", "NaN", "0s", "2 h", "2026-01-02"} {
		_, err := instant("--start", text, now)
		require.ErrorContains(t, err, "--start is ", text)
	}
}
