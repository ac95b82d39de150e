package evidence

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQuantile(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		values  []float64
		p, want float64
	}{
		{[]float64{7}, 0, 7},
		{[]float64{7}, 0.3, 7},
		{[]float64{7}, 1, 7},
		{[]float64{1, 2}, 0.25, 1.25},
		{[]float64{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5}, 0.5, 1.75},
		{[]float64{1, 2, 4, 8, 16}, 0.9, 12.8}, // R: quantile(2^(0:4), 0.9)
		{[]float64{1, 2, 4, 8, 16}, 0.75, 8},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, 0.5, 0},
		{[]float64{1, inf}, 0, 1},
		{[]float64{1, inf}, 0.5, inf},
		{[]float64{1, inf}, 1, inf},
		{nil, 0.5, math.NaN()},
		{[]float64{1, 2}, -0.1, math.NaN()},
		{[]float64{1, 2}, 1.1, math.NaN()},
		{[]float64{1, 2}, math.NaN(), math.NaN()},
		{[]float64{math.NaN(), 2}, 0.5, math.NaN()},
	} {
		got := Quantile(c.values, c.p)
		switch {
		case math.IsNaN(c.want):
			require.True(t, math.IsNaN(got), "%v at %v: %v", c.values, c.p, got)
		case math.IsInf(c.want, 0):
			require.Equal(t, c.want, got, "%v at %v", c.values, c.p)
		default:
			require.InDelta(t, c.want, got, 1e-12, "%v at %v", c.values, c.p)
		}
	}
}

func TestQuantileGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawSample(t, "values", 20)
		slices.Sort(values)
		p, q := rapid.Float64Range(0, 1).Draw(t, "p"), rapid.Float64Range(0, 1).Draw(t, "q")
		low, high := Quantile(values, min(p, q)), Quantile(values, max(p, q))
		slack := 1e-9
		require.LessOrEqual(t, values[0], low+slack)
		require.LessOrEqual(t, low, high+slack)
		require.LessOrEqual(t, high, values[len(values)-1]+slack)
	})
}
