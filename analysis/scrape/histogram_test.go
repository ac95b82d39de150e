package scrape_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/analysistest"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

// histogram reads that of the fleet's pages.
func (f *fleet) histogram(t testing.TB) *scrape.Histogram {
	h := &scrape.Histogram{URL: f.counters(t).URL, Name: "lat", Timeout: f.counters(t).Timeout}
	t.Cleanup(h.CloseIdleConnections)
	return h
}

// lat is a page with one series: how many events were at most 0.1, 1, and in all.
func lat(labels string, short, long, all int) string {
	comma := strings.TrimSuffix(labels+",", ",")
	if comma != "" {
		comma += ","
	}
	return fmt.Sprintf("lat_bucket{%[1]sle=\"0.1\"} %[2]d\nlat_bucket{%[1]sle=\"1\"} %[3]d\nlat_bucket{%[1]sle=\"+Inf\"} %[4]d\nlat_sum{%[5]s} 1.5\nlat_count{%[5]s} %[4]d\n",
		comma, short, long, all, labels)
}

const typed = "# TYPE lat histogram\n"

func TestHistogramStories(t *testing.T) {
	t.Parallel()
	type step struct {
		pages  map[string]string // a and c are canary members, b is in the baseline
		down   string
		canary []uint64 // up to 0.1, up to 1, all; nil for no data
		err    string
	}
	b := typed + lat("", 9, 9, 9)
	stories := map[string][]step{
		"increments add up": {
			{pages: map[string]string{"a": typed + lat("", 100, 190, 200), "c": typed + lat("", 1, 2, 3), "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": typed + lat("", 103, 195, 206), "c": typed + lat("", 2, 3, 4)}, canary: []uint64{4, 6, 7}},
			{canary: []uint64{0, 0, 0}},
		},
		"a restart is told by any bucket, for the whole series": {
			{pages: map[string]string{"a": typed + lat("", 10, 20, 100), "c": b, "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": typed + lat("", 12, 22, 50)}, canary: []uint64{12, 22, 50}},
			{pages: map[string]string{"a": typed + lat("", 0, 0, 60)}, canary: []uint64{0, 0, 60}},
		},
		"one series restarts, the other does not": {
			{pages: map[string]string{"a": typed + lat(`p="x"`, 10, 10, 10) + lat(`p="y"`, 10, 10, 10), "c": b, "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": typed + lat(`p="x"`, 1, 2, 3) + lat(`p="y"`, 11, 11, 11)}, canary: []uint64{2, 3, 4}},
		},
		"a restarted process restarts all": {
			{pages: map[string]string{"a": "process_start_time_seconds 1893499000\n" + lat(`p="x"`, 10, 10, 10) + lat(`p="y"`, 1, 1, 1), "c": b, "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": "process_start_time_seconds 1893499215\n" + lat(`p="x"`, 1, 1, 1) + lat(`p="y"`, 2, 2, 2)}, canary: []uint64{3, 3, 3}},
		},
		"a new series counts from zero": {
			{pages: map[string]string{"a": typed + lat(`p="x"`, 1, 1, 1), "c": b, "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": typed + lat(`p="x"`, 1, 1, 1) + lat(`p="y"`, 0, 1, 2)}, canary: []uint64{0, 1, 2}},
			{pages: map[string]string{"a": typed + lat(`p="x"`, 1, 1, 2)}, canary: []uint64{0, 0, 1}},
			{pages: map[string]string{"a": typed + lat(`p="x"`, 1, 1, 2) + lat(`p="y"`, 0, 1, 3)}, canary: []uint64{0, 0, 1}},
		},
		"declared, and its first series later": {
			{pages: map[string]string{"a": typed, "c": typed, "b": typed}},
			{pages: map[string]string{"a": typed + lat("", 1, 2, 3)}, canary: []uint64{1, 2, 3}},
			{pages: map[string]string{"a": typed}, canary: []uint64{0, 0, 0}},
		},
		"a target that vanishes, and is back": {
			{pages: map[string]string{"a": typed + lat("", 0, 0, 0), "c": typed + lat("", 0, 0, 0), "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": typed + lat("", 1, 1, 1)}, down: "c", canary: []uint64{1, 1, 1}},
			{pages: map[string]string{"a": typed + lat("", 2, 2, 2), "c": typed + lat("", 3, 4, 5)}, canary: []uint64{4, 5, 6}},
		},
		"other buckets": {
			{pages: map[string]string{"a": typed + lat("", 1, 1, 1), "c": b, "b": typed + strings.ReplaceAll(lat("", 9, 9, 9), `"1"`, `"2"`)},
				err: "baseline targets could not be read, at least 1 must be: b: its histogram has other buckets, up to [0.1 2], than that of a, up to [0.1 1]: they cannot be added or compared"},
			{pages: map[string]string{"b": typed + lat("", 10, 10, 10)}, canary: []uint64{0, 0, 0}},
		},
		"new buckets are a new beginning": {
			{pages: map[string]string{"a": typed + lat("", 1, 1, 1), "c": typed + lat("", 1, 1, 1), "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{
				"a": typed + strings.ReplaceAll(lat("", 5, 5, 5), `"1"`, `"2"`), "c": typed + strings.ReplaceAll(lat("", 5, 5, 5), `"1"`, `"2"`),
				"b": typed + strings.ReplaceAll(lat("", 9, 9, 9), `"1"`, `"2"`)}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": typed + strings.ReplaceAll(lat("", 5, 6, 7), `"1"`, `"2"`)}, canary: []uint64{0, 1, 2}},
		},
		"what is no histogram is an error, and the next page counts": {
			{pages: map[string]string{"a": typed + lat("", 1, 1, 1), "c": "nothing 1\n", "b": b}, canary: []uint64{0, 0, 0}},
			{pages: map[string]string{"a": "# TYPE lat counter\nlat 5\n"}, err: `a: metric "lat" is a counter, not a histogram`},
			{pages: map[string]string{"a": typed + lat("", 2, 2, 2)}, canary: []uint64{1, 1, 1}},
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			h := f.histogram(t)
			for i, s := range story {
				for target, page := range s.pages {
					f.show(target, page)
				}
				if s.down != "" {
					f.handle(s.down, http.NotFound)
				}
				o, err := h.Observe(t.Context(), window(i+1, "a c", "b"))
				if s.err != "" {
					require.ErrorContains(t, err, s.err, "step %d", i+1)
					continue
				}
				require.NoError(t, err, "step %d", i+1)
				require.Equal(t, at(i+1), o.At)
				if s.canary == nil {
					require.Equal(t, analysis.Sample{}, o.Canary)
					continue
				}
				require.Equal(t, analysis.BucketKind, o.Canary.Kind, "step %d", i+1)
				require.Equal(t, s.canary, append(o.Canary.Buckets, o.Canary.Total), "step %d", i+1)
			}
		})
	}
}

