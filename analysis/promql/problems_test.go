package promql_test

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

func problemsOf(p analysis.Problemer) (all []string) {
	p.Problems(func(path, msg string) { all = append(all, path+" "+msg) })
	return all
}

func TestProblemsOfAServer(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]*promql.Server{
		"":                                       {URL: "https://prometheus:9090/prefix/?dedup=true", Token: "x"},
		"URL is empty":                           {},
		"URL is malformed":                       {URL: "prometheus:9090/sesame"},
		"URL holds a user":                       {URL: "http://me:sesame@host"},
		`URL ends in "/api/v1/query"`:            {URL: "http://host/api/v1/query"},
		"TokenFile is set and so is Token":       {URL: "http://h", Token: "sesame", TokenFile: "f"},
		"PasswordFile is set and so is Password": {URL: "http://h", User: "u", Password: "sesame", PasswordFile: "f"},
		"User is set and so is a token":          {URL: "http://h", User: "u", Token: "sesame"},
		"User is empty, but there is a password": {URL: "http://h", Password: "sesame"},
		"Token holds a line break":               {URL: "http://h", Token: "sesame\n"},
		"Header has an Authorization of its own": {URL: "http://h", Token: "sesame", Header: http.Header{"Authorization": {"sesame"}}},
		"TLS is set and so is Transport":         {URL: "http://h", TLS: &tls.Config{}, Transport: http.DefaultTransport},
		"Timeout is negative (-1s)":              {URL: "http://h", Timeout: -time.Second},
	} {
		found := problemsOf(s)
		if want == "" {
			require.Empty(t, found)
			continue
		}
		require.Len(t, found, 1)
		require.Contains(t, found[0], want)
		require.NotContains(t, found[0], "sesame")
		found = problemsOf(gauge(s))
		require.Contains(t, found[0], "Server."+want)
		_, err := gauge(s).Observe(t.Context(), window("a", ""))
		require.ErrorContains(t, err, "promql: Gauge.Server."+want)
		_, err = s.Query(t.Context(), "up", end)
		require.ErrorContains(t, err, "promql: Server."+want)
		s.CloseIdleConnections()
	}
	require.Equal(t, []string{"Server is nil: there is nobody to ask"}, problemsOf(gauge(nil)))
}

