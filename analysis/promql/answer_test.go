package promql_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// What is no number is never read as one.
func TestAnswers(t *testing.T) {
	t.Parallel()
	ts := fmt.Sprint(end.Unix())
	vector := func(result string) string { return success("vector", result) }
	tests := map[string]struct {
		body string
		want float64
		err  string
	}{
		"vector of one":     {vector(`[{"metric":{"a":"b"},"value":[` + ts + `.000,"42"]}]`), 42, ""},
		"scalar":            {success("scalar", `[`+ts+`,"0.5"]`), 0.5, ""},
		"zero is zero":      {vector(value(0)), 0, ""},
		"infos":             {strings.Replace(vector(value(1)), `{`, `{"infos":["might not be a counter"],`, 1), 1, ""},
		"empty vector":      {vector(`[]`), 0, "no data: no series matches"},
		"NaN":               {vector(value("NaN")), 0, "no data: the value is NaN, which is no number"},
		"infinite":          {vector(value("-Inf")), 0, "no data: the value is -Inf"},
		"scalar NaN":        {success("scalar", `[`+ts+`,"NaN"]`), 0, "no data: the value is NaN"},
		"string":            {success("string", `[`+ts+`,"7"]`), 0, "the query gives a string, not a number"},
		"matrix":            {success("matrix", `[]`), 0, "the query gives a matrix, not a number"},
		"histogram":         {vector(`[{"metric":{},"histogram":[` + ts + `,{"count":"3","sum":"1"}]}]`), 0, "native histogram"},
		"unknown type":      {success("stream\n", `[]`), 0, `unknown result type "stream\n"`},
		"no value":          {vector(`[{"metric":{}}]`), 0, "no pair of time and number"},
		"half a value":      {vector(`[{"metric":{},"value":[` + ts + `]}]`), 0, "no pair of time and number"},
		"bare number":       {vector(`[{"metric":{},"value":[` + ts + `,7]}]`), 0, "a value that is no number"},
		"null value":        {vector(`[{"metric":{},"value":[` + ts + `,null]}]`), 0, "a value that is no number"},
		"word for a value":  {vector(value("up")), 0, "a value that is no number"},
		"word for a time":   {vector(`[{"metric":{},"value":["now","7"]}]`), 0, "a time that is none"},
		"another time":      {vector(`[{"metric":{},"value":[0,"7"]}]`), 0, "asked for 2030-01-01T12:00:00Z, the server answered for 1970-01-01T00:00:00Z"},
		"no result":         {`{"status":"success","data":{"resultType":"vector"}}`, 0, "malformed answer"},
		"null result":       {vector(`null`), 0, "malformed answer: no result"},
		"no data":           {`{"status":"success"}`, 0, "malformed answer"},
		"other JSON":        {`{"ok":true}`, 0, "not a Prometheus API's: no status"},
		"null":              {`null`, 0, "not a Prometheus API's"},
		"HTML":              {"<html><title>Sign in</title>", 0, `(content type "text/html; charset=utf-8", beginning "<html><title>Sign in</title>")`},
		"truncated":         {vector(value(1))[:40], 0, "unexpected end of JSON input"},
		"trailing":          {vector(value(1)) + "x", 0, "invalid character 'x' after top-level value"},
		"empty body":        {"", 0, "unexpected end of JSON input"},
		"error with a 200":  {`{"status":"error","errorType":"execution","error":"store is down"}`, 0, `refused the query: 200 "execution": "store is down"`},
		"warning":           {strings.Replace(vector(value(1)), `{`, `{"warnings":["store b is\ndown"],`, 1), 0, `may lack data (set Server.Warn to take it all the same): "store b is\ndown"`},
		"partial":           {strings.Replace(vector(value(1)), `{`, `{"isPartial":true,`, 1), 0, "the answer is partial"},
		"two series":        {vector(`[{"metric":{"a":"1"},"value":[` + ts + `,"1"]},{"metric":{"a":"2","b":"\n"},"value":[` + ts + `,"2"]}]`), 0, `2 series, want one (aggregate them, as with sum()): "{a=\"1\"}", "{a=\"2\", b=\"\\n\"}"`},
		"very many series":  {vector("[" + strings.Repeat(`{"metric":{"a":"1"},"value":[`+ts+`,"1"]},`, 99) + `{"metric":{},"value":[` + ts + `,"1"]}]`), 0, "100 series, want one"},
		"control in a name": {success("vector", `[{"metric":{"a":"\u001b[2J"},"value":[1,""]}]`), 0, "a value that is no number"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gauge(serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, test.body) }))
			o, err := g.Observe(t.Context(), window("a", ""))
			if test.err == "" {
				require.NoError(t, err)
				require.Equal(t, analysis.Gauge(test.want), o.Canary)
				return
			}
			require.ErrorContains(t, err, test.err)
			require.ErrorContains(t, err, "promql: Query of the canary: ")
			require.ErrorContains(t, err, `(query "max(queue{pod=~\"a\"})")`)
			require.Equal(t, strings.HasPrefix(test.err, "no data:"), errors.Is(err, analysis.ErrNoData))
			require.Zero(t, o)
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 1500)
		})
	}
}

