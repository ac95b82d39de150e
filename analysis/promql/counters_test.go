package promql_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/promql"
)

// A tape has the samples of some series, which it plays to whoever asks for them.
type tape struct {
	mu     sync.Mutex
	series []played
	fail   bool
	asked  []string
}

// played is a series, with samples at seconds before or after the first window's
// start.
type played struct {
	labels string // such as pod="a", code="500"
	values []playedSample
}

type playedSample struct {
	second int
	value  string
}

// play adds samples to a series, such as "-5=3 5=4 15=NaN".
func (p *tape) play(labels, list string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.series, func(s played) bool { return s.labels == labels })
	if i < 0 {
		i, p.series = len(p.series), append(p.series, played{labels: labels})
	}
	for _, one := range strings.Fields(list) {
		var s playedSample
		second, v, _ := strings.Cut(one, "=")
		_, _ = fmt.Sscan(second, &s.second)
		s.value = v
		p.series[i].values = append(p.series[i].values, s)
	}
	slices.SortFunc(p.series[i].values, func(a, b playedSample) int { return a.second - b.second })
}

// server answers reqs{pod=~"a"}[15s] with the series that have all of these labels.
func (p *tape) server(t testing.TB) *promql.Server {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		query := r.FormValue("query")
		p.asked = append(p.asked, query)
		if p.fail {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"down"}`)
			return
		}
		open, shut := strings.IndexByte(query, '{'), strings.LastIndexByte(query, '}')
		length, err := time.ParseDuration(strings.Trim(query[shut+1:], "[]"))
		if err != nil {
			t.Error(err)
		}
		var at float64
		_, _ = fmt.Sscan(r.FormValue("time"), &at)
		until := int(at) - int(began.Unix())
		var all []string
		for _, s := range p.series {
			has := true
			for _, matcher := range strings.Split(query[open+1:shut], ",") {
				name, value, _ := strings.Cut(strings.TrimSpace(matcher), "=")
				pattern, err := regexp.Compile(`(^|, )` + name + `="` + strings.Trim(value, `~"`) + `"(,|$)`)
				if err != nil {
					t.Error(err)
					return
				}
				has = has && pattern.MatchString(s.labels)
			}
			var points []string
			for _, v := range s.values {
				if has && v.second <= until && v.second >= until-int(length.Seconds()) {
					points = append(points, fmt.Sprintf("[%d,%q]", began.Unix()+int64(v.second), v.value))
				}
			}
			if len(points) > 0 {
				labels := `{"__name__":"reqs","` + strings.NewReplacer(`="`, `":"`, `", `, `","`).Replace(s.labels) + `}`
				all = append(all, fmt.Sprintf(`{"metric":%s,"values":[%s]}`, labels, strings.Join(points, ",")))
			}
		}
		fmt.Fprint(w, success("matrix", "["+strings.Join(all, ",")+"]"))
	})
}

// began is when the first window begins.
var began = end.Add(-10 * time.Second)

// during is a window between seconds.
func during(canary, baseline string, from, to int) analysis.Window {
	w := lately(canary, baseline, 0)
	w.Start, w.End = began.Add(time.Duration(from)*time.Second), began.Add(time.Duration(to)*time.Second)
	return w
}

func counters(s *promql.Server) *promql.Counters {
	return &promql.Counters{
		Server:         s,
		Total:          `reqs{pod=~"{{.Arm}}"}`,
		Events:         `reqs{pod=~"{{.Arm}}",code="500"}`,
		EventsOptional: true,
		Lookback:       30 * time.Second,
	}
}

