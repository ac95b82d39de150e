package scrape_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/analysistest"
)

func TestCountersConform(t *testing.T) {
	t.Parallel()
	analysistest.TestSource(t, func(t testing.TB) analysistest.Rig {
		f := newFleet(t)
		served := make(map[string][2]int) // good and bad requests by target
		serve := func(target string, good, bad int) {
			n := served[target]
			served[target] = [2]int{n[0] + good, n[1] + bad}
			f.serve(target, n[0]+good, n[1]+bad)
		}
		serve("canary-1", 1000, 70) // before anyone looks
		serve("baseline-1", 9000, 80)
		return f.rig(f.counters(t), func(analysis.Window) (canary, baseline analysis.Sample) {
			serve("canary-1", 95, 5)
			serve("baseline-1", 199, 1)
			return analysis.Counts(5, 100), analysis.Counts(1, 200)
		})
	})
}

// rig is that of a source that reads the pages of canary-1 and baseline-1.
func (f *fleet) rig(source analysis.Source, traffic func(analysis.Window) (canary, baseline analysis.Sample)) analysistest.Rig {
	all := func(page http.HandlerFunc) {
		for _, target := range []string{"canary-1", "baseline-1"} {
			f.handle(target, page)
		}
	}
	return analysistest.Rig{
		Source:  source,
		Traffic: traffic,
		Break: func() {
			all(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain; version=0.0.4")
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprint(w, "reqs_total{code=\"200\"} 0\n")
			})
		},
		Hang: func() <-chan struct{} {
			asked := make(chan struct{}, 1)
			all(func(_ http.ResponseWriter, r *http.Request) {
				select {
				case asked <- struct{}{}:
				default:
				}
				<-r.Context().Done()
			})
			return asked
		},
	}
}