// With Warn, remarks are passed on and the answer counts.
func TestWarn(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Replace(success("vector", value(1)), `{`, `{"isPartial":true,"warnings":["w"],"infos":["i`+strings.Repeat("x", 1000)+`"],`, 1))
	})
	var got []string
	s.Warn = func(query string, notes []string) { got = append(append(got, query), notes...) }
	o, err := gauge(s).Observe(t.Context(), window("a", ""))
	require.NoError(t, err)
	require.Equal(t, analysis.Gauge(1), o.Canary)
	require.Equal(t, []string{`max(queue{pod=~"a"})`, `"w"`, `"the answer is partial"`}, got[:3])
	require.Less(t, len(got[3]), 400)
}

func TestQueryRange(t *testing.T) {
	t.Parallel()
	start := end.Add(-time.Minute)
	body := ""
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Path + " " + r.FormValue("start") + " " + r.FormValue("end") + " " + r.FormValue("step"); got != "/api/v1/query_range 1893499140.000 1893499200.000 1m30s" {
			t.Error(got)
		}
		fmt.Fprint(w, body)
	})
	ask := func() ([]promql.Series, error) { return s.QueryRange(t.Context(), "up", start, end, 90*time.Second) }
	body = success("matrix", fmt.Sprintf(`[{"metric":{"__name__":"up"},"values":[[%d,"1"],[%d.5,"NaN"]]}]`, start.Unix(), start.Unix()))
	series, err := ask()
	require.NoError(t, err)
	require.Len(t, series, 1)
	require.Equal(t, `{__name__="up"}`, series[0].String())
	require.Equal(t, promql.Point{At: start, Value: 1}, series[0].Points[0])
	require.True(t, math.IsNaN(series[0].Points[1].Value))
	require.Equal(t, start.Add(500*time.Millisecond), series[0].Points[1].At)

	body = success("matrix", "[]")
	series, err = ask()
	require.NoError(t, err)
	require.Empty(t, series)

	for _, bad := range []string{
		`[{"metric":{}}]`, `[{"metric":{},"values":[]}]`, `[{"metric":{},"values":[[1]]}]`, `[{"metric":{},"values":[[1,"1"]]}]`, `null`,
		fmt.Sprintf(`[{"metric":{},"values":[[%[1]d,"1"],[%[1]d,"2"]]}]`, end.Unix()),
		`[{"metric":{},"histograms":[[1,{}]]}]`,
	} {
		body = success("matrix", bad)
		_, err = ask()
		require.Error(t, err, bad)
	}
	body = success("vector", "[]")
	_, err = ask()
	require.ErrorContains(t, err, "for a range")
	_, err = s.QueryRange(t.Context(), "up", end, start, time.Second)
	require.ErrorContains(t, err, "an end that is not before the start")
	_, err = s.QueryRange(t.Context(), "up", start, end, 0)
	require.ErrorContains(t, err, "step")
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(success("vector", value(1))))
	f.Add([]byte(success("scalar", `[1893499200,"NaN"]`)))
	f.Add([]byte(success("vector", `[{"metric":{"a":"b"},"value":[1893499200.1]}]`)))
	f.Add([]byte(`{"status":"error","errorType":"x","error":"y","warnings":["z"]}`))
	var body []byte
	s := &promql.Server{URL: "http://fuzz", Transport: transport(func() []byte { return body })}
	g := gauge(s)
	f.Fuzz(func(t *testing.T, data []byte) {
		body = data
		o, err := g.Observe(t.Context(), window("a", ""))
		if err != nil {
			require.Zero(t, o)
			require.Less(t, len(err.Error()), 4000)
			return
		}
		v, ok := o.Canary.Figure()
		require.True(t, ok && !math.IsNaN(v) && !math.IsInf(v, 0))
		require.Contains(t, string(data), "success")
		_, _ = s.QueryRange(t.Context(), "up", end, end.Add(time.Minute), time.Second)
	})
}
