package promql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

var (
	prometheusServer = daemon{
		binary: "prometheus", debian: "prometheus", ready: "/-/ready",
		args: func(address, config, data string) []string {
			return []string{"--web.listen-address=" + address, "--config.file=" + config, "--storage.tsdb.path=" + data}
		},
	}
	victoriaMetrics = daemon{
		binary: "victoria-metrics", debian: "victoria-metrics", ready: "/health",
		args: func(address, config, data string) []string {
			return []string{"-httpListenAddr=" + address, "-promscrape.config=" + config, "-storageDataPath=" + data, "-memory.allowedBytes=64MB"}
		},
	}
)

// awkward is a name of which every character means something to somebody.
const awkward = "we\"ird'`\\d.*|(pod)\n{a=~\"b\"}# é"

func TestPrometheus(t *testing.T) {
	t.Parallel()
	testReal(t, prometheusServer, 400, "bad_data", 422, "execution")
}

func TestVictoriaMetrics(t *testing.T) {
	t.Parallel()
	testReal(t, victoriaMetrics, 422, "422", 422, "422")
}

func testReal(t *testing.T, d daemon, parseStatus int, parseType string, runStatus int, runType string) {
	s := d.start(t, expose(t, []target{{"canary", "v2", 8}, {"old-1", "v1", 1}, {"old-2", "v1", 3}, {awkward, "v3.0", 25}, {"healthy", "v4", 0}}))
	const length = 2 * time.Second
	now := func(canary, baseline string) analysis.Window {
		w := window(canary, baseline)
		w.End = time.Now()
		w.Start = w.End.Add(-length)
		for _, members := range [][]analysis.Member{w.Canary.Members, w.Baseline.Members} {
			for i := range members {
				members[i].Since = time.Time{}
			}
		}
		return w
	}
	requests := &promql.Counts{
		Server: s,
		Total:  `sum(increase(http_requests_total{pod=~"{{.Arm}}"}[{{.Window}}]))`,
		Events: `sum(increase(http_requests_total{pod=~"{{.Arm}}", code=~"5.."}[{{.Window}}]))`,
		Fresh:  `max(timestamp(http_requests_total{pod=~"{{.Arm}}"}))`,
	}
	figure := func(sample analysis.Sample) float64 {
		f, ok := sample.Figure()
		require.True(t, ok, "%+v", sample)
		return f
	}
	// The first scrapes take some seconds to begin.
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		result, err := s.Query(t.Context(), `count(count_over_time(http_requests_total{code="200"}[2s]) >= 8)`, time.Now())
		require.NoError(c, err)
		require.Len(c, result, 1)
		require.EqualValues(c, 5, result[0].Points[0].Value)
	}, time.Minute, 100*time.Millisecond)

	t.Run("error ratios of both arms", func(t *testing.T) {
		o, err := requests.Observe(t.Context(), now("canary", "old-1 old-2"))
		require.NoError(t, err)
		require.InDelta(t, 0.08, figure(o.Canary), 0.005)
		require.InDelta(t, 0.02, figure(o.Baseline), 0.005)
		// 100 requests each 200 ms. Scrapes may come late on a busy machine.
		require.InDelta(t, 1000, o.Canary.Total, 400)
		require.InDelta(t, 2000, o.Baseline.Total, 800)
	})
	t.Run("a name that is hard to quote", func(t *testing.T) {
		w := now("canary", "old-1")
		w.Canary.Version = "v3.0"
		w.Canary.Members[0].Name = awkward
		o, err := requests.Observe(t.Context(), w)
		require.NoError(t, err)
		require.InDelta(t, 0.25, figure(o.Canary), 0.01)
		w.Canary.Members = append(w.Canary.Members, analysis.Member{Name: "canary"})
		o, err = requests.Observe(t.Context(), w)
		require.NoError(t, err)
		require.InDelta(t, 0.165, figure(o.Canary), 0.01, "one of two")

		share := &promql.Gauge{
			Server:        s,
			Query:         `count(http_requests_total{code="200", version=~"{{regex .Version}}"})`,
			BaselineQuery: `count(http_requests_total{code="200", version="{{.Version}}"})`,
		}
		o, err = share.Observe(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, analysis.Gauge(1), o.Canary)
		require.Equal(t, analysis.Gauge(2), o.Baseline)
	})
	t.Run("no errors yet", func(t *testing.T) {
		_, err := requests.Observe(t.Context(), now("healthy", ""))
		require.ErrorIs(t, err, analysis.ErrNoData)
		require.ErrorContains(t, err, "Events of the canary")
		lenient := &promql.Counts{Server: s, Total: requests.Total, Events: requests.Events, EventsOptional: true}
		o, err := lenient.Observe(t.Context(), now("healthy", ""))
		require.NoError(t, err)
		require.Zero(t, o.Canary.Events)
		require.Positive(t, o.Canary.Total)
	})
	t.Run("stale", func(t *testing.T) {
		w := now("canary", "")
		w.Start = w.End.Add(-2 * time.Millisecond)
		g := &promql.Gauge{Server: s, Query: `sum(http_requests_total{pod=~"{{.Arm}}"})`, Fresh: `min(timestamp(http_requests_total{pod=~"{{.Arm}}"}) - 60)`}
		_, err := g.Observe(t.Context(), w)
		require.ErrorIs(t, err, promql.ErrStale)
	})
	for name, test := range map[string]struct {
		query  string
		noData bool
		err    string
	}{
		"empty":          {`sum(no_such_metric)`, true, "no series matches"},
		"0/0":            {`sum(http_requests_total) * 0 / 0`, true, "no data"},
		"1/0":            {`sum(http_requests_total) / 0`, true, "no data"},
		"several series": {`http_requests_total{pod="canary"}`, false, "2 series, want one"},
	} {
		t.Run(name, func(t *testing.T) {
			g := &promql.Gauge{Server: s, Query: test.query, CanaryOnly: true}
			_, err := g.Observe(t.Context(), now("canary", ""))
			require.ErrorContains(t, err, test.err)
			if test.noData {
				require.ErrorIs(t, err, analysis.ErrNoData)
			}
		})
	}
	t.Run("a query that does not parse", func(t *testing.T) {
		_, err := s.Query(t.Context(), `sum(`, time.Now())
		var api *promql.APIError
		require.ErrorAs(t, err, &api)
		require.Equal(t, parseStatus, api.Status)
		require.Equal(t, parseType, api.Type)
		require.NotEmpty(t, api.Msg)
	})
	t.Run("a query that cannot be executed", func(t *testing.T) {
		_, err := s.Query(t.Context(), `http_requests_total * on(job) http_requests_total`, time.Now())
		var api *promql.APIError
		require.ErrorAs(t, err, &api)
		require.Equal(t, runStatus, api.Status)
		require.Equal(t, runType, api.Type)
	})
	t.Run("vector(0) makes a good figure of nothing", func(t *testing.T) {
		result, err := s.Query(t.Context(), `sum(no_such_metric) or vector(0)`, time.Now())
		require.NoError(t, err)
		require.Len(t, result, 1)
		require.Zero(t, result[0].Points[0].Value)
	})
	t.Run("a query too long for a URL", func(t *testing.T) {
		names := "canary"
		for i := range 1000 {
			names += fmt.Sprint(" no-such-pod-", i)
		}
		o, err := requests.Observe(t.Context(), now(names, ""))
		require.NoError(t, err)
		require.InDelta(t, 0.08, figure(o.Canary), 0.005)
	})
	t.Run("what a gate learns before a rollout", func(t *testing.T) {
		if d.binary == victoriaMetrics.binary {
			return // which knows nothing of the last 30 s in a range, as documented
		}
		gate := analysis.Gate{
			Interval: length, Compare: 20 * time.Second,
			Checks: []analysis.Check{{Name: "errors", Judge: analysis.NotWorse{}, Source: requests}},
		}
		arm := func(names ...string) (a analysis.Arm) {
			a.Version = "v1"
			for _, name := range names {
				a.Members = append(a.Members, analysis.Member{Name: name})
			}
			return a
		}
		require.EventuallyWithT(t, func(c *assert.CollectT) { // that the server has a past
			starts, err := gate.Preflight(t.Context(), arm("old-1"), arm("old-2"))
			require.NoError(c, err)
			require.Empty(c, starts[0].Arms.Problem)
			require.GreaterOrEqual(c, starts[0].Arms.Intervals, 4)
		}, time.Minute, 500*time.Millisecond)

		// Hosts that are three times worse than the others before anything is deployed
		// would be blamed on the release.
		_, err := gate.Preflight(t.Context(), arm("old-2"), arm("old-1"))
		require.ErrorIs(t, err, analysis.ErrBurning)
		require.ErrorContains(t, err, "check errors fails before anything is deployed: canary 3")

		_, err = gate.Preflight(t.Context(), arm("no-such-pod"), arm("old-1"))
		require.ErrorIs(t, err, analysis.ErrPreflight)
		require.ErrorContains(t, err, "no series matches")
	})
	t.Run("range", func(t *testing.T) {
		at := time.Now()
		result, err := s.QueryRange(t.Context(), `sum by (code) (http_requests_total{pod="canary"})`, at.Add(-time.Second), at, 250*time.Millisecond)
		require.NoError(t, err)
		if d.binary == victoriaMetrics.binary {
			require.Empty(t, result, "as documented: nothing of the last 30 s")
			return
		}
		require.Len(t, result, 2)
		for _, series := range result {
			require.Contains(t, []string{"200", "500"}, series.Labels["code"])
			require.GreaterOrEqual(t, len(series.Points), 4, strings.TrimSpace(fmt.Sprint(series.Points)))
		}
	})
}
