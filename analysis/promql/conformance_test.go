package promql_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/analysistest"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// A shopkeeper knows what each version served and when, and tells of it as a
// Prometheus does: by increase(), by raw samples, and as a value.
type shopkeeper struct {
	t      testing.TB
	mu     sync.Mutex
	served []deal
	broken bool
	asked  chan struct{} // not nil while it hangs
}

type deal struct {
	version    string
	at         time.Time
	failed, ok uint64
}

func (s *shopkeeper) serve(version string, at time.Time, failed, all uint64) analysis.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served = append(s.served, deal{version, at, failed, all - failed})
	return analysis.Counts(failed, all)
}

var wanted = regexp.MustCompile(`v="([^"]*)"(, *code="500")?\}(?:\[([^\]]*)\])?`)

func (s *shopkeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	broken, asked := s.broken, s.asked
	s.mu.Unlock()
	switch {
	case broken:
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"the disk is full"}`)
		return
	case asked != nil:
		select {
		case asked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
		return
	}
	query := r.FormValue("query")
	about := wanted.FindStringSubmatch(query)
	unix := func(name string) time.Time {
		v, err := strconv.ParseFloat(r.FormValue(name), 64)
		if err != nil {
			s.t.Errorf("%s: %v", name, err)
		}
		return time.UnixMilli(int64(v * 1000)).UTC()
	}
	length, err := time.ParseDuration(about[3])
	if err != nil && about[3] != "" {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/query_range"):
		step, err := time.ParseDuration(r.FormValue("step"))
		if err != nil {
			s.t.Error(err)
			return
		}
		all := map[string][]string{}
		for at := unix("start"); !at.After(unix("end")); at = at.Add(step) {
			for labels, v := range s.figures(query, about, at, length) {
				all[labels] = append(all[labels], sampleAt(at, v))
			}
		}
		fmt.Fprint(w, success("matrix", listed(all, `{"metric":%s,"values":[%s]}`)))
	case strings.HasPrefix(query, "sum"):
		all := map[string][]string{}
		for labels, v := range s.figures(query, about, unix("time"), length) {
			all[labels] = []string{sampleAt(unix("time"), v)}
		}
		fmt.Fprint(w, success("vector", listed(all, `{"metric":%s,"value":%s}`)))
	default:
		fmt.Fprint(w, success("matrix", listed(s.samples(about, unix("time"), length), `{"metric":%s,"values":[%s]}`)))
	}
}

// figures are what a query for increase() gives, by the labels of the series.
func (s *shopkeeper) figures(query string, about []string, at time.Time, length time.Duration) map[string]uint64 {
	var failed, ok uint64
	for _, d := range s.served {
		if d.version == about[1] && (length == 0 || d.at.After(at.Add(-length))) && !d.at.After(at) {
			failed, ok = failed+d.failed, ok+d.ok
		}
	}
	switch {
	case strings.Contains(query, "(le)"):
		return map[string]uint64{`{"le":"0.5"}`: ok, `{"le":"+Inf"}`: ok + failed}
	case strings.Contains(query, "(zone)"):
		if about[2] != "" {
			return map[string]uint64{`{"zone":"south"}`: failed}
		}
		return map[string]uint64{`{"zone":"south"}`: failed, `{"zone":"north"}`: ok}
	case about[2] != "":
		return map[string]uint64{`{}`: failed}
	}
	return map[string]uint64{`{}`: failed + ok}
}

// samples are those of the counters, scraped each second.
func (s *shopkeeper) samples(about []string, end time.Time, length time.Duration) map[string][]string {
	all := map[string][]string{}
	for at := end.Add(-length).Truncate(time.Second).Add(time.Second); !at.After(end); at = at.Add(time.Second) {
		var failed, ok uint64
		for _, d := range s.served {
			if d.version == about[1] && !d.at.After(at) {
				failed, ok = failed+d.failed, ok+d.ok
			}
		}
		labels := fmt.Sprintf(`{"__name__":"served","instance":"1","v":%q,"code":`, about[1])
		all[labels+`"500"}`] = append(all[labels+`"500"}`], sampleAt(at, failed))
		if about[2] == "" {
			all[labels+`"200"}`] = append(all[labels+`"200"}`], sampleAt(at, ok))
		}
	}
	return all
}

func sampleAt(at time.Time, v uint64) string {
	return fmt.Sprintf(`[%.3f,"%d"]`, float64(at.UnixMilli())/1000, v)
}

func listed(all map[string][]string, format string) string {
	var series []string
	for labels, points := range all {
		series = append(series, fmt.Sprintf(format, labels, strings.Join(points, ",")))
	}
	return "[" + strings.Join(series, ",") + "]"
}

func TestSourcesConform(t *testing.T) {
	t.Parallel()
	const total, failed = `served{v="{{.Version}}"}`, `served{v="{{.Version}}",code="500"}`
	increase := func(by, selector string) string { return `sum` + by + `(increase(` + selector + `[{{.Window}}]))` }
	for name, test := range map[string]struct {
		source func(s *promql.Server) analysis.Source
		seen   func(failed, all uint64) analysis.Sample // nil for counts
	}{
		"Counts": {source: func(s *promql.Server) analysis.Source {
			return &promql.Counts{Server: s, Total: increase("", total), Events: increase("", failed)}
		}},
		"Counts by zone": {source: func(s *promql.Server) analysis.Source {
			return &promql.Counts{Server: s, By: "zone", Total: increase(" by (zone) ", total), Events: increase(" by (zone) ", failed)}
		}},
		"Counters": {source: func(s *promql.Server) analysis.Source {
			return &promql.Counters{Server: s, Total: total, Events: failed}
		}},
		"Histogram": {source: func(s *promql.Server) analysis.Source {
			return &promql.Histogram{Server: s, Query: increase(" by (le) ", total)}
		}, seen: func(failed, all uint64) analysis.Sample {
			return analysis.Buckets([]float64{0.5}, []uint64{all - failed}, all)
		}},
		"Gauge": {source: func(s *promql.Server) analysis.Source {
			return &promql.Gauge{Server: s, Query: increase("", failed)}
		}, seen: func(failed, _ uint64) analysis.Sample { return analysis.Gauge(float64(failed)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			analysistest.TestSource(t, func(t testing.TB) analysistest.Rig {
				keeper := &shopkeeper{t: t}
				server := serve(t, keeper.ServeHTTP)
				seen := test.seen
				if seen == nil {
					seen = analysis.Counts
				}
				return analysistest.Rig{
					Source: test.source(server),
					Traffic: func(w analysis.Window) (canary, baseline analysis.Sample) {
						keeper.serve(w.Canary.Version, w.Start.Add(time.Second), 30, 120)
						keeper.serve(w.Baseline.Version, w.End, 20, 980)
						return seen(30, 120), seen(20, 980)
					},
					Break: func() {
						keeper.mu.Lock()
						defer keeper.mu.Unlock()
						keeper.broken = true
					},
					Hang: func() <-chan struct{} {
						keeper.mu.Lock()
						defer keeper.mu.Unlock()
						keeper.asked = make(chan struct{}, 1)
						return keeper.asked
					},
				}
			})
		})
	}
}
