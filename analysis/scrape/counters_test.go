package scrape_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

// step is one window of a story: what the targets show, and what is to be seen.
type step struct {
	show     map[string][2]int // good and bad requests by target
	pages    map[string]string
	down     []string
	canary   string
	baseline string
	want     [4]uint64 // canary's events and total, baseline's events and total
	err      string
}

func TestObserveTellsWhatHappenedSinceTheLastTime(t *testing.T) {
	t.Parallel()
	type show = map[string][2]int
	stories := map[string][]step{
		"the first page is a snapshot, then increments add up": {
			{show: show{"a": {1000, 50}, "b": {2000, 10}}, canary: "a", baseline: "b"},
			{show: show{"a": {1090, 60}, "b": {2200, 10}}, want: [4]uint64{10, 100, 0, 200}},
			{want: [4]uint64{0, 0, 0, 0}},
			{show: show{"a": {1091, 61}, "b": {2300, 11}}, want: [4]uint64{1, 2, 1, 101}},
		},
		"several members add up": {
			{show: show{"a": {0, 0}, "b": {5, 5}, "c": {9, 9}}, canary: "a b", baseline: "c"},
			{show: show{"a": {10, 1}, "b": {15, 7}, "c": {9, 10}}, want: [4]uint64{3, 23, 1, 1}},
		},
		"a restart counts from zero": {
			{show: show{"a": {1000, 10}, "b": {1, 1}}, canary: "a", baseline: "b"},
			{show: show{"a": {30, 2}}, want: [4]uint64{2, 32, 0, 0}},
			{show: show{"a": {40, 2}}, want: [4]uint64{0, 10, 0, 0}},
		},
		"a restart is told series by series": {
			{show: show{"a": {1000, 3}, "b": {1, 1}}, canary: "a", baseline: "b"},
			{show: show{"a": {30, 5}}, want: [4]uint64{2, 32, 0, 0}},
		},
		"a restarted process restarts all its series": {
			{pages: map[string]string{"a": "process_start_time_seconds 1893499000\nreqs_total{code=\"200\"} 1000\nreqs_total{code=\"500\"} 3\n"}, show: show{"b": {1, 1}}, canary: "a", baseline: "b"},
			{pages: map[string]string{"a": "process_start_time_seconds 1893499215\nreqs_total{code=\"200\"} 30\nreqs_total{code=\"500\"} 5\n"}, want: [4]uint64{5, 35, 0, 0}},
		},
		"a restarted exporter does not": {
			{pages: map[string]string{"a": "process_start_time_seconds 1893499000\nreqs_total{code=\"500\"} 1000\n"}, show: show{"b": {1, 1}}, canary: "a", baseline: "b"},
			{pages: map[string]string{"a": "process_start_time_seconds 1893499215\nreqs_total{code=\"500\"} 1003\n"}, want: [4]uint64{3, 3, 0, 0}},
		},
		"two processes behind one address are an error": {
			{pages: map[string]string{"a": "process_start_time_seconds 1893499000\nreqs_total{code=\"500\"} 1000\n"}, show: show{"b": {1, 1}}, canary: "a", baseline: "b"},
			{pages: map[string]string{"a": "process_start_time_seconds 1893499001\nreqs_total{code=\"500\"} 1001\n"}, want: [4]uint64{1, 1, 0, 0}},
			{pages: map[string]string{"a": "process_start_time_seconds 1893498000\nreqs_total{code=\"500\"} 900\n"}, err: "a: another process answers at its address"},
			{want: [4]uint64{0, 0, 0, 0}},
			{pages: map[string]string{"a": "process_start_time_seconds 1893499000\nreqs_total{code=\"500\"} 1002\n"}, err: "a: another process answers at its address"},
		},
		"the first error of its kind counts": {
			{pages: map[string]string{"a": "reqs_total{code=\"200\"} 10\n"}, show: show{"b": {1, 1}}, canary: "a", baseline: "b"},
			{pages: map[string]string{"a": "reqs_total{code=\"200\"} 12\nreqs_total{code=\"500\"} 2\n"}, want: [4]uint64{2, 4, 0, 0}},
		},
		"a series that is gone for a while is not counted anew": {
			{show: show{"a": {1000, 100}, "b": {1, 1}}, canary: "a", baseline: "b"},
			{pages: map[string]string{"a": "reqs_total{code=\"200\"} 1000\n"}, want: [4]uint64{0, 0, 0, 0}},
			{show: show{"a": {1000, 101}}, want: [4]uint64{1, 1, 0, 0}},
		},
		"what a target does before it joins its arm belongs to nobody": {
			{show: show{"a": {0, 0}, "b": {0, 0}, "c": {0, 0}}, canary: "a", baseline: "b c"},
			{show: show{"a": {10, 0}, "b": {100, 5}, "c": {10, 0}}, want: [4]uint64{0, 10, 5, 115}},
			// b joined the canary in the second window, after its page was read.
			{show: show{"a": {20, 0}, "b": {200, 50}, "c": {20, 0}}, canary: "a b@3", baseline: "c", want: [4]uint64{0, 10, 0, 10}},
			{show: show{"a": {30, 0}, "b": {210, 51}, "c": {30, 0}}, want: [4]uint64{1, 21, 0, 10}},
		},
		"a page read at the very moment of joining is a start": {
			{show: show{"a": {5, 5}, "b": {0, 0}}, canary: "a@1", baseline: "b"},
			{show: show{"a": {6, 6}}, want: [4]uint64{1, 2, 0, 0}},
		},
		"a target that joins anew starts anew": {
			{show: show{"a": {5, 5}, "b": {0, 0}}, canary: "a", baseline: "b"},
			{show: show{"a": {6, 6}}, canary: "a@2"},
			{show: show{"a": {7, 7}}, want: [4]uint64{1, 2, 0, 0}},
		},
		"a target that changes arms without a word starts anew": {
			{show: show{"a": {0, 0}, "b": {0, 0}, "c": {0, 0}}, canary: "a", baseline: "b c"},
			{show: show{"a": {1, 0}, "b": {100, 100}, "c": {1, 0}}, canary: "a b", baseline: "c", want: [4]uint64{0, 1, 0, 1}},
			{show: show{"b": {101, 101}}, want: [4]uint64{1, 2, 0, 0}},
		},
		"a target that vanishes adds nothing, and all of it when it is back": {
			{show: show{"a": {0, 0}, "b": {0, 0}, "c": {0, 0}}, canary: "a b", baseline: "c"},
			{show: show{"a": {10, 0}}, down: []string{"b"}, want: [4]uint64{0, 10, 0, 0}},
			{show: show{"a": {20, 0}, "b": {30, 3}}, want: [4]uint64{3, 43, 0, 0}},
		},
		"nothing is lost by an observation that failed": {
			{show: show{"a": {0, 0}, "b": {0, 0}}, canary: "a", baseline: "b"},
			{show: show{"a": {10, 1}}, down: []string{"b"}, err: "1 of 1 baseline targets could not be read, at least 1 must be: b: "},
			{show: show{"a": {2, 0}, "b": {5, 0}}, want: [4]uint64{1, 13, 0, 5}}, // and a restarted
			{want: [4]uint64{0, 0, 0, 0}},
		},
		"what was due in the old arm is not paid out in the new": {
			{show: show{"a": {0, 0}, "b": {0, 0}, "c": {0, 0}}, canary: "a", baseline: "b c"},
			{show: show{"b": {10, 1}}, down: []string{"a"}, err: "canary"},
			{show: show{"a": {1, 0}, "b": {20, 1}}, canary: "a b@2", baseline: "c", want: [4]uint64{0, 1, 0, 0}},
		},
		"events beyond the total are cut": {
			{pages: map[string]string{"a": "reqs_total{code=\"500\"} 5\n"}, show: show{"b": {0, 0}}, canary: "a", baseline: "b"},
			{pages: map[string]string{"a": "reqs_total{code=\"500\"} 9\n"}, want: [4]uint64{4, 4, 0, 0}},
		},
		"a wrong page is no page, and the next one counts": {
			{show: show{"a": {1, 1}, "b": {0, 0}}, canary: "a", baseline: "b"},
			{pages: map[string]string{"a": "reqs_total{code=\"200\"} NaN\n"}, err: "a: metric \"reqs_total\": the value NaN"},
			{pages: map[string]string{"a": "reqs 9\n"}, err: "a: no metric \"reqs_total\" on the page (it has \"reqs\")"},
			{show: show{"a": {3, 2}}, want: [4]uint64{1, 3, 0, 0}},
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			c := f.counters(t)
			var canary, baseline string
			for i, s := range story {
				for target, n := range s.show {
					f.serve(target, n[0], n[1])
				}
				for target, page := range s.pages {
					f.show(target, page)
				}
				for _, target := range s.down {
					f.handle(target, http.NotFound)
				}
				if s.canary != "" {
					canary = s.canary
				}
				if s.baseline != "" {
					baseline = s.baseline
				}
				got, err := c.Observe(t.Context(), window(i+1, canary, baseline))
				if s.err != "" {
					require.ErrorContains(t, err, s.err, "step %d", i+1)
					require.Equal(t, analysis.Observation{}, got)
					continue
				}
				require.NoError(t, err, "step %d", i+1)
				require.Equal(t, analysis.Observation{
					At:       at(i + 1),
					Canary:   analysis.Counts(s.want[0], s.want[1]),
					Baseline: analysis.Counts(s.want[2], s.want[3]),
				}, got, "step %d", i+1)
			}
		})
	}
}

