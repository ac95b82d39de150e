package promql_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// A shop is a target that serves as it is told, and may be started anew.
type shop struct {
	pod, zone string
	mu        sync.Mutex
	requests  *prometheus.CounterVec
	took      prometheus.Histogram
	page      http.Handler
}

// restart forgets all that was counted.
func (s *shop) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "shop_requests_total", Help: "Requests."}, []string{"code"})
	s.took = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "shop_seconds", Help: "How long.", Buckets: []float64{0.1, 1}})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s.requests, s.took)
	s.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func (s *shop) serve(code string, n int, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.WithLabelValues(code).Add(float64(n))
	for range n {
		s.took.Observe(seconds)
	}
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	page := s.page
	s.mu.Unlock()
	page.ServeHTTP(w, r)
}

// open starts the shops, and returns a configuration to scrape them.
func open(t *testing.T, shops ...*shop) (config string) {
	var b strings.Builder
	fmt.Fprint(&b, "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n- job_name: shop\n  static_configs:\n")
	for _, s := range shops {
		s.restart()
		server := httptest.NewUnstartedServer(s)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		t.Cleanup(server.Close)
		fmt.Fprintf(&b, "  - targets: [%q]\n    labels: {pod: %s, zone: %s}\n", server.Listener.Addr().String(), s.pod, s.zone)
	}
	file := filepath.Join(t.TempDir(), "scrape.yml")
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	return file
}

func TestCountingWithPrometheus(t *testing.T) {
	t.Parallel()
	testCounting(t, prometheusServer)
}

func TestCountingWithVictoriaMetrics(t *testing.T) {
	t.Parallel()
	testCounting(t, victoriaMetrics)
}

