package promql_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

var end = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// window is 10 s long, with members such as "a b" that were there before it.
func window(canary, baseline string) analysis.Window {
	return analysis.Window{
		Start: end.Add(-10 * time.Second), End: end, Wave: 2,
		Canary:   analysis.Arm{Version: "v2", Members: members(canary)},
		Baseline: analysis.Arm{Version: "v1", Members: members(baseline)},
	}
}

func members(list string) (m []analysis.Member) {
	for _, name := range strings.Fields(list) {
		m = append(m, analysis.Member{Name: name, Labels: map[string]string{"zone": "z-" + name}, Since: end.Add(-time.Hour)})
	}
	return m
}

// serve starts a server, and a promql.Server that asks it.
func serve(t testing.TB, handler http.HandlerFunc) *promql.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	s := &promql.Server{URL: server.URL}
	t.Cleanup(s.CloseIdleConnections)
	return s
}

// replies answers each query with what reply says is the result.
func replies(t testing.TB, reply func(query string) string) *promql.Server {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, success("vector", reply(r.FormValue("query"))))
	})
}

func success(kind, result string) string {
	return fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, result)
}

// value is a vector of one, at the end of the window.
func value(v any) string { return fmt.Sprintf(`[{"metric":{},"value":[%d,"%v"]}]`, end.Unix(), v) }

func gauge(s *promql.Server) *promql.Gauge {
	return &promql.Gauge{Server: s, Query: `max(queue{pod=~"{{.Arm}}"})`}
}

func counts(s *promql.Server) *promql.Counts {
	return &promql.Counts{
		Server: s,
		Total:  `sum(increase(reqs{pod=~"{{.Arm}}"}[{{.Window}}]))`,
		Events: `sum(increase(reqs{pod=~"{{.Arm}}",code="500"}[{{.Window}}]))`,
	}
}
