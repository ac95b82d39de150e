package guardrails_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var (
	_ guardrails.SelfTester = (*guardrails.NoIncident)(nil)
	_ guardrails.Watcher    = (*guardrails.NoIncident)(nil)
	_ analysis.Problemer    = (*guardrails.NoIncident)(nil)
)

// Azure Storage, 18 July 2024: 91 minutes until all deployments of the region were
// stopped. Here a cluster is changed each minute and cut off; the incident is declared
// after 17 minutes, when the storage team was called in.
func TestNoIncidentIncident(t *testing.T) {
	cutOff := func(t *testing.T, guarded bool) (n int) {
		synctest.Test(t, func(t *testing.T) {
			d := &dial{}
			guard := &guardrails.NoIncident{Sources: []guardrails.SwitchSource{d}}
			for minute := range 91 {
				if minute == 17 {
					d.trip("storage is not reachable")
				}
				if !guarded || guard.Check(t.Context(), guardrails.Action{Verb: guardrails.Deploy}) == nil {
					n++
				}
				time.Sleep(time.Minute)
			}
		})
		return n
	}
	require.Equal(t, 91, cutOff(t, false))
	require.Equal(t, 17, cutOff(t, true))
}

func TestNoIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat, pager := &dial{}, &dial{}
		guard := &guardrails.NoIncident{Every: time.Second, Sources: []guardrails.SwitchSource{chat, pager}}
		reason := func() string {
			time.Sleep(1001 * time.Millisecond)
			b := no(t, guard, guardrails.Action{Verb: guardrails.Deploy})
			for _, verb := range append(alwaysPass, guardrails.Bake) {
				require.Nil(t, no(t, guard, guardrails.Action{Verb: verb}))
			}
			for _, verb := range []guardrails.Verb{guardrails.Unknown, guardrails.Start, 99} {
				require.Equal(t, b, no(t, guard, guardrails.Action{Verb: verb}))
			}
			if b == nil {
				return ""
			}
			require.False(t, b.Cap)
			return b.Reason
		}
		require.Empty(t, reason())
		chat.trip("checkout is\ndown")
		require.Equal(t, "there is an incident: checkout is down (dial)", reason())
		pager.trip("disk full")
		require.Equal(t, "there is an incident: checkout is down (dial); disk full (dial)", reason())
		pager.clear()
		pager.fail("no route")
		require.Equal(t, "there is an incident: checkout is down (dial)", reason())
		chat.clear()
		require.Equal(t, "it is not known whether there is an incident: dial: no route", reason(), "one that does not know is enough")
		pager.clear()
		require.Empty(t, reason(), "it is not latched")

		reads := chat.count()
		for range 100 {
			require.Nil(t, no(t, guard, guardrails.Action{}))
		}
		require.Equal(t, reads, chat.count(), "many checks are one read")
	})
}

func TestNoIncidentWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{}
		guard := &guardrails.NoIncident{Sources: []guardrails.SwitchSource{d}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var changes atomic.Int32
		go guard.Watch(ctx, func() { changes.Add(1) })
		for i, change := range []func(){func() {}, func() { d.trip("a") }, func() { d.trip("b") }, func() { d.fail("x") }, d.clear} {
			change()
			time.Sleep(guardrails.DefaultIncidentEvery + time.Second)
			synctest.Wait()
			require.EqualValues(t, i, changes.Load())
		}
		new(guardrails.NoIncident).Watch(ctx, nil) // has nothing to watch
	})
}

// A source that hangs takes no longer than a rollout waits, and drowns out no other.
func TestNoIncidentHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{}
		d.trip("fire")
		guard := &guardrails.NoIncident{Sources: []guardrails.SwitchSource{
			guardrails.IncidentFunc("deaf", func(context.Context) (string, error) { time.Sleep(time.Hour); return "", nil }), bomb{}, d,
		}}
		begin := time.Now()
		require.Equal(t, "there is an incident: fire (dial)", no(t, guard, guardrails.Action{}).Reason)
		require.Less(t, time.Since(begin), 5*time.Second)
		d.clear()
		time.Sleep(time.Minute)
		reason := no(t, guard, guardrails.Action{}).Reason
		require.Contains(t, reason, "deaf: it has not answered an earlier question yet")
		require.Contains(t, reason, "it panicked: read")
		time.Sleep(2 * time.Hour) // what hangs is left behind
	})
}

