package planfile

import (
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/command"
	"github.com/tidegate-go/tidegate/analysis/jsonapi"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

func standardSources() map[string]func(*Section) analysis.Source {
	return map[string]func(*Section) analysis.Source{
		"promql-counts":    promqlCounts,
		"promql-counters":  promqlCounters,
		"promql-value":     promqlGauge,
		"promql-histogram": promqlHistogram,
		"scrape-counters":  scrapeCounters,
		"scrape-histogram": scrapeHistogram,
		"command-value": func(s *Section) analysis.Source {
			return &command.Gauge{Program: sourceProgram(s), CanaryOnly: s.Flag("canary-only")}
		},
		"command-report": func(s *Section) analysis.Source { return &command.Report{Program: sourceProgram(s)} },
		"json-api":       jsonSource,
	}
}

func sourceProgram(s *Section) command.Program {
	s.Short("run")
	s.Need("run")
	s.As("run", "Program.Args")
	s.As("env", "Program.Env")
	p := command.Program{
		Args: s.Program("run"), Dir: s.Path("dir"), Env: s.Texts("env"), Grace: s.Duration("grace"), MaxOutput: s.Count("max-output", 1),
	}
	if p.Dir == "" {
		p.Args = s.doc.program(p.Args)
	}
	return p
}

// pageOf reads the address of a target's page, with {target} in it.
func pageOf(s *Section) func(target string) string {
	url := s.Text("url")
	if url != "" && !strings.Contains(url, "{target}") {
		s.Fault("url", "has no {target}, so that all targets would have the same page: write it as in http://{target}:9100/metrics")
	}
	return func(target string) string { return strings.ReplaceAll(url, "{target}", target) }
}

func scrapeCounters(s *Section) analysis.Source {
	s.Need("url", "total", "events")
	return &scrape.Counters{
		URL: pageOf(s), Total: counter(s.Section("total")), Events: counter(s.Section("events")),
		MinTargets: wholePercent(s, "min-targets"), Timeout: s.Duration("timeout"), Concurrency: s.Count("concurrency", 1),
		MaxPage: int64(s.Count("max-page", 1)), MaxSeries: s.Count("max-series", 1), Header: headers(s),
	}
}

func counter(s *Section) scrape.Counter {
	s.Short("name")
	s.Need("name")
	return scrape.Counter{Name: s.Text("name"), Match: s.Labels("match"), Optional: s.Flag("optional")}
}

func scrapeHistogram(s *Section) analysis.Source {
	s.Need("url", "name")
	return &scrape.Histogram{
		URL: pageOf(s), Name: s.Text("name"), Match: s.Labels("match"), Optional: s.Flag("optional"),
		MinTargets: wholePercent(s, "min-targets"), Timeout: s.Duration("timeout"), Concurrency: s.Count("concurrency", 1),
		MaxPage: int64(s.Count("max-page", 1)), MaxSeries: s.Count("max-series", 1), Header: headers(s),
	}
}

func jsonSource(s *Section) analysis.Source {
	s.Need("url", "canary")
	return &jsonapi.Source{
		URL: s.Text("url"), BaselineURL: s.Text("baseline-url"),
		Canary: jsonFigures(s.Section("canary")), Baseline: jsonFigures(s.Section("baseline")),
		Both: s.Flag("both"), CanaryOnly: s.Flag("canary-only"), Strings: s.Flag("strings"), Refusal: s.Text("refusal"),
		Header: headers(s), Timeout: s.Duration("timeout"), MaxBody: int64(s.Count("max-body", 1)),
	}
}

func jsonFigures(s *Section) jsonapi.Figures {
	return jsonapi.Figures{
		Events: jsonFigure(s.Section("events")), Total: jsonFigure(s.Section("total")), Value: jsonFigure(s.Section("value")),
	}
}

func jsonFigure(s *Section) jsonapi.Figure {
	s.Short("path")
	s.Need("path")
	f := jsonapi.Figure{Path: s.Text("path"), Pick: s.Flag("pick"), Item: s.Text("item")}
	switch s.Word("take", "first", "last", "sum") {
	case "first":
		f.Take = jsonapi.First
	case "last":
		f.Take = jsonapi.Last
	case "sum":
		f.Take = jsonapi.Sum
	}
	return f
}

func wholePercent(s *Section, field string) int {
	p := s.Percent(field)
	if p != float64(int(p)) {
		s.Fault(field, "want a whole percentage, such as 50%%")
	}
	return int(p)
}
