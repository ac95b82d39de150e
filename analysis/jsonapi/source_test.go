package jsonapi_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/jsonapi"
	"github.com/tidegate-go/tidegate/internal/httpx"
)

func at(path string) jsonapi.Figure { return jsonapi.Figure{Path: path} }

// gauge is a source of the value at /v.
func gauge(t *testing.T, handler http.HandlerFunc) *jsonapi.Source {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	s := &jsonapi.Source{
		URL:    server.URL + "/{{.Version}}?key=hidden-in-url",
		Canary: jsonapi.Figures{Value: at("/v")},
		Header: http.Header{"X-Api-Key": {"sesame"}},
		Authorize: func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer open-up")
			return nil
		},
	}
	t.Cleanup(s.CloseIdleConnections)
	return s
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func TestURL(t *testing.T) {
	t.Parallel()
	w := exampleWindow()
	w.Canary.Version, w.Wave = "v2+b/1~rc@x:y", 3
	w.Start = w.Start.Add(1500 * time.Microsecond)
	for template, want := range map[string]string{
		"/{{.Arm}}/{{.Wave}}": "/canary/3",
		"/x?v={{.Version}}":   "/x?v=v2%2Bb%2F1~rc%40x%3Ay",
		"/{{.Version}}":       "/v2%2Bb%2F1~rc%40x%3Ay",
		"/x?v={{.CanaryVersion}}&w={{.BaselineVersion}}":    "/x?v=v2%2Bb%2F1~rc%40x%3Ay&w=v1",
		`/x?m={{.Members ","}}`:                             "/x?m=web-1%2Cweb-3",
		`/x?m={{.Members " OR "}}`:                          "/x?m=web-1%20OR%20web-3",
		"/x?{{.Start}}&{{.End}}":                            "/x?1893499200&1893499210",
		"/x?{{.StartMillis}}&{{.EndMillis}}":                "/x?1893499200001&1893499210000",
		"/x?{{.StartTime}}&{{.EndTime}}":                    "/x?2030-01-01T12:00:00.001Z&2030-01-01T12:00:10.000Z",
		"/x?{{if .IsCanary}}new{{else}}old{{end}}":          "/x?new",
		`/x?q=sum:e%7Bversion:{{.Version}}%7D.as_count%28)`: "/x?q=sum:e%7Bversion:v2%2Bb%2F1~rc%40x%3Ay%7D.as_count%28)",
	} {
		var asked atomic.Value
		s := gauge(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Store(r.RequestURI)
			fmt.Fprint(w, `{"v":1}`)
		})
		s.URL = strings.Replace(s.URL, "/{{.Version}}?key=hidden-in-url", template, 1)
		s.CanaryOnly = true
		_, err := s.Observe(t.Context(), w)
		require.NoError(t, err, template)
		require.Equal(t, want, asked.Load(), template)
	}
}

func TestNamesThatAreNotSafe(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "a b", "a,b", "a}", `a"`, "a'", "a\n", "a&b", "a?b", "a#b", "a%2f", "ä", "a*", "a{", "\xff"} {
		s := gauge(t, func(http.ResponseWriter, *http.Request) { t.Error("asked about", name) })
		s.CanaryOnly = true
		w := exampleWindow()
		w.Canary.Version = name
		_, err := s.Observe(t.Context(), w)
		require.ErrorContains(t, err, "the version of the canary", name)

		s = gauge(t, func(http.ResponseWriter, *http.Request) { t.Error("asked about", name) })
		s.CanaryOnly = true
		s.URL += `&m={{.Members ","}}`
		w = exampleWindow()
		w.Canary.Members[1].Name = name
		_, err = s.Observe(t.Context(), w)
		require.ErrorContains(t, err, "the name of a target", name)
	}
}

