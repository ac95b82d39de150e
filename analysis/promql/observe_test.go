package promql_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

func TestCountsOfBothArms(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.FormValue("time")+" "+r.FormValue("query"))
		v := 100.4
		if strings.Contains(r.FormValue("query"), "500") {
			v = 2.6
		}
		if strings.Contains(r.FormValue("query"), "c") && strings.Contains(r.FormValue("query"), `"c"`) {
			v *= 10
		}
		fmt.Fprint(w, success("vector", value(v)))
	})
	o, err := counts(s).Observe(t.Context(), window("a b", "c"))
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{At: end, Canary: analysis.Counts(3, 100), Baseline: analysis.Counts(26, 1004)}, o)
	at := fmt.Sprintf("%d.000 ", end.Unix())
	require.ElementsMatch(t, []string{
		at + `sum(increase(reqs{pod=~"(?:a|b)"}[10s]))`, at + `sum(increase(reqs{pod=~"(?:a|b)",code="500"}[10s]))`,
		at + `sum(increase(reqs{pod=~"c"}[10s]))`, at + `sum(increase(reqs{pod=~"c",code="500"}[10s]))`,
	}, asked)
}

func TestCountsOutOfPlace(t *testing.T) {
	t.Parallel()
	const none = "[]"
	tests := map[string]struct {
		total, events string
		optional      bool
		want          analysis.Sample
		err           string
	}{
		"whole":                        {value(10), value(3), false, analysis.Counts(3, 10), ""},
		"no traffic":                   {value(0), value(0), false, analysis.Counts(0, 0), ""},
		"no errors yet":                {value(10), none, false, analysis.Sample{}, "no series matches"},
		"no errors yet, which is fine": {value(10), none, true, analysis.Counts(0, 10), ""},
		"no traffic at all":            {none, none, true, analysis.Sample{}, "Total of the canary: analysis: no data: no series matches"},
		"NaN is not missing":           {value(10), value("NaN"), true, analysis.Sample{}, "the value is NaN"},
		"a bit above the total":        {value(3), value("3.8"), false, analysis.Counts(3, 3), ""},
		"swapped":                      {value(10), value(900), false, analysis.Sample{}, "are the queries swapped?"},
		"negative":                     {value(10), value(-1), false, analysis.Sample{}, "is no count"},
		"too many to tell apart":       {value("1e300"), value(1), false, analysis.Sample{}, "is no count"},
		"infinite":                     {value("+Inf"), value(1), false, analysis.Sample{}, "the value is +Inf"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := counts(replies(t, func(query string) string {
				if strings.Contains(query, "500") {
					return test.events
				}
				return test.total
			}))
			c.EventsOptional = test.optional
			o, err := c.Observe(t.Context(), window("a", ""))
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				require.Zero(t, o)
				var q *promql.QueryError
				require.ErrorAs(t, err, &q)
				require.Equal(t, "canary", q.Arm)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, o.Canary)
			require.Zero(t, o.Baseline)
		})
	}
}

// What rounding leaves is carried on, within consecutive windows.
func TestRoundingLosesNothing(t *testing.T) {
	t.Parallel()
	c := counts(replies(t, func(query string) string {
		if strings.Contains(query, "500") {
			return value("0.4")
		}
		return value("10.3")
	}))
	at := func(w analysis.Window) analysis.Window { // the answers are of the end
		w.Start, w.End = w.Start.Add(time.Millisecond), w.End.Add(time.Millisecond)
		return w
	}
	w := window("a", "")
	w.Start = w.End.Add(-time.Millisecond)
	var sum analysis.Sample
	for range 10 {
		o, err := c.Observe(t.Context(), w)
		require.NoError(t, err)
		sum = analysis.Counts(sum.Events+o.Canary.Events, sum.Total+o.Canary.Total)
		w = at(w)
	}
	require.Equal(t, analysis.Counts(4, 103), sum)

	for range 3 { // the same window again
		o, err := c.Observe(t.Context(), window("a", ""))
		require.NoError(t, err)
		require.Equal(t, analysis.Counts(0, 10), o.Canary)
	}
}

