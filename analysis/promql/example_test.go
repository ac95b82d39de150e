package promql_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

func Example() {
	// What stands in for Prometheus shows the queries, and has errors in the canary.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, value := r.FormValue("query"), 1000.0
		if strings.Contains(query, "5..") {
			value = 2.1
			if strings.Contains(query, "web-1") {
				value = 40.3
				fmt.Println(query)
			}
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"%v"]}]}}`, r.FormValue("time"), value)
	}))
	defer server.Close()

	errors := &promql.Counts{
		Server: &promql.Server{URL: server.URL},
		Total:  `sum(increase(http_requests_total{pod=~"{{.Arm}}"}[{{.Window}}]))`,
		Events: `sum(increase(http_requests_total{pod=~"{{.Arm}}", code=~"5.."}[{{.Window}}]))`,
	}
	defer errors.Server.CloseIdleConnections()

	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	o, err := errors.Observe(context.Background(), analysis.Window{
		Start: noon, End: noon.Add(90 * time.Second), Wave: 1,
		Canary:   analysis.Arm{Version: "v2", Members: []analysis.Member{{Name: "web-1"}, {Name: "web-1.b"}}},
		Baseline: analysis.Arm{Version: "v1", Members: []analysis.Member{{Name: "web-2"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("canary %d of %d, baseline %d of %d\n", o.Canary.Events, o.Canary.Total, o.Baseline.Events, o.Baseline.Total)
	// Output:
	// sum(increase(http_requests_total{pod=~"(?:web-1|web-1\\.b)", code=~"5.."}[1m30s]))
	// canary 40 of 1000, baseline 2 of 1000
}

// Problems finds what would go wrong, or worse, not be noticed, before a rollout
// starts.
func ExampleCounts_Problems() {
	errors := &promql.Counts{
		Server: &promql.Server{URL: "http://prometheus:9090"},
		Total:  `sum(increase(http_requests_total[{{.Window}}]))`,
		Events: `sum(rate(http_requests_total{pod="{{.Arm}}", code=~"5.."}[5m])) or vector(0)`,
	}
	errors.Problems(func(path, msg string) { fmt.Println(path, strings.SplitN(msg, ":", 2)[0]) })
	// Output:
	// Total asks the same of the canary and of the baseline
	// Events compares by = or != with a pattern
	// Events ends in a number where there is no data (or vector(0))
	// Events is a rate per second, not a count
	// Events asks the same whatever the window, so windows that overlap would count events twice
}