func TestWhatIsNoHistogram(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ page, err string }{
		"missing":            {"up 1\n", `no histogram "lat" on the page (set Optional`},
		"by another name":    {"lat 1\n", `no histogram "lat" on the page (what it has by that name is no histogram)`},
		"a gauge":            {"# TYPE lat gauge\nlat 1\n", `metric "lat" is a gauge, not a histogram`},
		"a gaugehistogram":   {"# TYPE lat gaugehistogram\n" + lat("", 1, 1, 1), `metric "lat" is a gaugehistogram, not a histogram`},
		"a summary":          {"# TYPE lat summary\nlat{quantile=\"0.5\"} 1\nlat_count 1\n", `metric "lat" is a summary, whose quantiles cannot be added up`},
		"not cumulative":     {lat("", 5, 4, 6), "there are 5 events up to 0.1, but 4 up to 1"},
		"no +Inf":            {"lat_bucket{le=\"1\"} 4\n", "a series has no bucket for +Inf"},
		"nothing but +Inf":   {typed + "lat_bucket{le=\"+Inf\"} 4\nlat_count 4\n", "a series has no bucket but that for +Inf (a native histogram"},
		"no le":              {"lat_bucket{x=\"1\"} 4\n", `a bucket ends at "", which is no number`},
		"odd le":             {"lat_bucket{le=\"one\"} 4\n", `a bucket ends at "one", which is no number`},
		"the same twice":     {"lat_bucket{le=\"1\"} 4\nlat_bucket{le=\"1.0\"} 4\nlat_bucket{le=\"+Inf\"} 4\n", "two buckets of a series end at 1"},
		"a fraction":         {"lat_bucket{le=\"1\"} 4.5\nlat_bucket{le=\"+Inf\"} 5\n", "4.5 is not a whole number"},
		"series that differ": {lat(`p="x"`, 1, 1, 1) + strings.ReplaceAll(lat(`p="y"`, 1, 1, 1), `"1"`, `"2"`), "has series with different buckets"},
		"too many series":    {lat(`p="x"`, 1, 1, 1) + lat(`p="y"`, 1, 1, 1) + lat(`p="z"`, 1, 1, 1), `more than 2 series of histogram "lat" match`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			f.show("a", test.page)
			h := f.histogram(t)
			h.MaxSeries = 2
			_, err := h.Observe(t.Context(), window(1, "a", ""))
			require.ErrorContains(t, err, test.err)
			require.ErrorContains(t, h.Preflight(t.Context(), window(1, "a", "")), test.err)
		})
	}
	f := newFleet(t)
	f.show("a", lat(`p="x"`, 1, 1, 1))
	for _, name := range []string{"lat_bucket", "lat_count"} {
		h := f.histogram(t)
		h.Name = name
		require.ErrorContains(t, h.Preflight(t.Context(), window(1, "a", "")), `(it has "lat")`)
	}
	h := f.histogram(t)
	h.Match = map[string]string{"path": "x"}
	require.ErrorContains(t, h.Preflight(t.Context(), window(1, "a", "")), `has a label "path"`)
}