func TestWhoIsAskedAbout(t *testing.T) {
	t.Parallel()
	fine := func(string) string { return value(1) }
	never := func(query string) string { t.Error("asked", query); return "[]" }

	t.Run("no canary", func(t *testing.T) {
		_, err := gauge(replies(t, never)).Observe(t.Context(), window("", "b"))
		require.ErrorIs(t, err, analysis.ErrNoData)
		require.ErrorContains(t, err, "the canary has no members")
	})
	t.Run("no canary, by version", func(t *testing.T) {
		g := &promql.Gauge{Server: replies(t, never), Query: `x{v="{{.Version}}"}`}
		_, err := g.Observe(t.Context(), window("", "b"))
		require.ErrorIs(t, err, analysis.ErrNoData)
	})
	t.Run("no baseline", func(t *testing.T) {
		o, err := gauge(replies(t, fine)).Observe(t.Context(), window("a", ""))
		require.NoError(t, err)
		require.Equal(t, analysis.Observation{At: end, Canary: analysis.Gauge(1)}, o)
	})
	t.Run("baseline named in the canary's query, but empty", func(t *testing.T) {
		g := &promql.Gauge{Server: replies(t, never), Query: `x{pod!~"{{.Baseline}}"}`, CanaryOnly: true}
		_, err := g.Observe(t.Context(), window("a", ""))
		require.ErrorIs(t, err, analysis.ErrNoData)
	})
	t.Run("canary only", func(t *testing.T) {
		g := &promql.Gauge{Server: replies(t, fine), Query: `sum(sales)`, CanaryOnly: true}
		o, err := g.Observe(t.Context(), window("a", "b"))
		require.NoError(t, err)
		require.Equal(t, analysis.Observation{At: end, Canary: analysis.Gauge(1)}, o)
	})
	t.Run("joined within the window", func(t *testing.T) {
		w := window("old new", "b")
		w.Canary.Members[1].Since = w.Start.Add(1)
		w.Baseline.Members[0].Since = w.End
		g := gauge(replies(t, func(query string) string {
			if query != `max(queue{pod=~"old"})` {
				t.Error(query)
			}
			return value(1)
		}))
		o, err := g.Observe(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, analysis.Observation{At: end, Canary: analysis.Gauge(1)}, o)
		w.Canary.Members = w.Canary.Members[1:]
		o, err = g.Observe(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, analysis.Observation{At: end}, o, "nothing to see yet, so that the next window begins here")
	})
	for name, spoil := range map[string]func(*analysis.Window){
		"the name of a target is empty":         func(w *analysis.Window) { w.Canary.Members[0].Name = "" },
		"is not UTF-8":                          func(w *analysis.Window) { w.Canary.Members[0].Name = "\xff" },
		"the version of the canary is empty":    func(w *analysis.Window) { w.Canary.Version = "" },
		`the label "zone" of the target "b" is`: func(w *analysis.Window) { w.Baseline.Members[0].Labels = nil },
		"the window is empty":                   func(w *analysis.Window) { w.Start = w.End },
	} {
		t.Run(name, func(t *testing.T) {
			g := &promql.Gauge{Server: replies(t, never), Query: `x{pod=~"{{.Arm}}",zone=~"{{.Label "zone"}}",v="{{.Version}}"}[{{.Window}}]`}
			w := window("a", "b")
			spoil(&w)
			_, err := g.Observe(t.Context(), w)
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, "promql: Query of the ")
			require.NotContains(t, err.Error(), "template:")
		})
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	start := float64(window("", "").Start.Unix())
	for _, test := range []struct {
		newest any
		err    string
	}{
		{fmt.Sprintf("%.3f", start), ""},
		{fmt.Sprintf("%.3f", start+10), ""},
		{fmt.Sprintf("%.3f", start-0.001), "stale data: the newest sample is of 2030-01-01T11:59:49Z, but the window begins at 2030-01-01T11:59:50Z"},
		{"7", "stale data: the newest sample is of 1970-01-01T00:00:07Z"},
		{fmt.Sprintf("%.0f", start*1000), "want Unix seconds"},
		{"1e300", "want Unix seconds"},
		{"-1e300", "want Unix seconds"},
		{"NaN", "the value is NaN"},
	} {
		g := gauge(replies(t, func(query string) string {
			if strings.Contains(query, "timestamp") {
				return value(test.newest)
			}
			return value(1)
		}))
		g.Fresh = `max(timestamp(queue{pod=~"{{.Arm}}"}))`
		o, err := g.Observe(t.Context(), window("a", "b"))
		if test.err == "" {
			require.NoError(t, err)
			require.Equal(t, analysis.Gauge(1), o.Baseline)
			continue
		}
		require.ErrorContains(t, err, "Fresh of the canary: ")
		require.ErrorContains(t, err, test.err)
		if strings.HasPrefix(test.err, "stale") {
			require.ErrorIs(t, err, promql.ErrStale)
		}
	}
}

func TestSeparateQueries(t *testing.T) {
	t.Parallel()
	g := &promql.Gauge{
		Query:         `canary{v="{{.Version}}",w="{{.Wave}}"} @ {{.End}}`,
		BaselineQuery: `old{v=~"{{regex .Version}}",not="{{.CanaryVersion}}"} @ {{.Start}}`,
		Server: replies(t, func(query string) string {
			switch query {
			case `canary{v="v2",w="2"} @ 1893499200.000`:
				return value(2)
			case `old{v=~"v1\\.0",not="v2"} @ 1893499190.000`:
				return value(1)
			}
			t.Error(query)
			return "[]"
		}),
	}
	w := window("a", "b")
	w.Baseline.Version = "v1.0"
	o, err := g.Observe(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{At: end, Canary: analysis.Gauge(2), Baseline: analysis.Gauge(1)}, o)
}
