package scrape

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// Whatever a page holds, and whatever comes after it, what is read of it is a
// histogram, or an error.
func FuzzHistogram(f *testing.F) {
	for _, page := range []string{
		histogram, "", "lat 1\n", "# TYPE lat histogram\n", "lat_bucket{le=\"1\"} 1\n", "lat_bucket{le=\"+Inf\"} 1\n",
		"lat_bucket{le=\"1\"} 4\nlat_bucket{le=\"+Inf\"} 3\n", "lat_bucket{le=\"NaN\"} 4\nlat_bucket{le=\"-Inf\"} 3\n",
		"lat_bucket{le=\"-1\",a=\"b\"} 4\nlat_bucket{le=\"+Inf\",a=\"b\"} 1e15\n", "lat_bucket{le=\"1e400\"} 4\n",
	} {
		f.Add(page, histogram)
		f.Add(histogram, page)
	}
	m, err := Counter{Name: "lat", Optional: true}.compile()
	require.NoError(f, err)
	read := func(page string) (reading, error) {
		p, err := parsePage(text, []byte(page))
		if err != nil {
			return reading{}, err
		}
		return p.histogram(m, 10)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		last, err := read(first)
		if err != nil {
			return
		}
		now, err := read(second)
		if err != nil {
			return
		}
		l := make(ledger)
		e := entry{name: "a", stint: stint{arm: canary}}
		require.NoError(t, l.enter(e, e.since, last, 10))
		require.NoError(t, l.enter(e, e.since, now, 10))
		bounds := l["a"].last.bounds
		s := distribution(l.collect(canary, []outcome{{entry: e}}), bounds)
		require.Equal(t, bounds != nil, s.Kind == analysis.BucketKind, "%v", s)
	})
}

func TestEndsAreShownInShort(t *testing.T) {
	t.Parallel()
	require.Equal(t, "[1 2]", ends([]float64{1, 2}))
	many := make([]float64, 1000)
	for i := range many {
		many[i] = float64(i)
	}
	require.Equal(t, "[0 1 2 3 4 5 6 7 8 9 … 999] (1000)", fmt.Sprint(ends(many)))
}
