package jsonapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/jsonapi"
)

func exampleWindow() analysis.Window {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	return analysis.Window{
		Start: noon, End: noon.Add(10 * time.Second), Wave: 1,
		Canary:   analysis.Arm{Version: "v2", Members: []analysis.Member{{Name: "web-1"}, {Name: "web-3"}}},
		Baseline: analysis.Arm{Version: "v1", Members: []analysis.Member{{Name: "web-2"}}},
	}
}

func Example() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("version") == "v1" {
			fmt.Fprint(w, `{"orders": {"failed": 2, "all": 9800}}`)
			return
		}
		fmt.Println(r.URL, r.Header.Get("X-Api-Key"))
		fmt.Fprint(w, `{"orders": {"failed": 3, "all": 1200}}`)
	}))
	defer api.Close()

	errors := &jsonapi.Source{
		URL: api.URL + "/v1/orders?version={{.Version}}&from={{.Start}}&to={{.End}}",
		Canary: jsonapi.Figures{
			Events: jsonapi.Figure{Path: "/orders/failed"},
			Total:  jsonapi.Figure{Path: "/orders/all"},
		},
		Header: http.Header{"X-Api-Key": {"sesame"}},
	}
	defer errors.CloseIdleConnections()

	o, err := errors.Observe(context.Background(), exampleWindow())
	fmt.Printf("canary %d of %d, baseline %d of %d, %v\n", o.Canary.Events, o.Canary.Total, o.Baseline.Events, o.Baseline.Total, err)
	// Output:
	// /v1/orders?version=v2&from=1893499200&to=1893499210 sesame
	// canary 3 of 1200, baseline 2 of 9800, <nil>
}

// One answer with the figures of both arms, as lists of points in time.
func Example_both() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"series": {"new": [[1893499200, 12.1], [1893499210, 12.5]], "old": [[1893499200, 11.2], [1893499210, 11]]}}`)
	}))
	defer api.Close()

	latency := &jsonapi.Source{
		URL:      api.URL + "/latency?from={{.StartTime}}&to={{.EndTime}}",
		Both:     true,
		Canary:   jsonapi.Figures{Value: jsonapi.Figure{Path: "/series/new", Take: jsonapi.Last, Item: "/1"}},
		Baseline: jsonapi.Figures{Value: jsonapi.Figure{Path: "/series/old", Take: jsonapi.Last, Item: "/1"}},
	}
	defer latency.CloseIdleConnections()
	o, err := latency.Observe(context.Background(), exampleWindow())
	fmt.Println(o.Canary.Value, o.Baseline.Value, err)
	// Output: 12.5 11 <nil>
}