// What a service in Go shows, in each of the formats that it may choose.
func TestHistogramOfARealExporter(t *testing.T) {
	t.Parallel()
	for name, accept := range map[string]string{
		"as asked for": "",
		"OpenMetrics":  "application/openmetrics-text;version=1.0.0",
	} {
		for _, factor := range []float64{0, 1.1} { // with a native histogram besides
			t.Run(fmt.Sprint(name, factor), func(t *testing.T) {
				t.Parallel()
				f := newFleet(t)
				took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
					Name: "lat", Buckets: []float64{0.1, 1}, NativeHistogramBucketFactor: factor,
				}, []string{"path"})
				registry := prometheus.NewRegistry()
				registry.MustRegister(took)
				f.handle("a", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP)
				took.WithLabelValues("/").Observe(0.05)
				h := f.histogram(t)
				h.Match = map[string]string{"path": "/.*"}
				if accept != "" {
					h.Header = http.Header{"Accept": {accept}}
				}
				_, err := h.Observe(t.Context(), window(1, "a", ""))
				require.NoError(t, err)
				for _, seconds := range []float64{0.05, 0.1, 0.5, 5} {
					took.WithLabelValues("/").Observe(seconds)
					took.WithLabelValues("/cart").Observe(seconds)
					took.WithLabelValues("cron").Observe(seconds)
				}
				o, err := h.Observe(t.Context(), window(2, "a", ""))
				require.NoError(t, err)
				require.Equal(t, analysis.Buckets([]float64{0.1, 1}, []uint64{4, 6}, 8), o.Canary)
			})
		}
	}
}

func TestHistogramProblems(t *testing.T) {
	t.Parallel()
	for want, h := range map[string]*scrape.Histogram{
		"[]": {URL: func(string) string { return "" }, Name: "lat"},
		`[URL is nil: there is no telling where the pages are Name is empty: want the name of a metric, such as "http_requests_total"]`: {},
		"[Match[le] would pick single buckets: all of them are needed MinTargets is 101: want a percentage from 1 to 100, or 0 for 50]": {URL: func(string) string { return "" }, Name: "lat", MinTargets: 101, Match: map[string]string{"le": "1"}},
	} {
		var got []string
		h.Problems(func(path, msg string) { got = append(got, path+" "+msg) })
		require.Equal(t, want, fmt.Sprint(got))
		if len(got) > 0 {
			_, err := h.Observe(t.Context(), window(1, "a", ""))
			require.ErrorContains(t, err, "scrape: Histogram."+got[0])
			require.ErrorContains(t, h.Preflight(t.Context(), window(1, "a", "")), "scrape: Histogram."+got[0])
		}
	}
}

func TestHistogramConforms(t *testing.T) {
	t.Parallel()
	analysistest.TestSource(t, func(t testing.TB) analysistest.Rig {
		f := newFleet(t)
		took := make(map[string]prometheus.Histogram)
		for _, target := range []string{"canary-1", "baseline-1"} {
			took[target] = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lat", Buckets: []float64{0.1, 1}})
			registry := prometheus.NewRegistry()
			registry.MustRegister(took[target])
			f.handle(target, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP)
			took[target].Observe(0.5) // before anyone looks
		}
		return f.rig(f.histogram(t), func(analysis.Window) (canary, baseline analysis.Sample) {
			for _, seconds := range []float64{0.05, 0.5, 5} {
				took["canary-1"].Observe(seconds)
			}
			took["baseline-1"].Observe(0.05)
			bounds := []float64{0.1, 1}
			return analysis.Buckets(bounds, []uint64{1, 2}, 3), analysis.Buckets(bounds, []uint64{1, 1}, 1)
		})
	})
}
