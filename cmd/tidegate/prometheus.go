package main

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// queryTimeout bounds one try of one query.
const queryTimeout = time.Minute

// prometheus is where series come from that are in no file, and which.
type prometheus struct {
	URL            *string        `name:"from-prometheus" placeholder:"URL" help:"Fetch the series from a Prometheus, or what speaks its API, in place of FILE."`
	Canary         *string        `placeholder:"QUERY" help:"What the canary shows: a value, or the number of events if there is --canary-total."`
	CanaryTotal    *string        `placeholder:"QUERY" help:"Among how many the events are. Use [{{.Window}}] for the range in both, which is --step."`
	Baseline       *string        `placeholder:"QUERY" help:"What the baseline shows."`
	BaselineTotal  *string        `placeholder:"QUERY" help:"Among how many its events are."`
	Histogram      *bool          `help:"The queries give the buckets of a histogram by le, within [{{.Window}}]."`
	EventsOptional *bool          `help:"No series of events means none, where there is a total."`
	By             *string        `placeholder:"LABEL" help:"The queries give a series for each value of this label, which are slices."`
	Start          *string        `placeholder:"TIME" help:"From when on: RFC 3339, Unix seconds, or how long ago, such as 2h."`
	End            *string        `placeholder:"TIME" help:"Until when. Now, if not set."`
	Before         *string        `placeholder:"TIME" help:"For notworse: from when on to --start both arms ran the same version, which shows how comparable they are."`
	Step           *time.Duration `placeholder:"10s" help:"How long each observation is."`

	Header          []string `sep:"none" placeholder:"NAME: VALUE" help:"Send this header with every request. May be repeated."`
	BearerTokenFile *string  `placeholder:"FILE" help:"Send the token in this file."`
}

// flagOfSetting says by which flag a setting of a source goes.
var flagOfSetting = map[string]string{
	"Query": "--canary", "BaselineQuery": "--baseline",
	"Events": "--canary", "Total": "--canary-total", "BaselineEvents": "--baseline", "BaselineTotal": "--baseline-total",
	"By": "--by", "Server.URL": "--from-prometheus", "Server.Header": "--header", "Server.TokenFile": "--bearer-token-file",
}

// records fetches what a judge is to judge.
func (p prometheus) records(j judge, now time.Time) ([]record, error) {
	if err := p.check(j); err != nil {
		return nil, err
	}
	server := &promql.Server{URL: *p.URL, TokenFile: deref(p.BearerTokenFile), Timeout: queryTimeout, Header: http.Header{}}
	for _, h := range p.Header {
		name, v, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, badf("--header is malformed (not shown, it may hold a secret): want 'Name: value'")
		}
		server.Header.Add(name, strings.TrimSpace(v))
	}
	defer server.CloseIdleConnections()
	w, every, err := p.window(now)
	if err != nil {
		return nil, err
	}
	if _, ok := j.(series); ok {
		return p.observations(server, w, every, now)
	}
	_, gaps := j.(kayentaJudge)
	return p.points(server, w, every, gaps)
}

// check finds flags that are missing, or that do not go together.
func (p prometheus) check(j judge) error {
	s, isSeries := j.(series)
	_, isCanary := j.(canaryJudge)
	switch {
	case isCanary:
		return badf("--from-prometheus fetches one metric, and --config is a canary config with several")
	case p.Canary == nil:
		return badf("--from-prometheus needs --canary")
	case p.Start == nil:
		return badf("--from-prometheus needs --start")
	case p.Baseline == nil && (!isSeries || s.name == "notworse"):
		return badf("--from-prometheus needs --baseline: the judge compares")
	case !isSeries && (p.CanaryTotal != nil || p.BaselineTotal != nil):
		return badf("--canary-total and --baseline-total are for --judge notworse, above, below and within")
	case !isSeries && p.By != nil:
		return badf("--by is for --judge notworse, above, below and within")
	case p.Histogram != nil && s.name != "notworse":
		return badf("--histogram is for --judge notworse")
	case p.Histogram != nil && (p.CanaryTotal != nil || p.BaselineTotal != nil):
		return badf("--histogram and totals are for different things: a histogram has its total")
	case p.Before != nil && s.name != "notworse":
		return badf("--before is for --judge notworse")
	case p.BaselineTotal != nil && p.Baseline == nil:
		return badf("--baseline-total needs --baseline")
	case p.Baseline != nil && (p.BaselineTotal == nil) != (p.CanaryTotal == nil):
		return badf("want --canary-total and --baseline-total, or neither")
	case p.EventsOptional != nil && p.CanaryTotal == nil:
		return badf("--events-optional needs --canary-total: a value cannot be missing")
	}
	return nil
}

// window is the time to look at, and how long each observation is.
func (p prometheus) window(now time.Time) (w analysis.Window, every time.Duration, err error) {
	every = analysis.DefaultInterval
	if p.Step != nil {
		every = *p.Step
	}
	if w.Start, err = instant("--start", *p.Start, now); err != nil {
		return w, 0, err
	}
	w.End = now
	if p.End != nil {
		if w.End, err = instant("--end", *p.End, now); err != nil {
			return w, 0, err
		}
	}
	if every < time.Millisecond || w.End.Sub(w.Start) < every {
		return w, 0, badf("--start is %s, --end %s and --step %v: want an end that is one step or more after the start",
			w.Start.Format(time.RFC3339), w.End.Format(time.RFC3339), every)
	}
	side := func(name string) analysis.Arm {
		return analysis.Arm{Version: name, Members: []analysis.Member{{Name: name}}}
	}
	w.Wave, w.Canary, w.Baseline = 1, side("canary"), side("baseline")
	return w, every, nil
}