func TestArms(t *testing.T) {
	t.Parallel()
	reply := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, map[string]string{"/v2": `{"v":1,"other":5}`, "/v1": `{"v":2,"other":6}`, "/old/v1": `{"v":3}`}[r.URL.Path])
	}
	for name, test := range map[string]struct {
		change           func(*jsonapi.Source, *analysis.Window)
		canary, baseline analysis.Sample
		noData           bool
	}{
		"both asked": {func(*jsonapi.Source, *analysis.Window) {}, analysis.Gauge(1), analysis.Gauge(2), false},
		"another URL": {func(s *jsonapi.Source, _ *analysis.Window) {
			s.BaselineURL = strings.Replace(s.URL, "/{{", "/old/{{", 1)
		}, analysis.Gauge(1), analysis.Gauge(3), false},
		"another path": {func(s *jsonapi.Source, _ *analysis.Window) { s.Baseline.Value = at("/other") }, analysis.Gauge(1), analysis.Gauge(6), false},
		"one answer":   {func(s *jsonapi.Source, _ *analysis.Window) { s.Both, s.Baseline.Value = true, at("/other") }, analysis.Gauge(1), analysis.Gauge(5), false},
		"one answer, one arm": {func(s *jsonapi.Source, w *analysis.Window) {
			s.Both, s.Baseline.Value, w.Baseline.Members = true, at("/none"), nil
		}, analysis.Gauge(1), analysis.Sample{}, false},
		"canary only":         {func(s *jsonapi.Source, _ *analysis.Window) { s.CanaryOnly = true }, analysis.Gauge(1), analysis.Sample{}, false},
		"no baseline":         {func(_ *jsonapi.Source, w *analysis.Window) { w.Baseline.Members = nil }, analysis.Gauge(1), analysis.Sample{}, false},
		"no canary":           {func(_ *jsonapi.Source, w *analysis.Window) { w.Canary.Members = nil }, analysis.Sample{}, analysis.Sample{}, true},
		"missing at baseline": {func(s *jsonapi.Source, _ *analysis.Window) { s.Baseline.Value = at("/none") }, analysis.Sample{}, analysis.Sample{}, true},
		"too new a canary": {func(s *jsonapi.Source, w *analysis.Window) {
			s.URL += `&m={{.Members ","}}`
			for i := range w.Canary.Members {
				w.Canary.Members[i].Since = w.Start.Add(1)
			}
		}, analysis.Sample{}, analysis.Sample{}, true},
		"too new a baseline": {func(s *jsonapi.Source, w *analysis.Window) {
			s.URL += `&m={{.Members ","}}`
			w.Baseline.Members[0].Since = w.Start.Add(1)
		}, analysis.Gauge(1), analysis.Sample{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := gauge(t, reply), exampleWindow()
			test.change(s, &w)
			o, err := s.Observe(t.Context(), w)
			require.Equal(t, test.canary, o.Canary)
			require.Equal(t, test.baseline, o.Baseline)
			if test.noData {
				require.ErrorIs(t, err, analysis.ErrNoData)
				return
			}
			require.NoError(t, err)
			require.Equal(t, w.End, o.At)
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		err     string
		noData  bool
	}{
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", 500) }, "500 Internal Server Error (3 attempts): \"down\"", false},
		"403 that repeats the secrets": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "bad key sesame, open-up, "+r.Header.Get("Authorization")+", "+r.URL.RawQuery, http.StatusForbidden)
		}, `403 Forbidden: "bad key [redacted], [redacted], [redacted], [redacted]"`, false},
		"HTML that repeats them": {says("<html>sesame open-up"), `not JSON: invalid character '<' looking for beginning of value (content type "text/html; charset=utf-8", beginning "<html>[redacted] [redacted]")`, false},
		"a refusal that does":    {says(`{"v":1,"errors":[{"message":"no query for sesame"}]}`), `the API says at /errors: "[{\"message\":\"no query for [redacted]\"}]"`, false},
		"a refusal in words":     {says(`{"v":1,"errors":"no"}`), `the API says at /errors: "no"`, false},
		"no refusal":             {says(`{"v":"x","errors":[]}`), "a string at /v", false},
		"nothing":                {says(""), "unexpected EOF", false},
		"no content":             {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "unexpected EOF", false},
		"truncated JSON":         {says(`{"v":1`), "unexpected EOF", false},
		"missing":                {says(`{"w":1}`), "jsonapi: the canary: analysis: no data: nothing at /v", true},
		"two documents":          {says(`{"v":1}{"v":2}`), "more after the document", false},
		"an array":               {says(`{"v":[1,2]}`), "an array of 2 elements at /v: set Take", false},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"v":1}`)
		}, "reading the body: unexpected EOF (3 attempts)", false},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.com/login", http.StatusFound)
		}, "refused to follow a redirect", false},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "context deadline exceeded", false},
		"trickles": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"v":1`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "context deadline exceeded", false},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 1<<16))
			}
		}, "the response is too large: limit 1048576 bytes", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := gauge(t, test.handler)
			s.CanaryOnly, s.Refusal, s.MaxBody = true, "/errors", 1<<20
			limit := time.Minute
			if strings.HasPrefix(test.err, "context") {
				limit = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			o, err := s.Observe(ctx, exampleWindow())
			require.ErrorContains(t, err, test.err)
			require.Equal(t, test.noData, errors.Is(err, analysis.ErrNoData))
			require.Zero(t, o)
			var status *httpx.StatusError
			shown := fmt.Sprintf("%v %+v %#v", err, s, s)
			if errors.As(err, &status) {
				shown += string(status.Body)
			}
			for _, secret := range []string{"sesame", "open-up", "hidden-in-url"} {
				require.NotContains(t, shown, secret)
			}
		})
	}
}

func TestObserveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the gate closed")
	s := gauge(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(stop)
		<-r.Context().Done()
	})
	for range 2 {
		_, err := s.Observe(ctx, exampleWindow())
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, stop)
	}
}

func TestAuthorizeFails(t *testing.T) {
	t.Parallel()
	s := gauge(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	expired := errors.New("the token has expired")
	s.Authorize = func(*http.Request) error { return expired }
	_, err := s.Observe(t.Context(), exampleWindow())
	require.ErrorIs(t, err, expired)
}

func TestConcurrentObservations(t *testing.T) {
	t.Parallel()
	s := gauge(t, says(`{"v":7}`))
	done := make(chan error)
	for range 8 {
		go func() {
			o, err := s.Observe(t.Context(), exampleWindow())
			if err == nil && !reflect.DeepEqual(o.Baseline, analysis.Gauge(7)) {
				err = errors.New("another's figure")
			}
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	good := func() *jsonapi.Source {
		return &jsonapi.Source{
			URL:    "https://api.example.com/x?v={{.Version}}&from={{.Start}}&to={{.End}}",
			Canary: jsonapi.Figures{Events: at("/e"), Total: at("/t")},
		}
	}
	value := jsonapi.Figures{Value: at("/v")}
	for name, test := range map[string]struct {
		change func(*jsonapi.Source)
		want   string
	}{
		"good":                 {func(*jsonapi.Source) {}, ""},
		"good, both":           {func(s *jsonapi.Source) { s.Both, s.Baseline = true, jsonapi.Figures{Events: at("/f"), Total: at("/u")} }, ""},
		"good gauge":           {func(s *jsonapi.Source) { s.URL, s.Canary = "https://a/x?{{.Arm}}", value }, ""},
		"good, canary only":    {func(s *jsonapi.Source) { s.URL, s.Canary, s.CanaryOnly = "https://a/x", value, true }, ""},
		"no URL":               {func(s *jsonapi.Source) { s.URL = "" }, "URL is empty"},
		"no scheme":            {func(s *jsonapi.Source) { s.URL = "sesame/x" }, "URL is malformed (not shown"},
		"template as the host": {func(s *jsonapi.Source) { s.URL = "https://{{.Version}}.example.com/?{{.Start}}" }, "URL is malformed"},
		"template in the host": {func(s *jsonapi.Source) { s.URL = "https://x{{.Version}}/?{{.Start}}" }, "URL is malformed"},
		"template as the port": {func(s *jsonapi.Source) { s.URL = "https://x:{{.Start}}/" }, "URL is malformed"},
		"user":                 {func(s *jsonapi.Source) { s.URL = "https://a:sesame@b/{{.Version}}" }, "URL holds a user"},
		"bad template":         {func(s *jsonapi.Source) { s.URL = "https://a/sesame{{.Version" }, "URL is no template"},
		"unknown field":        {func(s *jsonapi.Source) { s.URL = "https://a/{{.Nope}}" }, "URL can't be filled in"},
		"bad escape": {func(s *jsonapi.Source) {
			s.URL += "{{if .IsCanary}}%zz{{end}}"
			s.URL = strings.Replace(s.URL, "/x?", "/", 1)
		}, "URL is malformed"},
		"bad baseline URL":     {func(s *jsonapi.Source) { s.BaselineURL = "x" }, "BaselineURL is malformed"},
		"same arms":            {func(s *jsonapi.Source) { s.URL = "https://a/?{{.Start}}" }, "URL asks the same of the canary"},
		"same window":          {func(s *jsonapi.Source) { s.URL = "https://a/?{{.Version}}" }, "URL asks the same whatever the window"},
		"same baseline window": {func(s *jsonapi.Source) { s.BaselineURL = "https://a/?{{.Version}}" }, "BaselineURL asks the same whatever the window"},
		"no figures":           {func(s *jsonapi.Source) { s.Canary = jsonapi.Figures{} }, "Canary is empty"},
		"half a count":         {func(s *jsonapi.Source) { s.Canary.Total = jsonapi.Figure{} }, "Canary.Total is empty"},
		"count and value":      {func(s *jsonapi.Source) { s.Canary.Value = at("/v") }, "Canary has both"},
		"events are total":     {func(s *jsonapi.Source) { s.Canary.Events = s.Canary.Total }, "Canary.Events is where Total is"},
		"no pointer":           {func(s *jsonapi.Source) { s.Canary.Events.Path = "$.e" }, "Canary.Events.Path is no JSON pointer"},
		"no item pointer":      {func(s *jsonapi.Source) { s.Canary.Events.Item, s.Canary.Events.Take = "1", jsonapi.Sum }, "Canary.Events.Item is no JSON pointer"},
		"item without rule":    {func(s *jsonapi.Source) { s.Canary.Events.Item = "/1" }, "Canary.Events.Item is for the elements"},
		"unknown rule":         {func(s *jsonapi.Source) { s.Canary.Events.Take = 9 }, "Canary.Events.Take unknown rule 9"},
		"different kinds":      {func(s *jsonapi.Source) { s.Baseline = value }, "Baseline has a value where"},
		"bad baseline":         {func(s *jsonapi.Source) { s.Baseline = jsonapi.Figures{Events: at("e"), Total: at("/t")} }, "Baseline.Events.Path"},
		"both, no baseline":    {func(s *jsonapi.Source) { s.Both = true }, "Baseline is empty"},
		"both, same":           {func(s *jsonapi.Source) { s.Both, s.Baseline = true, s.Canary }, "Baseline is the same as Canary"},
		"both, two URLs": {func(s *jsonapi.Source) {
			s.Both, s.Baseline, s.BaselineURL = true, jsonapi.Figures{Events: at("/f"), Total: at("/u")}, s.URL
		}, "BaselineURL is set and so is Both"},
		"both, canary only": {func(s *jsonapi.Source) {
			s.Both, s.CanaryOnly, s.Baseline = true, true, jsonapi.Figures{Events: at("/f"), Total: at("/u")}
		}, "CanaryOnly is set and so is Both"},
		"canary only, baseline": {func(s *jsonapi.Source) { s.CanaryOnly, s.BaselineURL = true, s.URL }, "CanaryOnly is set, but"},
		"refusal":               {func(s *jsonapi.Source) { s.Refusal = "errors" }, "Refusal is no JSON pointer"},
		"TLS twice":             {func(s *jsonapi.Source) { s.TLS, s.Transport = &tls.Config{}, http.DefaultTransport }, "TLS is set and so is Transport"},
		"timeout":               {func(s *jsonapi.Source) { s.Timeout = -1 }, "Timeout is negative"},
		"body":                  {func(s *jsonapi.Source) { s.MaxBody = -1 }, "MaxBody is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good()
			test.change(s)
			var all []string
			s.Problems(func(path, msg string) { all = append(all, path+" "+msg) })
			if test.want == "" {
				require.Empty(t, all)
				return
			}
			require.Len(t, all, 1)
			require.Contains(t, all[0], test.want)
			require.NotContains(t, all[0], "sesame")
			_, err := s.Observe(t.Context(), exampleWindow())
			require.ErrorContains(t, err, "jsonapi: Source."+test.want, "nor does it ask")
			s.CloseIdleConnections()
		})
	}
}

func TestTakeNames(t *testing.T) {
	t.Parallel()
	for take, want := range map[jsonapi.Take]string{jsonapi.Refuse: "refuse", jsonapi.First: "first", jsonapi.Last: "last", jsonapi.Sum: "sum", 9: "Take(9)"} {
		require.Equal(t, want, take.String())
	}
}