func TestNoIncidentProblems(t *testing.T) {
	require.Equal(t, []string{"Sources are none: nobody knows whether there is an incident"}, problems(&guardrails.NoIncident{}))
	broken := &guardrails.NoIncident{Sources: []guardrails.SwitchSource{nil}, Every: -1}
	require.Equal(t, []string{"Sources[0] is nil, so it could never be read", "Every is -1ns: want 100ms or more"}, problems(broken))
	require.NotNil(t, no(t, broken, guardrails.Action{}))
	require.Equal(t, "there is nobody to ask whether there is an incident", no(t, &guardrails.NoIncident{}, guardrails.Action{}).Reason)
	require.Error(t, broken.SelfTest(t.Context()))
}

func TestNoIncidentSelfTest(t *testing.T) {
	require.ErrorIs(t, guardrails.SelfTest(t.Context(), &guardrails.NoIncident{}), guardrails.ErrSelfTest)
	require.NoError(t, (&guardrails.NoIncident{Sources: []guardrails.SwitchSource{bomb{}}}).SelfTest(t.Context()))
}

func TestIncidentSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incident")
	guard := &guardrails.NoIncident{Every: 100 * time.Millisecond, Sources: []guardrails.SwitchSource{guardrails.File(path)}}
	require.Nil(t, no(t, guard, guardrails.Action{}))
	require.NoError(t, os.WriteFile(path, []byte("sev 1: checkout\n"), 0o600))
	time.Sleep(101 * time.Millisecond)
	require.Equal(t, "there is an incident: sev 1: checkout (file "+path+")", no(t, guard, guardrails.Action{}).Reason)

	_, _, err := guardrails.IncidentFunc("none", nil).Read(t.Context())
	require.EqualError(t, err, "the function is nil")
	tripped, _, err := guardrails.IncidentFunc("blank", func(context.Context) (string, error) { return " \n", nil }).Read(t.Context())
	require.NoError(t, err)
	require.False(t, tripped)
	tripped, reason, err := guardrails.IncidentFunc("both", func(context.Context) (string, error) { return "x", errors.New("y") }).Read(t.Context())
	require.True(t, tripped)
	require.Equal(t, "x", reason)
	require.EqualError(t, err, "y")
}

func TestIncidentURL(t *testing.T) {
	var status int
	var body, kind string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		if status == 302 {
			w.Header().Set("Location", "http://example.com/")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	source := guardrails.IncidentURL(server.URL + "/incident?token=sesame")
	require.Equal(t, "incident page", source.Name())
	for _, tc := range []struct {
		status     int
		kind, body string
		tripped    bool
		reason     string
		err        string
	}{
		{404, "", "not found", false, "", ""},
		{200, "", "we are down", true, "the page is there", ""},
		{204, "", "", true, "the page is there", ""},
		{200, "application/json", `{"incident":true,"reason":"checkout"}`, true, "checkout", ""},
		{200, "", ` {"incident": true, "since": "12:00"}`, true, "the page gives no reason", ""},
		{200, "", `{"incident":false,"reason":"it was"}`, false, "it was", ""},
		{200, "", `{"reason":"x"}`, false, "", `the page does not say "incident": true or false`},
		{200, "", `{"incident":null}`, false, "", `the page does not say "incident": true or false`},
		{200, "", `{"incident":"no"}`, false, "", "the page is no JSON object"},
		{200, "", `{"incident":false`, false, "", "the page is no JSON object"},
		{200, "application/json; charset=utf-8", `[]`, false, "", "the page is JSON, but no object"},
		{200, "application/json", ``, false, "", "the page is JSON, but no object"},
		{403, "", "", false, "", "403"},
		{410, "", "", false, "", "410"},
		{500, "", "", false, "", "500"},
		{302, "", "", false, "", "redirect"},
	} {
		status, kind, body = tc.status, tc.kind, tc.body
		tripped, reason, err := source.Read(t.Context())
		if tc.err != "" {
			require.ErrorContains(t, err, tc.err, "%+v", tc)
			require.NotContains(t, err.Error(), "sesame")
			continue
		}
		require.NoError(t, err, "%+v", tc)
		require.Equal(t, tc.tripped, tripped, "%+v", tc)
		require.Equal(t, tc.reason, reason, "%+v", tc)
	}
	server.Close()
	_, _, err := source.Read(t.Context())
	require.Error(t, err, "nobody there is not the same as no page there")
}