// instant reads a time.
func instant(flag, text string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 && s < 1e11 {
		return time.UnixMilli(int64(math.Round(s * 1000))).UTC(), nil
	}
	if ago, err := model.ParseDuration(strings.TrimPrefix(text, "-")); err == nil && ago > 0 {
		return now.Add(-time.Duration(ago)), nil
	}
	return time.Time{}, badf(`%s is %q: want a time as 2026-01-02T15:04:05Z, as Unix seconds, or as how long ago, such as 2h`, flag, short(text))
}

// source is what is asked about the past.
type source interface {
	analysis.Historian
	analysis.Problemer
}

// history asks a source, once nothing is wrong with its settings.
func history(s source, w analysis.Window, every time.Duration, flags map[string]string) ([]analysis.Observation, error) {
	var wrong []string
	s.Problems(func(path, msg string) {
		if flag, ok := flags[path]; ok {
			path = flag
		}
		wrong = append(wrong, path+" "+msg)
	})
	if len(wrong) > 0 {
		return nil, badf("%s", strings.Join(wrong, "; "))
	}
	all, err := s.History(context.Background(), w, every)
	if errors.Is(err, analysis.ErrNoData) {
		return nil, badf("nothing to judge from %s to %s: %v", w.Start.Format(time.RFC3339), w.End.Format(time.RFC3339), err)
	} else if err != nil {
		return nil, badf("cannot fetch the series: %v", err)
	}
	return all, nil
}

// observations are a record for every step, as far as there is data, and before them
// those from before the rollout.
func (p prometheus) observations(server *promql.Server, w analysis.Window, every time.Duration, now time.Time) ([]record, error) {
	from := p.source(server)
	var records []record
	if p.Before != nil {
		aa := w
		var err error
		if aa.Start, err = instant("--before", *p.Before, now); err != nil {
			return nil, err
		}
		if aa.End = w.Start; aa.End.Sub(aa.Start) < every {
			return nil, badf("--before is %s: want it one step of %v or more before --start, %s", aa.Start.Format(time.RFC3339), every, w.Start.Format(time.RFC3339))
		}
		all, err := history(from, aa, every, flagOfSetting)
		if err != nil {
			return nil, err
		}
		records = recorded(all, true)
	}
	all, err := history(from, w, every, flagOfSetting)
	return append(records, recorded(all, false)...), err
}

// source is what the queries are for.
func (p prometheus) source(server *promql.Server) source {
	by, canaryOnly := deref(p.By), p.Baseline == nil
	switch {
	case deref(p.Histogram):
		return &promql.Histogram{Server: server, Query: *p.Canary, BaselineQuery: deref(p.Baseline), By: by, CanaryOnly: canaryOnly}
	case p.CanaryTotal != nil:
		return &promql.Counts{
			Server: server, Events: *p.Canary, Total: *p.CanaryTotal, BaselineEvents: deref(p.Baseline), BaselineTotal: deref(p.BaselineTotal),
			EventsOptional: deref(p.EventsOptional), By: by, CanaryOnly: canaryOnly,
		}
	default:
		return &promql.Gauge{Server: server, Query: *p.Canary, BaselineQuery: deref(p.Baseline), By: by, CanaryOnly: canaryOnly}
	}
}

// recorded makes records of observations.
func recorded(all []analysis.Observation, before bool) (records []record) {
	for _, o := range all {
		r := record{time: &o.At, pair: sampled(o.Canary, o.Baseline), before: before}
		for _, one := range o.Slices {
			r.slices = append(r.slices, namedPair{one.Name, sampled(one.Canary, one.Baseline)})
		}
		records = append(records, r)
	}
	return records
}

func sampled(canary, baseline analysis.Sample) pair {
	of := func(s analysis.Sample) arm {
		switch s.Kind {
		case analysis.CountKind:
			return arm{kind: counts, sample: s}
		case analysis.ValueKind:
			return arm{kind: value, sample: s}
		case analysis.BucketKind:
			return arm{kind: buckets, sample: s}
		default:
			return arm{kind: nothing}
		}
	}
	return pair{of(canary), of(baseline)}
}

// points are one record with all values. A value that is missing is NaN, if there
// may be gaps, and otherwise left out.
func (p prometheus) points(server *promql.Server, w analysis.Window, every time.Duration, gaps bool) ([]record, error) {
	r := record{}
	for _, side := range []struct {
		into  *arm
		flag  string
		query string
	}{{&r.canary, "--canary", *p.Canary}, {&r.baseline, "--baseline", *p.Baseline}} {
		from := &promql.Gauge{Server: server, Query: side.query, CanaryOnly: true}
		flags := map[string]string{"Query": side.flag, "Server.URL": "--from-prometheus", "Server.Header": "--header", "Server.TokenFile": "--bearer-token-file"}
		all, err := history(from, w, every, flags)
		if err != nil {
			return nil, err
		}
		*side.into = arm{kind: values, values: []float64{}}
		for at := w.Start.Add(every); !at.After(w.End); at = at.Add(every) {
			switch {
			case len(all) > 0 && all[0].At.Equal(at):
				side.into.values = append(side.into.values, all[0].Canary.Value)
				all = all[1:]
			case gaps:
				side.into.values = append(side.into.values, math.NaN())
			}
		}
	}
	r.time = &w.End
	return []record{r}, nil
}
