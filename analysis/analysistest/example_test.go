package analysistest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/analysistest"
	"github.com/tidegate-go/tidegate/analysis/jsonapi"
)

// TestSourceConforms is what the test of a source looks like.
func TestSourceConforms(t *testing.T) {
	analysistest.TestSource(t, queueLength)
}

func Example() {
	// In the _test.go file of a package with a source of its own:
	_ = func(t *testing.T) {
		analysistest.TestSource(t, queueLength)
	}
	// Output:
}

// queueLength builds a source of a queue's length, and a backend that knows it.
func queueLength(t testing.TB) analysistest.Rig {
	length := map[string]float64{}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if length == nil {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, `{"length": %v}`, length[r.FormValue("version")])
	}))
	t.Cleanup(api.Close)
	source := &jsonapi.Source{ // here: one's own
		URL:    api.URL + "/queue?version={{.Version}}",
		Canary: jsonapi.Figures{Value: jsonapi.Figure{Path: "/length"}},
	}
	t.Cleanup(source.CloseIdleConnections)
	return analysistest.Rig{
		Source: source,
		Traffic: func(w analysis.Window) (canary, baseline analysis.Sample) {
			length[w.Canary.Version]++
			length[w.Baseline.Version] = 5
			return analysis.Gauge(length[w.Canary.Version]), analysis.Gauge(5)
		},
		Break: func() { length = nil },
	}
}
