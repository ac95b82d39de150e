package scrape

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	text        = "text/plain; version=0.0.4; charset=utf-8"
	openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

func matchers(t testing.TB, total, events Counter) (*matcher, *matcher) {
	t.Helper()
	a, err := total.compile()
	require.NoError(t, err)
	b, err := events.compile()
	require.NoError(t, err)
	return a, b
}

func readPage(contentType, body string, total, events *matcher, maxSeries int) (reading, error) {
	p, err := parsePage(contentType, []byte(body))
	if err != nil {
		return reading{}, err
	}
	return p.read(total, events, maxSeries)
}

func sum(series group) (n uint64) {
	for _, v := range series {
		n += v[0]
	}
	return n
}

func TestPage(t *testing.T) {
	t.Parallel()
	requests := Counter{Name: "reqs_total"}
	errors5xx := Counter{Name: "reqs_total", Match: map[string]string{"code": "5.."}}
	tests := map[string]struct {
		page          string
		contentType   string // text if empty, "-" for none
		total, events Counter
		want          [2]uint64
		err           string
	}{
		"plain": {
			page: "# HELP reqs_total Requests, by \\d.\n# TYPE reqs_total counter\nreqs_total{code=\"200\"} 90\nreqs_total{code=\"500\"} 7\nreqs_total{code=\"503\"} 3\n",
			want: [2]uint64{100, 10},
		},
		"patterns are anchored":           {page: "reqs_total{code=\"1500\"} 1\nreqs_total{code=\"5000\"} 1\nreqs_total{code=\"500\"} 1\n", want: [2]uint64{3, 1}},
		"no errors yet":                   {page: "reqs_total{code=\"200\"} 90\n", want: [2]uint64{90, 0}},
		"declared, no series yet":         {page: "# TYPE reqs_total counter\nup 1\n", want: [2]uint64{0, 0}},
		"declared, and nothing else":      {page: "# TYPE reqs_total counter\n", want: [2]uint64{0, 0}},
		"text without a version":          {page: "reqs_total{code=\"500\"} 1\n", contentType: "text/plain; charset=utf-8", want: [2]uint64{1, 1}},
		"text 1.0.0":                      {page: "{\"reqs_total\",code=\"500\"} 1\n", contentType: "text/plain; version=1.0.0; escaping=allow-utf-8", want: [2]uint64{1, 1}},
		"timestamps":                      {page: "reqs_total{code=\"500\"} 4 1520879607789\n", want: [2]uint64{4, 4}},
		"exponent":                        {page: "reqs_total{code=\"500\"} 1.234567e+06\n", want: [2]uint64{1234567, 1234567}},
		"rounding is forgiven":            {page: "reqs_total{code=\"500\"} 2.9999999\n", want: [2]uint64{3, 3}},
		"minus zero":                      {page: "reqs_total{code=\"500\"} -0\n", want: [2]uint64{0, 0}},
		"NaN elsewhere":                   {page: "other NaN\nreqs_total{code=\"500\"} 1\n", want: [2]uint64{1, 1}},
		"odd value that does not match":   {page: "reqs_total{code=\"200\",odd=\"y\"} NaN\nreqs_total{code=\"500\"} 1\n", total: Counter{Name: "reqs_total", Match: map[string]string{"odd": ""}}, want: [2]uint64{1, 1}},
		"escaped label value":             {page: "reqs_total{code=\"500\",path=\"a\\n\\\"b\\\\\"} 2\n", want: [2]uint64{2, 2}},
		"absent label matches empty":      {page: "reqs_total 2\nreqs_total{code=\"500\"} 1\n", events: Counter{Name: "reqs_total", Match: map[string]string{"code": "5..|"}}, want: [2]uint64{3, 3}},
		"histogram's count and bucket":    {page: histogram, total: Counter{Name: "lat_count"}, events: Counter{Name: "lat_bucket", Match: map[string]string{"le": `0\.1`}}, want: [2]uint64{10, 4}},
		"optional events, absent":         {page: "reqs_total 5\n", events: Counter{Name: "errs_total", Optional: true}, want: [2]uint64{5, 0}},
		"optional label, absent":          {page: "reqs_total 5\n", events: Counter{Name: "reqs_total", Match: map[string]string{"code": "5.."}, Optional: true}, want: [2]uint64{5, 0}},
		"OpenMetrics":                     {page: "# TYPE reqs counter\n# UNIT reqs requests\nreqs_total{code=\"500\"} 3\n# TYPE build info\nbuild_info{v=\"1\"} 1\n# EOF\n", contentType: openMetrics, want: [2]uint64{3, 3}},
		"OpenMetrics, no last newline":    {page: "reqs_total{code=\"500\"} 3\n# EOF", contentType: openMetrics, want: [2]uint64{3, 3}},
		"OpenMetrics cut off":             {page: "reqs_total{code=\"500\"} 3\n", contentType: openMetrics, err: "does not end with # EOF"},
		"OpenMetrics, empty":              {page: "", contentType: openMetrics, err: "does not end with # EOF"},
		"OpenMetrics 2":                   {page: "# EOF\n", contentType: "application/openmetrics-text; version=2.0.0", err: `not Prometheus text: content type "application/openmetrics-text; version=2.0.0", beginning "# EOF"`},
		"OpenMetrics exemplar":            {page: "reqs_total{code=\"500\"} 3 # {t=\"x\"} 1 1.5\n# EOF\n", contentType: openMetrics, err: "expected integer as timestamp"},
		"HTML":                            {page: "<!doctype html><title>Sign in</title>", contentType: "text/html; charset=utf-8", err: `not Prometheus text: content type "text/html; charset=utf-8", beginning "<!doctype html><title>Sign in</title>"`},
		"HTML that calls itself text":     {page: "<!doctype html>\n", err: `in line 1: invalid metric name; it begins "<!doctype html>"`},
		"JSON":                            {page: `{"status":"UP"}`, contentType: "application/json", err: `content type "application/json", beginning "{\"status\":\"UP\"}"`},
		"JSON that calls itself text":     {page: "{\"status\":\"UP\"}\n", err: "not Prometheus text: "},
		"protobuf":                        {page: "\x08\x01", contentType: "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", err: `beginning "\b\x01"`},
		"binary that calls itself text":   {page: "\x00\x01\x02\xff\n", err: `begins "\x00\x01\x02\xff"`},
		"no content type":                 {page: "reqs_total 1\n", contentType: "-", err: `no content type, beginning "reqs_total 1"`},
		"mangled content type":            {page: "reqs_total 1\n", contentType: "text/plain; version", err: `content type "text/plain; version"`},
		"an unknown text version":         {page: "reqs_total 1\n", contentType: "text/plain; version=0.0.3", err: "version=0.0.3"},
		"empty page":                      {page: "", err: "no metrics at all"},
		"comments only":                   {page: "# nothing\n", total: Counter{Name: "x", Optional: true}, err: "no metrics at all"},
		"cut off in a line":               {page: "reqs_total{code=\"500\"} 3\nreqs_to", err: "unexpected end of input stream"},
		"cut off in a value":              {page: "reqs_total{code=\"500\"} 3", err: "unexpected end of input stream"},
		"cut off in a comment":            {page: "reqs_total{code=\"500\"} 3\n# TYPE x counter", err: "unexpected end of input stream"},
		"missing":                         {page: "up 1\n", err: `no metric "reqs_total" on the page (set Optional`},
		"misspelt":                        {page: "reqs 1\n", err: `no metric "reqs_total" on the page (it has "reqs")`},
		"events missing":                  {page: "reqs_total 5\n", events: Counter{Name: "errs_total"}, err: `no metric "errs_total"`},
		"misspelt label":                  {page: "reqs_total{code=\"200\"} 5\n", events: Counter{Name: "reqs_total", Match: map[string]string{"cod": "5.."}}, err: `no series of metric "reqs_total" has a label "cod"`},
		"gauge":                           {page: "# TYPE reqs_total gauge\nreqs_total 5\n", err: `metric "reqs_total" is a gauge, not a counter`},
		"histogram by its bare name":      {page: histogram, total: Counter{Name: "lat"}, err: `metric "lat" is a histogram: count its lat_count`},
		"sum of a histogram is no count":  {page: histogram, total: Counter{Name: "lat_sum"}, err: "1.5 is not a whole number"},
		"NaN":                             {page: "reqs_total{code=\"200\"} NaN\n", err: `metric "reqs_total": the value NaN is not a number of events`},
		"infinite":                        {page: "reqs_total{code=\"200\"} +Inf\n", err: "the value +Inf is not a number of events"},
		"negative":                        {page: "reqs_total{code=\"200\"} -3\n", err: "the value -3 is negative"},
		"fraction":                        {page: "reqs_total{code=\"200\"} 3.33\n", err: "the value 3.33 is not a whole number"},
		"too large":                       {page: "reqs_total{code=\"200\"} 1e16\n", err: "the value 1e+16 is too large to count exactly"},
		"NaN in a histogram":              {page: "# TYPE lat histogram\nlat_count NaN\n", total: Counter{Name: "lat_count"}, err: "NaN is not a number"},
		"negative in a histogram":         {page: "# TYPE lat histogram\nlat_count -1\n", total: Counter{Name: "lat_count"}, err: "-1 is negative"},
		"the same series twice":           {page: "reqs_total{a=\"1\",code=\"2\"} 1\nreqs_total{code=\"2\",a=\"1\"} 1\n", err: "same series twice"},
		"the same but for an empty label": {page: "reqs_total{code=\"2\"} 1\nreqs_total{code=\"2\",a=\"\"} 1\n", err: "same series twice"},
		"stray braces":                    {page: "reqs_total{code=\"500\"} 1\n{} 5\n", err: "same series twice"},
		"too many series":                 {page: "reqs_total{code=\"1\"} 1\nreqs_total{code=\"2\"} 1\nreqs_total{code=\"3\"} 1\nreqs_total{code=\"4\"} 1\n", err: `more than 3 series of metric "reqs_total" match`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.total.Name == "" {
				test.total = requests
			}
			if test.events.Name == "" {
				test.events = errors5xx
			}
			switch test.contentType {
			case "":
				test.contentType = text
			case "-":
				test.contentType = ""
			}
			total, events := matchers(t, test.total, test.events)
			got, err := readPage(test.contentType, test.page, total, events, 3)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				require.Less(t, len(err.Error()), 500, "bounded")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, [2]uint64{sum(got.groups[0]), sum(got.groups[1])})
		})
	}
}

