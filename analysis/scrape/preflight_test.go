package scrape_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/analysis/scrape"
)

func TestPreflightFindsWhatObserveWould(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.serve("a", 1, 1)
	f.serve("b", 1, 1)
	f.show("other", "up 1\n")
	f.show("nan", "reqs_total{code=\"500\"} NaN\n")
	f.show("nolabel", "reqs_total 5\n")
	for name, test := range map[string]struct{ canary, baseline, err string }{
		"all is well":          {"a", "b", ""},
		"no baseline":          {"a", "", ""},
		"enough of them":       {"a gone", "b nan", ""},
		"no canary":            {"", "b", "no data: the canary has no members"},
		"a canary is gone":     {"gone", "b", "1 of 1 canary targets could not be read, at least 1 must be: gone: "},
		"the baseline is gone": {"a", "gone nan", "2 of 2 baseline targets could not be read"},
		"another metric":       {"other", "b", `other: no metric "reqs_total" on the page`},
		"no number":            {"nan", "b", "the value NaN"},
		"no such label":        {"nolabel", "b", `nolabel: no series of metric "reqs_total" has a label "code"`},
		"a member twice":       {"a b", "b", "is a member twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := f.counters(t)
			err := c.Preflight(t.Context(), window(1, test.canary, test.baseline))
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.err)
		})
	}
}

func TestPreflightCountsNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	c := f.counters(t)
	preflight := func(n int) { require.NoError(t, c.Preflight(t.Context(), window(n, "a", ""))) }
	observe := func(n int) analysis.Sample {
		o, err := c.Observe(t.Context(), window(n, "a", ""))
		require.NoError(t, err)
		return o.Canary
	}
	f.serve("a", 10, 1)
	preflight(1)
	f.serve("a", 20, 2)
	require.Equal(t, analysis.Counts(0, 0), observe(1), "it is no starting point")
	f.serve("a", 25, 3)
	preflight(2)
	require.Equal(t, analysis.Counts(1, 6), observe(2), "it takes nothing away")
	f.serve("a", 1, 0) // a restart that only the preflight sees
	preflight(3)
	f.serve("a", 30, 3)
	require.Equal(t, analysis.Counts(0, 5), observe(3))
}

func TestPreflightEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the gate closed")
	f.handle("slow", func(_ http.ResponseWriter, r *http.Request) {
		cancel(stop)
		<-r.Context().Done()
	})
	c := f.counters(t)
	require.ErrorIs(t, c.Preflight(ctx, window(1, "slow", "")), stop)
	require.ErrorIs(t, c.Preflight(ctx, window(1, "slow", "")), context.Canceled)
	require.ErrorContains(t, new(scrape.Counters).Preflight(t.Context(), window(1, "a", "")), "scrape: Counters.URL is nil")
}

// A target that fails again and again is left alone for a while, and those beside
// it at the same address are read.
func TestATargetThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.serve("a", 1, 1)
	var asked atomic.Int32
	f.handle("bad", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "collector failed", http.StatusInternalServerError)
	})
	c := f.counters(t)
	for n := range 7 {
		_, err := c.Observe(t.Context(), window(n+1, "a bad", ""))
		require.NoError(t, err)
	}
	require.EqualValues(t, 10, asked.Load(), "twice each, and five times")
	_, err := c.Observe(t.Context(), window(8, "bad", ""))
	require.ErrorContains(t, err, "not asked: the circuit is open after 5 failed calls in a row")
	require.ErrorContains(t, err, "the last one failed with: 500 Internal Server Error")
}
