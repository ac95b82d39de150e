package scrape_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis/scrape"
	"github.com/tidegate-go/tidegate/internal/httpx"
)

func TestEnoughTargetsMustBeRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		percent          int
		canary, baseline string // in capitals: down
		err              string
	}{
		{0, "a", "b", ""},
		{0, "A", "b", "1 of 1 canary targets could not be read, at least 1 must be: A: httpx: GET "},
		{0, "a", "B", "1 of 1 baseline targets could not be read, at least 1 must be: B: "},
		{0, "a B", "c D", ""},
		{0, "a B C", "d", "2 of 3 canary targets could not be read, at least 2 must be: B: "},
		{0, "a", "b C D E F G", "5 of 6 baseline targets could not be read, at least 3 must be: C: "},
		{1, "a B C D", "e", ""},
		{1, "A B C D", "e", "4 of 4 canary targets could not be read, at least 1 must be: A: "},
		{100, "a b C", "d", "1 of 3 canary targets could not be read, at least 3 must be: C: "},
		{100, "a b c", "d", ""},
		{67, "a b C", "d", "at least 3 must be"},
		{66, "a b C", "d", ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d%% of %s against %s", test.percent, test.canary, test.baseline), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			for _, target := range strings.Fields(test.canary + " " + test.baseline) {
				if target == strings.ToLower(target) {
					f.serve(target, 1, 1)
				}
			}
			c := f.counters(t)
			c.MinTargets = test.percent
			_, err := c.Observe(t.Context(), window(1, test.canary, test.baseline))
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
		})
	}
}

func TestArmErrorIsBounded(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	var names []string
	for i := range 100 {
		name := fmt.Sprintf("t%02d", i)
		names = append(names, name)
		f.handle(name, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("é\x00", 1<<10), http.StatusForbidden)
		})
	}
	c := f.counters(t)
	_, err := c.Observe(t.Context(), window(1, strings.Join(names, " "), ""))
	require.Less(t, len(err.Error()), 1200)
	require.ErrorContains(t, err, "scrape: 100 of 100 canary targets could not be read, at least 50 must be: t00: ")
	require.ErrorContains(t, err, "; t02: ")
	require.NotContains(t, err.Error(), "t03: ")
	require.True(t, strings.HasSuffix(err.Error(), "; and 97 more"), err.Error())

	var arm *scrape.ArmError
	require.ErrorAs(t, err, &arm)
	require.Equal(t, "canary", arm.Arm)
	require.Len(t, arm.Reasons, 3)
	var target *scrape.TargetError
	require.ErrorAs(t, err, &target)
	require.Equal(t, "t00", target.Target)
	var status *httpx.StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusForbidden, status.Status)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	url := func(string) string { return "http://localhost/metrics" }
	ok := scrape.Counter{Name: "reqs_total"}
	bad := scrape.Counter{Name: "reqs_total", Match: map[string]string{"code": "5.."}}
	tests := map[string]struct {
		counters *scrape.Counters
		want     []string
	}{
		"none":       {&scrape.Counters{URL: url, Total: ok, Events: bad}, nil},
		"zero value": {&scrape.Counters{}, []string{"URL is nil", "Total.Name is empty", "Events.Name is empty"}},
		"patterns": {
			&scrape.Counters{URL: url, Total: ok, Events: scrape.Counter{Name: "x", Match: map[string]string{"a": "5(", "b": "a)(b", "": "x", "__name__": "y"}}},
			[]string{`Events.Match[] "" cannot be`, `Events.Match[__name__] "__name__" cannot be`, "Events.Match[a] does not compile: ", "Events.Match[b] does not compile: "},
		},
		"same counter": {&scrape.Counters{URL: url, Total: bad, Events: bad}, []string{"Events is the same counter as Total"}},
		"not UTF-8":    {&scrape.Counters{URL: url, Total: scrape.Counter{Name: "\xff"}, Events: bad}, []string{`Total.Name "\xff" is no metric name`}},
		"numbers": {
			&scrape.Counters{URL: url, Total: ok, Events: bad, MinTargets: 101, Timeout: -1, Concurrency: -1, MaxPage: -1, MaxSeries: -1},
			[]string{"MinTargets is 101: want a percentage", "Timeout is negative", "Concurrency is negative", "MaxPage is negative", "MaxSeries is negative"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			test.counters.Problems(func(path, msg string) { got = append(got, path+" "+msg) })
			require.Len(t, got, len(test.want), "%q", got)
			for i, want := range test.want {
				require.Contains(t, got[i], want)
			}
			_, err := test.counters.Observe(t.Context(), window(1, "", ""))
			for _, want := range test.want {
				require.ErrorContains(t, err, "scrape: Counters."+want)
			}
			test.counters.CloseIdleConnections() // even so
		})
	}
}