// Each story is a tape, and what is counted in windows of 10 s, as events/total.
func TestCounters(t *testing.T) {
	t.Parallel()
	const (
		ok    = `pod="a", instance="1", code="200"`
		bad   = `pod="a", instance="1", code="500"`
		other = `pod="a", instance="2", code="200"`
		loose = `pod="a", code="200"`
	)
	for story, test := range map[string]struct {
		tape map[string]string
		want []string
	}{
		"from sample to sample": {
			map[string]string{ok: "-5=100 5=110 15=130 25=160"}, []string{"0/10", "0/20", "0/30"},
		},
		"a sample at the end is of the window, not of the next": {
			map[string]string{ok: "0=100 10=110 20=130 30=131"}, []string{"0/10", "0/20", "0/1"},
		},
		"several samples in a window": {
			map[string]string{ok: "-3=1 1=2 3=5 8=9 11=10"}, []string{"0/8", "0/1", "0/0"},
		},
		"nothing new": {
			map[string]string{ok: "-3=1 25=7"}, []string{"0/0", "0/0", "0/6"},
		},
		"a restart": {
			map[string]string{ok: "-3=100 3=107 8=4 13=9"}, []string{"0/11", "0/5", "0/0"},
		},
		"the first error of a target": {
			map[string]string{ok: "-5=10 5=15 15=20", bad: "15=3 25=4"}, []string{"0/5", "3/8", "1/1"},
		},
		"a new target": {
			map[string]string{ok: "-5=10 5=15 15=20", other: "5=1000 15=1003"}, []string{"0/5", "0/8", "0/0"},
		},
		"a new target, with errors from its first page on": {
			map[string]string{ok: "5=1000 15=1003", bad: "5=100 15=101"}, []string{"0/0", "1/4", "0/0"},
		},
		"errors on the second page of a new target, in its first window": {
			map[string]string{ok: "2=1000 7=1003", bad: "7=2"}, []string{"0/3", "0/0", "0/0"},
		},
		"no telling the target": {
			map[string]string{loose: "-5=1 5=2", `pod="a", code="500"`: "5=100 15=101"}, []string{"0/1", "1/1", "0/0"},
		},
		"a value that is none": {
			map[string]string{ok: "-5=1 -4=NaN 4=2 5=NaN 15=4 16=NaN"}, []string{"0/1", "0/2", "0/0"},
		},
		"out of sight for a while": {
			map[string]string{ok: "-5=10 24=20"}, []string{"0/0", "0/0", "0/10"},
		},
		"out of sight for so long that it is new": {
			map[string]string{ok: "-25=10 26=20 35=21"}, []string{"0/0", "no data", "0/0", "0/1"},
		},
		"nothing at all": {
			map[string]string{`pod="b"`: "5=1"}, []string{"no data"},
		},
		"before the lookback": {
			map[string]string{ok: "-40=1 5=2 6=3"}, []string{"0/1"},
		},
	} {
		t.Run(story, func(t *testing.T) {
			t.Parallel()
			p := &tape{}
			for labels, values := range test.tape {
				p.play(labels, values)
			}
			c := counters(p.server(t))
			for i, want := range test.want {
				w := during("a", "", 10*i, 10*i+10)
				o, err := c.Observe(t.Context(), w)
				if want == "no data" {
					require.ErrorIs(t, err, analysis.ErrNoData)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, want, fmt.Sprintf("%d/%d", o.Canary.Events, o.Canary.Total), "window %d", i+1)
				require.Equal(t, analysis.CountKind, o.Canary.Kind)
				require.Equal(t, w.End, o.At)
			}
		})
	}
}

// What comes late counts in the next window, and what an error hid in the one after it.
func TestCountersLoseNothing(t *testing.T) {
	t.Parallel()
	const ok, bad = `pod="a", instance="1", code="200"`, `pod="a", instance="1", code="500"`
	p := &tape{}
	p.play(ok, "-5=100 5=110")
	c := counters(p.server(t))
	counted := func(from, to int, want analysis.Sample) {
		t.Helper()
		o, err := c.Observe(t.Context(), during("a", "", from, to))
		require.NoError(t, err)
		require.Equal(t, want, o.Canary)
	}
	counted(0, 10, analysis.Counts(0, 10))
	p.play(ok, "9=150 15=160") // the first of them late
	p.play(bad, "9=7")
	counted(10, 20, analysis.Counts(7, 57))
	p.play(ok, "25=200")
	p.fail = true
	_, err := c.Observe(t.Context(), during("a", "", 20, 30))
	require.ErrorContains(t, err, `the server refused the query: 422 "execution": "down" (query `)
	p.fail = false
	p.play(ok, "19=161 35=201")
	counted(20, 40, analysis.Counts(0, 41))
	counted(20, 40, analysis.Counts(0, 41)) // asked again
	p.play(ok, "39=301")
	counted(20, 40, analysis.Counts(0, 141)) // and it has grown since
	counted(40, 50, analysis.Counts(0, 100)) // but what the first one lacked is here

	o, err := c.History(t.Context(), during("a", "", 0, 40), 10*time.Second)
	require.NoError(t, err)
	require.Len(t, o, 4)
	var sum analysis.Sample
	for _, one := range o {
		sum = analysis.Counts(sum.Events+one.Canary.Events, sum.Total+one.Canary.Total)
	}
	require.Equal(t, analysis.Counts(7, 208), sum)
	require.Equal(t, began.Add(10*time.Second), o[0].At)
	require.Equal(t, analysis.Counts(7, 57), o[0].Canary, "by now nothing is late")
}

