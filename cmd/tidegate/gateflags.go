package main

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

// metricFlags say where metrics come from, and what they must be.
type metricFlags struct {
	Prometheus      string        `placeholder:"URL" help:"Ask this Prometheus, or what speaks its API."`
	Scrape          string        `placeholder:"URL" help:"Read the targets' own metrics pages, such as http://{target}:9090/metrics."`
	Max             []string      `sep:"none" placeholder:"NAME=QUERY<LIMIT" help:"Fail when the query's value is above the limit. With --scrape the query is COUNTER/COUNTER. May be repeated."`
	Min             []string      `sep:"none" placeholder:"NAME=QUERY>LIMIT" help:"Fail when the query's value is below the limit. May be repeated."`
	Interval        time.Duration `default:"10s" help:"The time between two looks."`
	Header          []string      `sep:"none" placeholder:"NAME: VALUE" help:"Send this header with every request. May be repeated."`
	BearerTokenFile string        `placeholder:"FILE" help:"Send the token in this file."`
}

// checks are those of --max and --min. notWorse are more, of --not-worse.
func (m metricFlags) checks(notWorse []string) (checks []analysis.Check, err error) {
	from, err := m.origin()
	if err != nil {
		return nil, err
	}
	if len(m.Max)+len(m.Min)+len(notWorse) == 0 {
		if from != nil {
			return nil, badf("there are metrics to look at, and nothing to hold them against: add --max, --min or --not-worse")
		}
		return nil, nil
	}
	if from == nil {
		return nil, badf("--max, --min and --not-worse need --prometheus or --scrape: where do the metrics come from?")
	}
	seen := make(map[string]bool)
	add := func(c analysis.Check) error {
		if seen[c.Name] {
			return badf("two checks are named %q", c.Name)
		}
		seen[c.Name] = true
		checks = append(checks, c)
		return nil
	}
	for _, one := range []struct {
		flag, sign string
		all        []string
		judge      func(float64) analysis.Threshold
	}{{"--max", "<", m.Max, analysis.Below}, {"--min", ">", m.Min, analysis.Above}} {
		for _, text := range one.all {
			l, err := parseLimit(one.flag, one.sign, text)
			if err != nil {
				return nil, err
			}
			source, err := from.value(one.flag, l)
			if err != nil {
				return nil, err
			}
			judge := one.judge(l.limit)
			judge.CanaryOnly = true
			if err := add(analysis.Check{Name: l.name, Source: source, Judge: judge}); err != nil {
				return nil, err
			}
		}
	}
	for _, text := range notWorse {
		name, query, err := cutName("--not-worse", text)
		if err != nil {
			return nil, err
		}
		events, total, err := cutRatio("--not-worse", query)
		if err != nil {
			return nil, err
		}
		source, err := from.counts("--not-worse", events, total)
		if err != nil {
			return nil, err
		}
		if err := add(analysis.Check{Name: name, Source: source, Judge: analysis.NotWorse{}}); err != nil {
			return nil, err
		}
	}
	return checks, nil
}

// limit is one --max or --min.
type limit struct {
	name, query string
	limit       float64
}

// parseLimit reads NAME=QUERY<LIMIT. The query may have such signs of its own: the
// last one counts.
func parseLimit(flag, sign, text string) (l limit, err error) {
	var rest string
	if l.name, rest, err = cutName(flag, text); err != nil {
		return l, err
	}
	i := strings.LastIndex(rest, sign)
	if i < 0 {
		return l, badf("%s %q has no limit: want NAME=QUERY%sLIMIT", flag, text, sign)
	}
	l.query = strings.TrimSpace(rest[:i])
	number := strings.TrimSpace(strings.TrimPrefix(rest[i+1:], "="))
	percent := strings.HasSuffix(number, "%")
	if l.limit, err = strconv.ParseFloat(strings.TrimSuffix(number, "%"), 64); err != nil {
		return l, badf("%s %q: %q is no limit: want a number, such as 0.01 or 1%%", flag, text, number)
	}
	if percent {
		l.limit /= 100
	}
	if l.query == "" {
		return l, badf("%s %q has no query: want NAME=QUERY%sLIMIT", flag, text, sign)
	}
	return l, nil
}

var checkName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

func cutName(flag, text string) (name, query string, err error) {
	name, query, ok := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); !ok || !checkName.MatchString(name) {
		return "", "", badf("%s %q has no name: want it to begin with one, as in errors=…", flag, text)
	}
	if query = strings.TrimSpace(query); query == "" {
		return "", "", badf("%s %q has no query", flag, text)
	}
	return name, query, nil
}

// origin is where metrics come from.
type origin interface {
	// value is what is held against a limit, counts what is compared.
	value(flag string, l limit) (analysis.Source, error)
	counts(flag, events, total string) (analysis.Source, error)
}

// origin returns where the flags say that metrics come from; nil if nowhere.
func (m metricFlags) origin() (origin, error) {
	header := http.Header{}
	for _, h := range m.Header {
		name, v, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, badf("--header is malformed (not shown, it may hold a secret): want 'Name: value'")
		}
		header.Add(name, strings.TrimSpace(v))
	}
	switch {
	case m.Prometheus != "" && m.Scrape != "":
		return nil, badf("there are --prometheus and --scrape: want one of them")
	case m.Prometheus != "":
		return fromPrometheus{&promql.Server{URL: m.Prometheus, Header: header, TokenFile: m.BearerTokenFile}}, nil
	case m.Scrape == "" && (len(m.Header) > 0 || m.BearerTokenFile != ""):
		return nil, badf("--header and --bearer-token-file are for --prometheus and --scrape")
	case m.Scrape == "":
		return nil, nil
	case m.BearerTokenFile != "":
		return nil, badf("--bearer-token-file is for --prometheus")
	}
	return fromPages{m.Scrape, header}, nil
}

// fromPrometheus asks a Prometheus.
type fromPrometheus struct{ server *promql.Server }

func (p fromPrometheus) value(_ string, l limit) (analysis.Source, error) {
	return &promql.Gauge{Server: p.server, Query: l.query, CanaryOnly: true}, nil
}

func (p fromPrometheus) counts(_, events, total string) (analysis.Source, error) {
	return &promql.Counters{Server: p.server, Events: events, Total: total}, nil
}

// fromPages reads the pages of the targets.
type fromPages struct {
	url    string
	header http.Header
}

func (p fromPages) value(flag string, l limit) (analysis.Source, error) {
	events, total, err := cutRatio(flag, l.query)
	if err != nil {
		return nil, err
	}
	return p.counts(flag, events, total)
}

func (p fromPages) counts(flag, events, total string) (analysis.Source, error) {
	e, err := parseCounter(flag, events)
	if err != nil {
		return nil, err
	}
	t, err := parseCounter(flag, total)
	if err != nil {
		return nil, err
	}
	url := p.url
	return &scrape.Counters{
		URL:    func(target string) string { return strings.ReplaceAll(url, "{target}", target) },
		Header: p.header, Events: e, Total: t,
	}, nil
}
