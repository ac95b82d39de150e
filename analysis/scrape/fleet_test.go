package scrape_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

// fleet is a real server with one page per target, at /target/metrics.
type fleet struct {
	server *httptest.Server
	mu     sync.Mutex
	pages  map[string]http.HandlerFunc
}

func newFleet(t testing.TB) *fleet {
	f := &fleet{pages: make(map[string]http.HandlerFunc)}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		f.mu.Lock()
		page := f.pages[target]
		f.mu.Unlock()
		if page == nil {
			http.Error(w, "no such target", http.StatusNotFound)
			return
		}
		page(w, r)
	}))
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.server.Start()
	t.Cleanup(f.server.Close)
	return f
}

func (f *fleet) handle(target string, page http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages[target] = page
}

// show sets a target's page.
func (f *fleet) show(target, page string) {
	f.handle(target, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprint(w, page)
	})
}

// serve sets a target's counters: requests that went well, and that did not.
func (f *fleet) serve(target string, good, bad int) {
	f.show(target, fmt.Sprintf("reqs_total{code=\"200\"} %d\nreqs_total{code=\"500\"} %d\n", good, bad))
}

// counters reads the fleet's pages as the plan of a user would.
func (f *fleet) counters(t testing.TB) *scrape.Counters {
	c := &scrape.Counters{
		URL:    func(target string) string { return f.server.URL + "/" + target + "/metrics" },
		Total:  scrape.Counter{Name: "reqs_total"},
		Events: scrape.Counter{Name: "reqs_total", Match: map[string]string{"code": "5.."}},
		// Long enough never to matter; tests that wait for it set their own.
		Timeout: time.Minute,
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

var start = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// at is the end of the n-th window, each of 10 s.
func at(n int) time.Time { return start.Add(time.Duration(n) * 10 * time.Second) }

// window is the n-th, with members such as "a b". A member "a@3" is in its arm
// since the end of the third window, the others since the start.
func window(n int, canary, baseline string) analysis.Window {
	return analysis.Window{
		Start: at(n - 1), End: at(n), Wave: 1,
		Canary:   analysis.Arm{Version: "v2", Members: members(canary)},
		Baseline: analysis.Arm{Version: "v1", Members: members(baseline)},
	}
}

func members(list string) (m []analysis.Member) {
	for _, word := range strings.Fields(list) {
		name, since, _ := strings.Cut(word, "@")
		n := 0
		_, _ = fmt.Sscan(since, &n)
		m = append(m, analysis.Member{Name: name, Since: at(n)})
	}
	return m
}