// What was served is counted to the last request, over many windows that are no
// multiple of the scrape interval, with a first error and a restart in between. Other
// ways to count come close.
func testCounting(t *testing.T, d daemon) {
	one, two, old := &shop{pod: "one", zone: "north"}, &shop{pod: "two", zone: "south"}, &shop{pod: "old", zone: "north"}
	shops := []*shop{one, two, old}
	s := d.start(t, open(t, shops...))
	for _, shop := range shops {
		shop.serve("200", 1000, 0.05)
	}
	seen := func(query string, want float64) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			result, err := s.Query(t.Context(), query, time.Now())
			require.NoError(c, err)
			require.Len(c, result, 1)
			require.InDelta(c, want, result[0].Points[0].Value, 1e-9)
		}, time.Minute, 50*time.Millisecond)
	}
	seen(`sum(shop_requests_total)`, 3000)

	exact := &promql.Counters{
		Server: s, By: "zone", EventsOptional: true, Lookback: 30 * time.Second,
		Total:  `shop_requests_total{pod=~"{{.Arm}}"}`,
		Events: `shop_requests_total{pod=~"{{.Arm}}", code="500"}`,
	}
	estimate := &promql.Counts{
		Server: s, By: "zone", EventsOptional: true,
		Total:  `sum by (zone) (increase(shop_requests_total{pod=~"{{.Arm}}"}[{{.Window}}]))`,
		Events: `sum by (zone) (increase(shop_requests_total{pod=~"{{.Arm}}", code="500"}[{{.Window}}]))`,
	}
	took := &promql.Histogram{
		Server: s,
		Query:  `sum by (le) (increase(shop_seconds_bucket{pod=~"{{.Arm}}"}[{{.Window}}]))`,
	}
	began := time.Now()
	w := window("one two", "old")
	w.End = began
	for _, members := range [][]analysis.Member{w.Canary.Members, w.Baseline.Members} {
		for i := range members {
			members[i].Since = time.Time{}
		}
	}
	const windows = 12
	var canary, baseline, guess analysis.Sample
	zones := map[string]analysis.Sample{}
	add := func(a, b analysis.Sample) analysis.Sample { return analysis.Counts(a.Events+b.Events, a.Total+b.Total) }
	observe := func() {
		w.Start, w.End = w.End, time.Now()
		o, err := exact.Observe(t.Context(), w)
		require.NoError(t, err)
		canary, baseline = add(canary, o.Canary), add(baseline, o.Baseline)
		for _, z := range o.Slices {
			zones[z.Name] = add(zones[z.Name], z.Canary)
		}
	}
	for i := range windows {
		for range 7 {
			one.serve("200", 3, 0.05)
			two.serve("200", 2, 0.5)
			old.serve("200", 5, 5)
			if i >= 3 {
				two.serve("500", 1, 5)
			}
			time.Sleep(87 * time.Millisecond)
		}
		if i == 7 || i == windows-1 { // so that all has been seen
			seen(`sum(shop_requests_total{pod="one"}) + 0`, map[int]float64{7: 1000 + 8*21, windows - 1: 4 * 21}[i])
			seen(`sum(shop_requests_total{pod="two", code="500"})`, float64((i-2)*7))
			seen(`sum(shop_requests_total{pod="old"})`, float64(1000+35*(i+1)))
		}
		if i == 7 {
			one.restart()
		}
		observe()
		if o, err := estimate.Observe(t.Context(), w); err == nil {
			guess = add(guess, o.Canary)
		} else {
			require.ErrorIs(t, err, analysis.ErrNoData)
		}
	}
	const ones, twos, errors = 3 * 7 * windows, 2 * 7 * windows, 7 * (windows - 3)
	// VictoriaMetrics may take some 15 s to find a new series by a selector that it has
	// been asked about before.
	for range 60 {
		if canary.Total >= ones+twos+errors {
			break
		}
		time.Sleep(500 * time.Millisecond)
		observe()
	}
	observe()
	require.Equal(t, analysis.Counts(errors, ones+twos+errors), canary)
	require.Equal(t, analysis.Counts(0, 5*7*windows), baseline)
	require.Equal(t, map[string]analysis.Sample{"north": analysis.Counts(0, ones), "south": analysis.Counts(errors, twos+errors)}, zones)
	// It extrapolates, and only by chance comes to the same.
	t.Logf("increase() has %d errors of %d, where there were %d of %d", guess.Events, guess.Total, canary.Events, canary.Total)

	t.Run("history", func(t *testing.T) {
		whole := w
		whole.Start = began
		every := whole.End.Sub(began).Truncate(time.Millisecond) / 4
		all, err := exact.History(t.Context(), whole, every.Truncate(time.Millisecond))
		require.NoError(t, err)
		var sum analysis.Sample
		for _, o := range all {
			sum = add(sum, o.Canary)
		}
		require.Equal(t, canary, sum)
		if d.binary == victoriaMetrics.binary {
			return // it leaves out points of the last 30 s
		}
		all, err = estimate.History(t.Context(), whole, every.Truncate(time.Millisecond))
		require.NoError(t, err)
		sum = analysis.Sample{}
		for _, o := range all {
			sum = add(sum, o.Canary)
			require.Len(t, o.Slices, 2)
		}
		require.InDelta(t, canary.Total, sum.Total, 0.4*float64(canary.Total))
		all, err = took.History(t.Context(), whole, every.Truncate(time.Millisecond))
		require.NoError(t, err)
		require.Equal(t, []float64{0.1, 1}, all[len(all)-1].Canary.Bounds)
	})
	t.Run("histogram", func(t *testing.T) {
		whole := w
		whole.Start = began
		o, err := took.Observe(t.Context(), whole)
		require.NoError(t, err)
		require.Equal(t, []float64{0.1, 1}, o.Canary.Bounds)
		require.InDelta(t, ones, o.Canary.Buckets[0], 0.3*ones)
		require.InDelta(t, ones+twos, o.Canary.Buckets[1], 0.3*(ones+twos))
		require.InDelta(t, ones+twos+errors, o.Canary.Total, 0.3*(ones+twos+errors))
		require.Equal(t, []uint64{0, 0}, o.Baseline.Buckets)
	})
}
