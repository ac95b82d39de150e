package promql_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// A past answers range and instant queries with a figure for every time and query,
// where "" is none. It counts the calls by endpoint.
type past struct {
	t      testing.TB
	figure func(query string, at time.Time) string // labels as in zones, or a number
	label  string                                  // zone, if empty
	mu     sync.Mutex
	calls  map[string]int
}

func (p *past) server() *promql.Server {
	p.calls, p.label = map[string]int{}, cmp.Or(p.label, "zone")
	return serve(p.t, func(w http.ResponseWriter, r *http.Request) {
		endpoint := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		p.mu.Lock()
		p.calls[endpoint]++
		p.mu.Unlock()
		unix := func(name string) time.Time {
			v, err := strconv.ParseFloat(r.FormValue(name), 64)
			if err != nil {
				p.t.Errorf("%s: %v", name, err)
			}
			return time.UnixMilli(int64(v * 1000)).UTC()
		}
		if endpoint == "query" {
			at := unix("time")
			result := "[]"
			if f := p.figure(r.FormValue("query"), at); f != "" {
				result = fmt.Sprintf(`[{"metric":{},"value":[%d,%q]}]`, at.Unix(), f)
			}
			fmt.Fprint(w, success("vector", result))
			return
		}
		step, err := time.ParseDuration(r.FormValue("step"))
		if err != nil {
			p.t.Error(err)
			return
		}
		if n := unix("end").Sub(unix("start")) / step; n > 11_000 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries"}`)
			return
		}
		bySeries := map[string][]string{}
		for at := unix("start"); !at.After(unix("end")); at = at.Add(step) {
			for _, one := range strings.Fields(p.figure(r.FormValue("query"), at)) {
				zone, v, ok := strings.Cut(one, "=")
				labels := fmt.Sprintf(`{%q:%q}`, p.label, zone)
				if !ok {
					labels, v = "{}", zone
				}
				bySeries[labels] = append(bySeries[labels], fmt.Sprintf("[%.3f,%q]", float64(at.UnixMilli())/1000, v))
			}
		}
		var all []string
		for labels, points := range bySeries {
			all = append(all, fmt.Sprintf(`{"metric":%s,"values":[%s]}`, labels, strings.Join(points, ",")))
		}
		fmt.Fprint(w, success("matrix", "["+strings.Join(all, ",")+"]"))
	})
}

// lately is a window that ends at the same time as the others, but is longer.
func lately(canary, baseline string, length time.Duration) analysis.Window {
	w := window(canary, baseline)
	w.Start = w.End.Add(-length)
	for _, members := range [][]analysis.Member{w.Canary.Members, w.Baseline.Members} {
		for i := range members {
			members[i].Since = time.Time{}
		}
	}
	return w
}

func TestHistoryOfCounts(t *testing.T) {
	t.Parallel()
	p := &past{t: t, figure: func(query string, at time.Time) string {
		if !strings.Contains(query, "[10s]") {
			t.Error(query)
		}
		switch {
		case end.Sub(at) > 50*time.Second:
			return "" // before there was anything
		case strings.Contains(query, "500"):
			return "0.4"
		case strings.Contains(query, `"b"`) && at.Equal(end.Add(-25*time.Second)):
			return "NaN"
		default:
			return "10.3"
		}
	}}
	c := counts(p.server())
	all, err := c.History(t.Context(), lately("a", "b", time.Minute+5*time.Second), 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"query_range": 4}, p.calls)
	require.Len(t, all, 4, "6 spans, of which 1 is too early and 1 lacks the baseline; 5 s are left over")
	start := end.Add(-time.Minute - 5*time.Second)
	require.Equal(t, analysis.Observation{At: start.Add(20 * time.Second), Canary: analysis.Counts(0, 10), Baseline: analysis.Counts(0, 10)}, all[0])
	require.Equal(t, start.Add(30*time.Second), all[1].At)
	require.Equal(t, analysis.Counts(1, 11), all[1].Canary, "0.8 of 20.6 by now")
	require.Equal(t, end.Add(-5*time.Second), all[3].At)
}

func TestHistoryOfSlices(t *testing.T) {
	t.Parallel()
	p := &past{t: t, figure: func(_ string, at time.Time) string {
		return fmt.Sprintf("a=%d b=2", at.Unix()%100)
	}}
	g := gauge(p.server())
	g.By = "zone"
	g.Fresh = `timestamp(queue{pod=~"{{.Arm}}"})`
	_, err := g.History(t.Context(), lately("a", "", 10*time.Second), time.Second)
	require.ErrorContains(t, err, "Fresh of the canary: 2 series, want one")
	g = &promql.Gauge{Server: g.Server, Query: g.Query, By: "zone"}
	clear(p.calls)
	all, err := g.History(t.Context(), lately("a", "", 450*time.Second), time.Second)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"query_range": 3}, p.calls)
	require.Len(t, all, 450)
	for i, o := range all {
		a, at := analysis.Gauge(float64((i+51)%100)), end.Add(time.Duration(i-449)*time.Second)
		require.Equal(t, analysis.Observation{
			At: at, Canary: analysis.Gauge((a.Value + 2) / 2),
			Slices: []analysis.Slice{{Name: "a", Canary: a}, {Name: "b", Canary: analysis.Gauge(2)}},
		}, o)
	}
}

