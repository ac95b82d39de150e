package main

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	require.Zero(t, run(args, &out, &errs), errs.String())
	return out.String()
}

func TestTheSeedDecides(t *testing.T) {
	first := printed(t, "-runs", "4", "-seed", "7")
	require.Equal(t, first, printed(t, "-runs", "4", "-seed", "7"))
	require.NotEqual(t, first, printed(t, "-runs", "4", "-seed", "8"))
	markdown := printed(t, "-runs", "1", "-markdown")
	require.Contains(t, markdown, "| lift ")
	require.Equal(t, 3, strings.Count(markdown, "\n|---|"), "three tables")
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{{"-runs", "0"}, {"-settings", "some"}, {"-seed", "x"}, {"-runs", "1", "more"}} {
		var errs bytes.Buffer
		require.Equal(t, 2, run(args, io.Discard, &errs), "%q", args)
		require.NotEmpty(t, errs.String())
	}
	require.Zero(t, run([]string{"-h"}, io.Discard, io.Discard))
}

func TestSettings(t *testing.T) {
	require.Len(t, allSettings(), 90)
	require.Subset(t, allSettings(), someSettings())
	// Wald's bounds, as others have computed them.
	require.InDelta(t, 374.8, setting{0.001, 10, 0.05, 10}.bound(), 0.5)
	require.InDelta(t, 12715.3, setting{0.001, 2, 0.05, 1000}.bound(), 0.5)
	require.InDelta(t, 2671, setting{0.01, 2, 0.5, 100}.bound(), 0.5)
}

// The methods that are to compare with do what they are known for.
func TestOtherMethods(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		perTen func(look int) evidence.Counts
		most   int // looks until it stops, 0 for never
	}{
		"a z-test believes the first errors": {"z-test 5%", func(int) evidence.Counts {
			return evidence.Counts{CanaryEvents: 1, CanaryTotal: 50, BaselineEvents: 1, BaselineTotal: 950}
		}, 1},
		"it knows no difference when there is none": {"z-test 5%", func(int) evidence.Counts {
			return evidence.Counts{CanaryEvents: 1, CanaryTotal: 100, BaselineEvents: 9, BaselineTotal: 900}
		}, 0},
		"nothing is known without requests": {"z-test 5%", func(int) evidence.Counts { return evidence.Counts{} }, 0},
		"a threshold fires after four minutes": {"> 1%", func(int) evidence.Counts {
			return evidence.Counts{CanaryEvents: 2, CanaryTotal: 100, BaselineEvents: 20, BaselineTotal: 1000}
		}, 24},
		"and is blind below": {"> 1%", func(int) evidence.Counts {
			return evidence.Counts{CanaryEvents: 1, CanaryTotal: 100, BaselineEvents: 0, BaselineTotal: 1000}
		}, 0},
		"a multiple fires after four minutes": {"> 2x", func(int) evidence.Counts {
			return evidence.Counts{CanaryEvents: 1, CanaryTotal: 100, BaselineEvents: 4, BaselineTotal: 1000}
		}, 24},
		"ranks need five minutes": {"Mann-Whitney", func(look int) evidence.Counts {
			return evidence.Counts{CanaryEvents: 20 + uint64(look%5), CanaryTotal: 100, BaselineEvents: 1 + uint64(look%7), BaselineTotal: 100}
		}, 30},
		"ranks do not see ties at zero": {"Mann-Whitney", func(look int) evidence.Counts {
			return evidence.Counts{CanaryEvents: uint64(look % 12 / 11), CanaryTotal: 5, BaselineEvents: 0, BaselineTotal: 100}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range allMethods() {
				if m.name != c.method {
					continue
				}
				w, err := m.begin()
				require.NoError(t, err)
				stopped := 0
				for look := range looks {
					if w.alarm(c.perTen(look)) {
						stopped = look + 1
						break
					}
				}
				require.Equal(t, c.most, stopped)
			}
		})
	}
}

func TestEveryMethodStopsABadRelease(t *testing.T) {
	methods, stopped := allMethods(), 0
	s := setting{rate: 0.01, lift: 10, share: 0.5, perSecond: 100}
	require.NoError(t, rollout(s, methods, rand.New(rand.NewPCG(1, 1)), func(k int, r rollback) {
		if !math.IsInf(r.requests, 1) {
			stopped++
			require.LessOrEqual(t, r.bad, r.requests)
		}
	}))
	require.Equal(t, len(methods), stopped)
}

func TestFigures(t *testing.T) {
	require.Equal(t, "1 234 567", figure(1234567))
	require.Equal(t, "123", figure(123.4))
	require.Equal(t, "never", figure(math.Inf(1)))
	require.Equal(t, "-", ratio(math.NaN()))
}
