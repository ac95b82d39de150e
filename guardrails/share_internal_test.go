package guardrails

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The fast way agrees with the exact one, whatever the figures.
func TestShareIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		percent := rapid.OneOf(
			rapid.Float64Range(math.SmallestNonzeroFloat64, 100),
			rapid.Map(rapid.IntRange(1, 100_000), func(i int) float64 { return float64(i) / 1000 }),
			rapid.Map(rapid.IntRange(1, 100), func(i int) float64 { return float64(i) }),
		).Draw(rt, "percent")
		n := rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, math.MaxInt64)).Draw(rt, "n")
		down, whole := divideShare(percent, n)
		want, wantWhole := exactShare(percent, n)
		if down != want || whole != wantWhole {
			rt.Fatalf("%v%% of %d: %d %v, want %d %v", percent, n, down, whole, want, wantWhole)
		}
	})
}

func TestShare(t *testing.T) {
	for _, tc := range []struct {
		percent  float64
		n        int
		down, up int
	}{
		{33, 40, 13, 14}, {33.3, 1000, 333, 333}, {66, 5, 3, 4}, {50, 4, 2, 2}, {100, 7, 7, 7}, {1, 1, 0, 1}, {0.001, 3, 0, 1},
		{99.99999999999999, 10, 9, 10}, {1e-300, 10, 0, 1}, {50, math.MaxInt64, math.MaxInt64 / 2, math.MaxInt64/2 + 1}, {66, 0, 0, 0},
	} {
		require.EqualValues(t, tc.down, share(tc.percent, int64(tc.n)), "%+v", tc)
		require.Equal(t, tc.up, shareUp(tc.percent, tc.n), "%+v", tc)
	}
}