// Events wait for their total.
func TestCountersHoldEventsBack(t *testing.T) {
	t.Parallel()
	p := &tape{}
	p.play(`pod="a", instance="1"`, "-5=100 5=102 25=110")
	p.play(`pod="x", instance="1", code="500"`, "-5=0 5=5 15=6")
	c := counters(p.server(t))
	c.Events, c.CanaryOnly = `reqs{pod="x",code="500"}`, true
	for i, want := range []analysis.Sample{analysis.Counts(2, 2), analysis.Counts(0, 0), analysis.Counts(4, 8)} {
		o, err := c.Observe(t.Context(), during("a", "", 10*i, 10*i+10))
		require.NoError(t, err)
		require.Equal(t, want, o.Canary)
	}
	p.play(`pod="x", instance="1", code="500"`, "35=1000")
	_, err := c.Observe(t.Context(), during("a", "", 30, 40))
	require.ErrorContains(t, err, "more events (994) than the total (0): are the queries swapped?")
}

func TestSlicesOfCounters(t *testing.T) {
	t.Parallel()
	p := &tape{}
	p.play(`pod="a", instance="1", zone="x", code="200"`, "-5=100 5=110")
	p.play(`pod="a", instance="2", zone="x", code="200"`, "-5=100 5=103")
	p.play(`pod="a", instance="3", zone="y", code="500"`, "-5=100 5=101")
	p.play(`pod="b", instance="4", zone="y", code="200"`, "-5=100 5=120")
	c := counters(p.server(t))
	c.By = "zone"
	o, err := c.Observe(t.Context(), during("a", "b", 0, 10))
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{
		At: began.Add(10 * time.Second), Canary: analysis.Counts(1, 14), Baseline: analysis.Counts(0, 20),
		Slices: []analysis.Slice{
			{Name: "x", Canary: analysis.Counts(0, 13)},
			{Name: "y", Canary: analysis.Counts(1, 1), Baseline: analysis.Counts(0, 20)},
		},
	}, o)
	require.ElementsMatch(t, []string{
		`reqs{pod=~"a"}[40s]`, `reqs{pod=~"a",code="500"}[40s]`, `reqs{pod=~"b"}[40s]`, `reqs{pod=~"b",code="500"}[40s]`,
	}, p.asked)
}

// What a target does while it is not in the arm counts for nobody.
func TestCountersOfMembersThatComeAndGo(t *testing.T) {
	t.Parallel()
	p := &tape{}
	p.play(`pod="a", instance="1"`, "-5=100 5=110 15=120 25=130 35=140 45=150")
	p.play(`pod="b", instance="2"`, "-5=100 5=101 15=1002 25=1003 35=1004 45=1005")
	c := counters(p.server(t))
	c.Events = `reqs{pod=~"{{.Arm}}", bad="1"}`
	at := func(second int) time.Time { return began.Add(time.Duration(second) * time.Second) }
	for i, test := range []struct {
		members string
		since   int // of the last
		want    uint64
	}{{"a b", -100, 11}, {"a", -100, 10}, {"a b", 21, 10}, {"a b", 21, 11}, {"b", 41, 0}} {
		w := during(test.members, "", 10*i, 10*i+10)
		w.Canary.Members[len(w.Canary.Members)-1].Since = at(test.since)
		o, err := c.Observe(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, test.want, o.Canary.Total, "window %d", i+1)
	}
	w := during("a", "", 50, 60)
	o, err := c.Observe(t.Context(), w)
	require.NoError(t, err)
	require.Zero(t, o.Canary.Total, "what it did between 40 s and 50 s was nobody's")
}

