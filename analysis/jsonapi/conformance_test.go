package jsonapi_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/analysistest"
	"github.com/tidegate-go/tidegate/analysis/jsonapi"
)

// orders is an API that knows how many orders of each version failed, and when.
type orders struct {
	mu     sync.Mutex
	placed []order
	broken bool
	asked  chan struct{} // not nil while it hangs
}

type order struct {
	version     string
	at          int64 // Unix seconds
	failed, all int
}

func (o *orders) place(version string, at time.Time, failed, all int) analysis.Sample {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.placed = append(o.placed, order{version, at.Unix(), failed, all})
	return analysis.Counts(uint64(failed), uint64(all))
}

func (o *orders) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	broken, asked := o.broken, o.asked
	o.mu.Unlock()
	switch {
	case broken: // as many APIs do it
		fmt.Fprint(w, `{"error": "query failed", "orders": {"failed": 0, "all": 0}}`)
		return
	case asked != nil:
		select {
		case asked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
		return
	}
	from, _ := strconv.ParseInt(r.FormValue("from"), 10, 64)
	to, _ := strconv.ParseInt(r.FormValue("to"), 10, 64)
	sum := map[string][2]int{}
	o.mu.Lock()
	for _, p := range o.placed {
		if from <= p.at && p.at < to {
			sum[p.version] = [2]int{sum[p.version][0] + p.failed, sum[p.version][1] + p.all}
		}
	}
	o.mu.Unlock()
	one := func(version string) string {
		return fmt.Sprintf(`{"orders": {"failed": %d, "all": %d}}`, sum[version][0], sum[version][1])
	}
	if version := r.FormValue("version"); version != "" {
		fmt.Fprint(w, one(version))
		return
	}
	fmt.Fprintf(w, `{"new": %s, "old": %s}`, one(r.FormValue("new")), one(r.FormValue("old")))
}

func TestSourceConforms(t *testing.T) {
	t.Parallel()
	figures := func(prefix string) jsonapi.Figures {
		return jsonapi.Figures{
			Events: jsonapi.Figure{Path: prefix + "/orders/failed"},
			Total:  jsonapi.Figure{Path: prefix + "/orders/all"},
		}
	}
	for name, settings := range map[string]func(url string) *jsonapi.Source{
		"an answer for each arm": func(url string) *jsonapi.Source {
			return &jsonapi.Source{
				URL:     url + "/orders?version={{.Version}}&from={{.Start}}&to={{.End}}",
				Canary:  figures(""),
				Refusal: "/error",
			}
		},
		"an answer for both": func(url string) *jsonapi.Source {
			return &jsonapi.Source{
				URL:  url + "/orders?new={{.CanaryVersion}}&old={{.BaselineVersion}}&from={{.Start}}&to={{.End}}",
				Both: true, Canary: figures("/new"), Baseline: figures("/old"),
				Refusal: "/error",
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			analysistest.TestSource(t, func(t testing.TB) analysistest.Rig {
				api := new(orders)
				server := httptest.NewUnstartedServer(api)
				server.Config.ErrorLog = log.New(io.Discard, "", 0)
				server.Start()
				t.Cleanup(server.Close)
				source := settings(server.URL)
				t.Cleanup(source.CloseIdleConnections)
				return analysistest.Rig{
					Source: source,
					Traffic: func(w analysis.Window) (canary, baseline analysis.Sample) {
						canary = api.place(w.Canary.Version, w.Start, 3, 120)
						return canary, api.place(w.Baseline.Version, w.End.Add(-time.Second), 2, 980)
					},
					Break: func() {
						api.mu.Lock()
						defer api.mu.Unlock()
						api.broken = true
					},
					Hang: func() <-chan struct{} {
						api.mu.Lock()
						defer api.mu.Unlock()
						api.asked = make(chan struct{}, 1)
						return api.asked
					},
				}
			})
		})
	}
}