// A long history takes several ranges, none longer than servers allow.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	p := &past{t: t, figure: func(_ string, at time.Time) string { return fmt.Sprint(at.Unix()) }}
	all, err := gauge(p.server()).History(t.Context(), lately("a", "", 25_000*time.Second), time.Second)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"query_range": 3}, p.calls)
	require.Len(t, all, 25_000)
	for _, o := range all {
		require.Equal(t, analysis.Gauge(float64(o.At.Unix())), o.Canary)
	}
}

// Queries that name a time are asked about one span after the other.
func TestHistoryOneByOne(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]map[string]int{
		`x{pod=~"{{.Arm}}"} @ {{.End}}`:                     {"query": 3},
		`x{pod=~"{{.Arm}}"} - x{pod=~"{{.Arm}}"} @ start()`: {"query": 3},
		`x{pod=~"{{.Arm}}"} offset {{.Window}}`:             {"query_range": 1},
	} {
		p := &past{t: t, figure: func(query string, at time.Time) string {
			if _, time, ok := strings.Cut(query, "@ 1"); ok && "1"+time != fmt.Sprintf("%d.000", at.Unix()) {
				t.Error(query)
			}
			return fmt.Sprint(at.Unix())
		}}
		g := &promql.Gauge{Server: p.server(), Query: query}
		w := lately("a late", "later", 3*time.Second)
		w.Canary.Members[1].Since = w.Start.Add(time.Second)
		w.Baseline.Members[0].Since = w.Start.Add(time.Second)
		all, err := g.History(t.Context(), w, time.Second)
		require.NoError(t, err)
		require.Equal(t, want, p.calls)
		require.Len(t, all, 3)
		for _, o := range all {
			require.Equal(t, analysis.Observation{At: o.At, Canary: analysis.Gauge(float64(o.At.Unix()))}, o, "whoever came late is in no span")
		}
	}
	p := &past{t: t, figure: func(string, time.Time) string { return "1" }}
	g := &promql.Gauge{Server: p.server(), Query: `x{pod=~"{{.Arm}}"} @ {{.End}}`}
	_, err := g.History(t.Context(), lately("a", "", 1001*time.Second), time.Second)
	require.ErrorContains(t, err, "a query that names a time (.Start, .End, @) must be asked about each span of its history, and 1001 are more than 1000")
}

func TestHistoryOfNothing(t *testing.T) {
	t.Parallel()
	p := &past{t: t, figure: func(string, time.Time) string { return "" }}
	g := gauge(p.server())
	all, err := g.History(t.Context(), lately("a", "b", time.Minute), 10*time.Second)
	require.ErrorIs(t, err, analysis.ErrNoData)
	require.ErrorContains(t, err, "promql: Query of the canary: ")
	require.Empty(t, all)
	w := lately("a", "b", time.Minute)
	w.Canary.Members[0].Since = end
	_, err = g.History(t.Context(), w, 10*time.Second)
	require.ErrorIs(t, err, analysis.ErrNoData)
	require.ErrorContains(t, err, "no member was in its arm for the whole window")
	for every, length := range map[time.Duration]time.Duration{0: time.Minute, -1: time.Minute, time.Microsecond: time.Second, 1500 * time.Microsecond: time.Second, time.Minute: time.Second, time.Millisecond: time.Hour} {
		_, err = g.History(t.Context(), lately("a", "", length), every)
		require.ErrorContains(t, err, "want 1 to 100000 spans of whole milliseconds")
	}
	_, err = (&promql.Gauge{}).History(t.Context(), w, time.Second)
	require.ErrorContains(t, err, "promql: Gauge.Server is nil")
	_, err = (&promql.Counts{}).History(t.Context(), w, time.Second)
	require.ErrorContains(t, err, "promql: Counts.Server is nil")
	_, err = (&promql.Gauge{Server: serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, success("matrix", fmt.Sprintf(`[{"metric":{},"values":[[%d.5,"1"]]}]`, end.Unix()-5)))
	}), Query: g.Query}).History(t.Context(), lately("a", "", 10*time.Second), time.Second)
	require.ErrorContains(t, err, "which was not asked about")
	_, err = gauge(replies(t, func(string) string { return "[]" })).History(t.Context(), lately("a", "", 10*time.Second), time.Second)
	require.ErrorContains(t, err, `result type "vector" for a range`)
}