func TestCountersOutOfPlace(t *testing.T) {
	t.Parallel()
	c := counters(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, success("matrix", fmt.Sprintf(`[{"metric":{},"values":[[%d,"1"]]}]`, began.Unix()-32)))
	}))
	_, err := c.Observe(t.Context(), during("a", "", 0, 10))
	require.ErrorContains(t, err, "points out of order, or outside of the range")
	_, err = counters(replies(t, func(string) string { return "[]" })).Observe(t.Context(), during("a", "", 0, 10))
	require.ErrorContains(t, err, `result type "vector" for a range`)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	_, err = c.Observe(ctx, during("a", "", 0, 10))
	require.ErrorIs(t, err, stop)
	w := during("a", "", 0, 10)
	w.Canary.Members[0].Since = w.End
	o, err := c.Observe(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, analysis.Observation{At: w.End}, o)
	_, err = c.Observe(t.Context(), during("", "", 0, 10))
	require.ErrorIs(t, err, analysis.ErrNoData)
	_, err = c.History(t.Context(), w, time.Minute)
	require.ErrorContains(t, err, "want 1 to 100000 spans")
	_, err = (&promql.Counters{}).History(t.Context(), w, time.Second)
	require.ErrorContains(t, err, "promql: Counters.Total is empty")
	_, err = (&promql.Counters{}).Observe(t.Context(), w)
	require.ErrorContains(t, err, "promql: Counters.Total is empty")

	s := &promql.Server{URL: "http://h"}
	const good = `reqs{pod=~"{{.Arm}}"}`
	const more = "is more than a selector of counters"
	for selector, want := range map[string]string{
		` {__name__="reqs", pod=~"{{.Arm}}"} `:     "",
		`a:b_c {pod=~"{{.Arm}}", x="[5m] sum()"}`:  "",
		`reqs{pod=~"{{.Arm}}"}[5m]`:                more,
		`sum(reqs{pod=~"{{.Arm}}"})`:               more,
		`reqs{pod=~"{{.Arm}}"} offset 5m`:          more,
		`reqs{pod=~"{{.Arm}}"} or x`:               more,
		`reqs{pod=~"{{.Arm}}", x="{{.Window}}"}`:   "selects other counters for another window",
		`reqs`:                                     "asks the same of the canary and of the baseline",
		`reqs{pod="{{.Arm}}"}`:                     "compares by = or != with a pattern",
		`rate(reqs{pod=~"{{.Arm}}"}[{{.Window}}])`: more,
	} {
		requireProblem(t, problemsOf(&promql.Counters{Server: s, Total: selector, Events: good}), "Total", want, selector)
		requireProblem(t, problemsOf(&promql.Counters{Server: s, Total: good, Events: selector}), "Events", want, selector)
	}
	requireProblem(t, problemsOf(&promql.Counters{Server: s, Total: good, Events: good}), "Events", "selects the same as Total", "")
	requireProblem(t, problemsOf(&promql.Counters{Server: s, Total: good, Events: good + " ", Lookback: -1}), "Lookback", "is negative", "")
}

// One target may tell of many members, as a load balancer does. What one of them did
// before it was in the arm counts for nobody.
func TestCountersOfMembersBehindOneTarget(t *testing.T) {
	t.Parallel()
	p := &tape{}
	p.play(`pod="a", instance="1"`, "-5=100 5=110 15=120 25=130 35=140 45=150 55=160")
	p.play(`pod="b", instance="1"`, "-5=100 5=101 15=102 25=203 35=204 45=205 55=206")
	p.play(`pod="c", instance="1"`, "45=7 55=9")
	c := counters(p.server(t))
	c.Events = `reqs{pod=~"{{.Arm}}", bad="1"}`
	for i, test := range []struct {
		members string
		want    uint64
	}{{"a", 10}, {"a b", 11}, {"a", 10}, {"a b c", 11}, {"a b c", 18}, {"a b c", 13}} {
		o, err := c.Observe(t.Context(), during(test.members, "", 10*i, 10*i+10))
		require.NoError(t, err)
		require.Equal(t, test.want, o.Canary.Total, "window %d", i+1)
	}
}
