package scrape_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

func Example() {
	// Two targets. What they serve moves on with every scrape.
	page := func(errorsEach int) http.HandlerFunc {
		scrapes := 0
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			fmt.Fprintf(w, "http_requests_total{code=\"200\"} %d\n", 5000+100*scrapes)
			fmt.Fprintf(w, "http_requests_total{code=\"503\"} %d\n", 70+errorsEach*scrapes)
			scrapes++
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/web-1/metrics", page(4))
	mux.Handle("/web-2/metrics", page(1))
	server := httptest.NewServer(mux)
	defer server.Close()

	errors := &scrape.Counters{
		URL:    func(target string) string { return server.URL + "/" + target + "/metrics" },
		Total:  scrape.Counter{Name: "http_requests_total"},
		Events: scrape.Counter{Name: "http_requests_total", Match: map[string]string{"code": "5.."}},
	}
	defer errors.CloseIdleConnections()

	deployed := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	w := analysis.Window{
		Start:    deployed,
		Canary:   analysis.Arm{Version: "v2", Members: []analysis.Member{{Name: "web-1", Since: deployed}}},
		Baseline: analysis.Arm{Version: "v1", Members: []analysis.Member{{Name: "web-2"}}},
	}
	for range 3 {
		w.End = w.Start.Add(10 * time.Second)
		o, err := errors.Observe(context.Background(), w)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s canary %d of %d, baseline %d of %d\n", o.At.Format(time.TimeOnly),
			o.Canary.Events, o.Canary.Total, o.Baseline.Events, o.Baseline.Total)
		w.Start = w.End
	}
	// Output:
	// 12:00:10 canary 0 of 0, baseline 0 of 0
	// 12:00:20 canary 4 of 104, baseline 1 of 101
	// 12:00:30 canary 4 of 104, baseline 1 of 101
}

func ExampleHistogram() {
	// Two targets whose requests take up to 100 ms, up to a second, or longer.
	page := func(slowEach int) http.HandlerFunc {
		scrapes := 0
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			fmt.Fprintln(w, "# TYPE http_request_duration_seconds histogram")
			for le, each := range map[string]int{"0.1": 90, "1": 100, "+Inf": 100 + slowEach} {
				fmt.Fprintf(w, "http_request_duration_seconds_bucket{le=%q} %d\n", le, 7000+each*scrapes)
			}
			scrapes++
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/web-1/metrics", page(8))
	mux.Handle("/web-2/metrics", page(1))
	server := httptest.NewServer(mux)
	defer server.Close()

	latency := &scrape.Histogram{
		URL:  func(target string) string { return server.URL + "/" + target + "/metrics" },
		Name: "http_request_duration_seconds",
	}
	defer latency.CloseIdleConnections()

	deployed := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	w := analysis.Window{
		Start:    deployed,
		Canary:   analysis.Arm{Version: "v2", Members: []analysis.Member{{Name: "web-1", Since: deployed}}},
		Baseline: analysis.Arm{Version: "v1", Members: []analysis.Member{{Name: "web-2"}}},
	}
	if err := latency.Preflight(context.Background(), w); err != nil { // counts nothing
		fmt.Println(err)
		return
	}
	for range 2 {
		w.End = w.Start.Add(10 * time.Second)
		o, err := latency.Observe(context.Background(), w)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("up to", o.Canary.Bounds, "canary", o.Canary.Buckets, "of", o.Canary.Total, "baseline", o.Baseline.Buckets, "of", o.Baseline.Total)
		w.Start = w.End
	}
	// Output:
	// up to [0.1 1] canary [0 0] of 0 baseline [0 0] of 0
	// up to [0.1 1] canary [90 100] of 108 baseline [90 100] of 101
}
