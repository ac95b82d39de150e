package guardrails_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// switchServer is a server that answers what it is told to.
func switchServer(t *testing.T) (url string, says func(status int, body string)) {
	t.Helper()
	type answer struct {
		status int
		body   string
	}
	var now atomic.Pointer[answer]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := now.Load()
		if r.Header.Get("Authorization") != "" && r.Header.Get("Authorization") != "sesame" {
			a = &answer{status: http.StatusForbidden}
		}
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
	}))
	t.Cleanup(server.Close)
	return server.URL, func(status int, body string) { now.Store(&answer{status, body}) }
}

func TestHTTP(t *testing.T) {
	url, says := switchServer(t)
	source := guardrails.HTTP(url + "/stop?token=secret")
	require.Equal(t, "http "+url+"/stop", source.Name())
	for name, test := range map[string]struct {
		status  int
		body    string
		tripped bool
		reason  string
		err     string
	}{
		"not tripped":         {status: 200, body: `{"tripped": false, "reason": "all is well"}`, reason: "all is well"},
		"tripped":             {status: 200, body: `{"tripped": true, "reason": " bad orders, bob "}`, tripped: true, reason: "bad orders, bob"},
		"without a reason":    {status: 200, body: `{"tripped": true}`, tripped: true, reason: "it answers that it is tripped, and gives no reason"},
		"with other fields":   {status: 200, body: `{"tripped": false, "since": 5}`},
		"no such field":       {status: 200, body: `{"Stopped": true}`, err: `the answer has no "tripped"`},
		"null":                {status: 200, body: `{"tripped": null}`, err: `the answer has no "tripped"`},
		"a word":              {status: 200, body: `{"tripped": "false"}`, err: "no JSON object as it should be"},
		"nothing":             {status: 200, err: "no JSON object as it should be"},
		"a page":              {status: 200, body: "<html>sign in</html>", err: "no JSON object as it should be"},
		"two objects":         {status: 200, body: `{"tripped": false} {"tripped": true}`, err: "no JSON object as it should be"},
		"another status":      {status: 204, err: "no JSON object as it should be"},
		"not found":           {status: 404, body: `{"tripped": false}`, err: "404"},
		"a fault":             {status: 500, body: `{"tripped": false}`, err: "500"},
		"an answer too large": {status: 200, body: `{"tripped": false, "reason": "` + strings.Repeat("x", 64<<10) + `"}`, err: "large"},
	} {
		t.Run(name, func(t *testing.T) {
			says(test.status, test.body)
			tripped, reason, err := source.Read(t.Context())
			require.Equal(t, test.tripped, tripped)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				require.NotContains(t, err.Error(), "secret")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.reason, reason)
		})
	}

	for name, source := range map[string]guardrails.SwitchSource{
		"no URL": guardrails.HTTP(""), "no scheme": guardrails.HTTP("host/stop"), "nobody there": guardrails.HTTP("http://127.0.0.1:1/"),
		"a bad header": &guardrails.HTTPSource{URL: url, Header: http.Header{"Authorization": {"open"}}},
		"no leave":     &guardrails.HTTPSource{URL: url, Authorize: func(*http.Request) error { return errors.New("expired") }},
	} {
		tripped, _, err := source.Read(t.Context())
		require.Error(t, err, name)
		require.False(t, tripped)
		require.NotEmpty(t, source.Name())
	}
	says(200, `{"tripped": false}`)
	_, _, err := (&guardrails.HTTPSource{URL: url, Header: http.Header{"Authorization": {"sesame"}}}).Read(t.Context())
	require.NoError(t, err)
}

// A switch with a URL trips within a second of what it says; while nobody answers it
// holds, and when that lasts it trips.
func TestHTTPTripsASwitch(t *testing.T) {
	t.Parallel()
	url, says := switchServer(t)
	says(200, `{"tripped": false}`)
	kill := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.HTTP(url)}, Every: 500 * time.Millisecond, Grace: time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); kill.Watch(ctx, nil) }()
	require.Eventually(t, func() bool { return kill.Check(t.Context(), guardrails.Action{}) == nil }, 10*time.Second, time.Millisecond)
	says(503, "")
	require.NoError(t, kill.Check(t.Context(), guardrails.Action{}), "for a while, the last answer stands")
	says(200, `{"tripped": true, "reason": "bad orders"}`)
	require.Eventually(t, kill.Tripped, 10*time.Second, time.Millisecond)
	require.ErrorContains(t, kill.Check(t.Context(), guardrails.Action{}), "bad orders")
	require.ErrorIs(t, kill.Reset("alice", "they are fine"), guardrails.ErrStillTripped)
	says(200, `{"tripped": false}`)
	require.Eventually(t, func() bool { return kill.Reset("alice", "they are fine") == nil }, 10*time.Second, time.Millisecond)
	cancel()
	<-ended

	gone := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.HTTP("http://127.0.0.1:1/")}, Every: 10 * time.Millisecond, Grace: 50 * time.Millisecond}
	var breach *guardrails.Breach
	require.ErrorAs(t, gone.Check(t.Context(), guardrails.Action{}), &breach)
	require.Equal(t, guardrails.Hold, breach.Consequence)
	require.Eventually(t, func() bool { _ = gone.Check(t.Context(), guardrails.Action{}); return gone.Tripped() }, 10*time.Second, time.Millisecond)
}