const histogram = `# TYPE lat histogram
lat_bucket{le="0.1"} 4
lat_bucket{le="1"} 9
lat_bucket{le="+Inf"} 10
lat_sum 1.5
lat_count 10
`

func TestPageTellsTheStartOfTheProcess(t *testing.T) {
	t.Parallel()
	total, events := matchers(t, Counter{Name: "r"}, Counter{Name: "e", Optional: true})
	for page, want := range map[string]float64{
		"r 1\nprocess_start_time_seconds 1.5e9\n":                                             1.5e9,
		"r 1\nprocess_start_time_seconds NaN\n":                                               0,
		"r 1\nprocess_start_time_seconds +Inf\n":                                              0,
		"r 1\nprocess_start_time_seconds{a=\"1\"} 1\nprocess_start_time_seconds{a=\"2\"} 2\n": 0,
		"r 1\n": 0,
	} {
		r, err := readPage(text, page, total, events, 1)
		require.NoError(t, err, page)
		require.Equal(t, want, r.start, page)
	}
}

// FuzzPage: whatever a target sends, reading it does not panic, and what comes
// out are counts within the limits.
func FuzzPage(f *testing.F) {
	for _, page := range []string{
		"", "\n", "# EOF", "# TYPE", "#TYPE r counter\n", "r 1\n", "r{code=\"500\"} 1\n", "r{code=\"500\",} 1 2\n", histogram,
		"{} 5\n", "r 1\n{} 5\n", "r 1\n{code=\"5\"} 5\n", "{\"r\",code=\"500\"} 3\n", "{\"r\"} 3\n", "{\"r\n", "{code=\"500\",\"r\"} 3\n", "{code=\"500\"",
		"r NaN\n", "r -1\n", "r 0x10p4\n", "r 1_0\n", "# HELP r \\x\nr 1\n", "# TYPE r summary\nr{quantile=\"x\"} 1\nr_count 1\n",
		"<html>", "{\"a\":1}", "\x00\xff\n", "r{a=\"\xff\"} 1\n", "\"r\" 1\n", "r{\"a b\"=\"c\"} 1\n", "process_start_time_seconds 1\nr 1\n",
	} {
		f.Add(text, []byte(page))
		f.Add(openMetrics, []byte(page+"# EOF\n"))
	}
	total, events := matchers(f, Counter{Name: "r"}, Counter{Name: "r", Match: map[string]string{"code": "5.."}, Optional: true})
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		const maxSeries = 100
		r, err := readPage(contentType, string(body), total, events, maxSeries)
		if err != nil {
			require.Empty(t, r)
			return
		}
		require.LessOrEqual(t, len(r.groups[0]), maxSeries)
		for series, v := range r.groups[0] {
			require.LessOrEqual(t, v[0], uint64(maxCount))
			if e, ok := r.groups[1][series]; ok {
				require.Equal(t, v, e, "both from one page")
			}
		}
		for series := range r.groups[1] {
			require.Contains(t, r.groups[0], series)
		}
	})
}

func BenchmarkPage1000Series(b *testing.B) {
	var page strings.Builder
	page.WriteString("# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n")
	for i := range 1000 {
		fmt.Fprintf(&page, "http_requests_total{method=\"GET\",path=\"/api/v1/thing/%d\",code=\"%d\"} %d\n", i/5, 200+i%5*100, i*17)
	}
	total, events := matchers(b, Counter{Name: "http_requests_total"}, Counter{Name: "http_requests_total", Match: map[string]string{"code": "5.."}})
	b.SetBytes(int64(page.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readPage(text, page.String(), total, events, DefaultMaxSeries); err != nil {
			b.Fatal(err)
		}
	}
}