func TestObserveWithoutBaseline(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := f.counters(t)
	f.serve("a", 1, 1)
	o, err := c.Observe(t.Context(), window(1, "a", ""))
	require.NoError(t, err)
	require.Equal(t, analysis.Counts(0, 0), o.Canary)
	require.Equal(t, analysis.Sample{}, o.Baseline)
	_, seen := o.Canary.Figure()
	require.False(t, seen, "a snapshot is no figure")
}

func TestObserveRefusesAWindowThatMakesNoSense(t *testing.T) {
	t.Parallel()
	c := newFleet(t).counters(t)
	_, err := c.Observe(t.Context(), window(1, "", "b"))
	require.ErrorIs(t, err, analysis.ErrNoData)
	_, err = c.Observe(t.Context(), window(1, "a b", "b"))
	require.EqualError(t, err, `scrape: target "b" is a member twice: its traffic would count twice`)
}

func TestOptionalCounters(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := f.counters(t)
	c.Total.Optional = true
	f.show("a", "up 1\n")
	f.serve("b", 0, 0)
	_, err := c.Observe(t.Context(), window(1, "a", "b"))
	require.NoError(t, err, "the events share the total's metric, and so its absence")
	f.serve("a", 8, 2)
	o, err := c.Observe(t.Context(), window(2, "a", "b"))
	require.NoError(t, err)
	require.Equal(t, analysis.Counts(2, 10), o.Canary)
}

func TestSeriesThatComeAndGo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := f.counters(t)
	c.MaxSeries = 1
	c.Events = scrape.Counter{Name: "errs_total", Optional: true}
	for i, id := range []string{"x", "y"} {
		f.show("a", "reqs_total{id=\""+id+"\"} 1\n")
		_, err := c.Observe(t.Context(), window(i+1, "a", ""))
		require.NoError(t, err)
	}
	f.show("a", "reqs_total{id=\"z\"} 1\n")
	_, err := c.Observe(t.Context(), window(3, "a", ""))
	require.ErrorContains(t, err, "a: its series come and go: 3 different ones by now, limit 2")
}
