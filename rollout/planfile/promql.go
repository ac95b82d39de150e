package planfile

import (
	"net/http"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// server reads a server that is asked in PromQL. Its secrets are in files: a plan is no
// place for them.
func server(s *Section, field string) *promql.Server {
	s = s.Section(field)
	s.Short("url")
	s.Need("url")
	srv := &promql.Server{
		URL: s.Text("url"), TokenFile: s.Path("token-file"), User: s.Text("user"), PasswordFile: s.Path("password-file"),
		Timeout: s.Duration("timeout"),
	}
	srv.Header = headers(s)
	return srv
}

// headers reads what is sent with every request.
func headers(s *Section) (h http.Header) {
	for name, value := range s.Labels("header") {
		if h == nil {
			h = make(http.Header)
		}
		h.Set(name, value)
	}
	return h
}

// serverOf returns the server of a source: its own, or the plan's.
func serverOf(s *Section) *promql.Server {
	if s.Has("server") {
		return server(s, "server")
	}
	if s.doc.found.server == nil {
		s.Fault("server", "is missing, and the plan has no prometheus: http://… for all")
		return &promql.Server{}
	}
	return s.doc.found.server
}

func promqlCounts(s *Section) analysis.Source {
	s.Need("total", "events")
	return &promql.Counts{
		Server: serverOf(s), Total: s.Text("total"), Events: s.Text("events"),
		BaselineTotal: s.Text("baseline-total"), BaselineEvents: s.Text("baseline-events"),
		EventsOptional: s.Flag("events-optional"), By: s.Text("by"), CanaryOnly: s.Flag("canary-only"), Fresh: s.Text("fresh"),
	}
}

func promqlCounters(s *Section) analysis.Source {
	s.Need("total", "events")
	return &promql.Counters{
		Server: serverOf(s), Total: s.Text("total"), Events: s.Text("events"),
		BaselineTotal: s.Text("baseline-total"), BaselineEvents: s.Text("baseline-events"),
		EventsOptional: s.Flag("events-optional"), By: s.Text("by"), CanaryOnly: s.Flag("canary-only"), Lookback: s.Duration("lookback"),
	}
}

func promqlGauge(s *Section) analysis.Source {
	s.Short("query")
	s.Need("query")
	return &promql.Gauge{
		Server: serverOf(s), Query: s.Text("query"), BaselineQuery: s.Text("baseline-query"),
		By: s.Text("by"), CanaryOnly: s.Flag("canary-only"), Fresh: s.Text("fresh"),
	}
}

func promqlHistogram(s *Section) analysis.Source {
	s.Short("query")
	s.Need("query")
	return &promql.Histogram{
		Server: serverOf(s), Query: s.Text("query"), BaselineQuery: s.Text("baseline-query"),
		By: s.Text("by"), CanaryOnly: s.Flag("canary-only"), Fresh: s.Text("fresh"),
	}
}