func TestProblemsOfQueries(t *testing.T) {
	t.Parallel()
	const arm = `{pod=~"{{.Arm}}"}`
	const (
		sameArm    = "asks the same of the canary and of the baseline"
		sameWindow = "asks the same whatever the window"
		zero       = "ends in a number where there is no data"
		perSecond  = "is a rate per second"
		outside    = "outside of quotes"
		backticks  = "between backticks"
		equals     = "compares by = or != with a pattern"
		dots       = "compares by =~ or !~ with a version"
	)
	values := map[string]string{
		`x` + arm:                                                     "",
		`x{a="or vector(0)"} * x` + arm:                               "",
		`x` + arm + ` # or vector(0)`:                                 "",
		`x` + arm + ` or y` + arm:                                     "",
		`x{pod!~'{{.Canary}}'} + y` + arm:                             "",
		`x{v="{{.Version}}"}`:                                         "",
		`x{v=~"{{regex .Version}}-.*"}`:                               "",
		`x{z=~"{{.Label "zone"}}"}`:                                   "",
		"x{z=~\"{{.Label `zone`}}\"}":                                 "",
		`label_replace(x` + arm + `, "a", "{{.Version}}", "b", ".*")`: "",
		`{{if .IsCanary}}x{{else}}y{{end}}`:                           "",
		``:                                                            "is empty",
		` `:                                                           "is empty",
		`x{{`:                                                         "is not a template",
		`x{{.Pod}}`:                                                   "does not work as a template",
		`{{if eq .Wave 1}}x` + arm + `{{end}}`:                        "empty query",
		`x`:                                                           sameArm,
		`x{pod=~"{{.Canary}}"}`:                                       sameArm,
		`{{.Arm}}`:                                                    outside,
		`{{if eq .Wave 2}}{{.Version}}{{else}}x` + arm + `{{end}}`: outside,
		`x{pod=~"{{.Arm}}", v={{.Version}}}`:                       outside,
		"x{pod=~`{{.Arm}}`}":                                       backticks,
		`{{if .IsCanary}}x{{else}}y or vector(0){{end}}`:           zero,
		`x{pod="{{.Arm}}"}`:                                        equals,
		`x{pod != "{{.Arm}}"}`:                                     equals,
		`x{z="{{.Label "zone"}}"}`:                                 equals,
		`x{v="{{regex .Version}}"}`:                                equals,
		`x{v=~"{{.Version}}"}`:                                     dots,
		`x` + arm + ` or vector(0)`:                                zero,
		`x` + arm + ` OR on () vector ( 0.0 )`:                     zero,
		`x` + arm + ` or 0`:                                        zero,
		`x` + arm + ` default 0`:                                   zero,
		`x` + arm + " # zero is fine\n or vector(0)":               zero,
	}
	for query, want := range values {
		requireProblem(t, problemsOf(&promql.Gauge{Server: &promql.Server{URL: "http://h"}, Query: query}), "Query", want, query)
	}
	const good = `sum(increase(x` + arm + `[{{.Window}}]))`
	for query, want := range map[string]string{
		good + " ": "",
		`sum(x` + arm + `) - sum(x` + arm + ` @ {{.Start}})`: "",
		`sum(increase(x` + arm + `[5m]))`:                    sameWindow,
		`sum(rate(x` + arm + `[{{.Window}}]))`:               perSecond,
		`sum(increase(x[{{.Window}}]))`:                      sameArm,
		good + ` or vector(0)`:                               zero,
	} {
		requireProblem(t, problemsOf(&promql.Counts{Server: &promql.Server{URL: "http://h"}, Total: good, Events: query}), "Events", want, query)
		requireProblem(t, problemsOf(&promql.Counts{Server: &promql.Server{URL: "http://h"}, Total: query, Events: good}), "Total", want, query)
	}

	const buckets = `sum by (le) (increase(x_bucket` + arm + `[{{.Window}}]))`
	for query, want := range map[string]string{
		buckets: "",
		`sum(increase(x_bucket` + arm + `[{{.Window}}]))`:               "does not keep the label le",
		`sum(increase(x_bucket{a="le", pod=~"{{.Arm}}"}[{{.Window}}]))`: "does not keep the label le",
		`histogram_quantile(0.9, ` + buckets + `)`:                      "gives one figure of a histogram, not its buckets",
		`sum by (le) (rate(x` + arm + `[{{.Window}}]))`:                 perSecond,
		`sum by (le) (increase(x` + arm + `[5m]))`:                      sameWindow,
		`sum by (le) (increase(x[{{.Window}}]))`:                        sameArm,
		``:                                                              "is empty",
	} {
		requireProblem(t, problemsOf(&promql.Histogram{Server: &promql.Server{URL: "http://h"}, Query: query, Fresh: `max(x)`}), "Query", want, query)
	}
	requireProblem(t, problemsOf(&promql.Histogram{Server: &promql.Server{URL: "http://h"}, Query: buckets, By: "le"}), "By", `is "le"`, "")

	s := &promql.Server{URL: "http://h"}
	require.Empty(t, problemsOf(&promql.Gauge{Server: s, Query: "sum(sales)", CanaryOnly: true}))
	require.Empty(t, problemsOf(&promql.Gauge{Server: s, Query: "x", BaselineQuery: "y", Fresh: "max(timestamp(up))"}))
	requireProblem(t, problemsOf(&promql.Gauge{Server: s, Query: "x", BaselineQuery: "x"}), "Query", sameArm, "")
	requireProblem(t, problemsOf(&promql.Gauge{Server: s, Query: "x", BaselineQuery: "y{{"}), "BaselineQuery", "is not a template", "")
	requireProblem(t, problemsOf(&promql.Gauge{Server: s, Query: "x", BaselineQuery: "y", CanaryOnly: true}), "BaselineQuery", "CanaryOnly says", "")
	requireProblem(t, problemsOf(&promql.Gauge{Server: s, Query: "x" + arm, Fresh: "{{"}), "Fresh", "is not a template", "")
	requireProblem(t, problemsOf(&promql.Counts{Server: s, Total: good, Events: good}), "Events", "is the same query as Total", "")
	require.Len(t, problemsOf(&promql.Counts{}), 3)
	_, err := (&promql.Counts{}).Observe(t.Context(), window("a", ""))
	require.ErrorContains(t, err, "promql: Counts.Total is empty")
}

func requireProblem(t *testing.T, found []string, path, want, query string) {
	t.Helper()
	if want == "" {
		require.Empty(t, found, query)
		return
	}
	for _, problem := range found {
		require.Regexp(t, "^"+path+" ", problem, query)
	}
	require.NotEmpty(t, found, query)
	require.Contains(t, found[0], want, query)
}
