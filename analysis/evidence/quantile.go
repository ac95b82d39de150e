package evidence

import "math"

// Quantile returns the p-quantile of values that are sorted in increasing order,
// in their units, with p from 0 to 1. It is R's type 7 (Hyndman & Fan 1996), which
// most tools use: with x₁ … xₙ,
//
//	h = 1 + (n−1)p    x₍⌊h⌋₎ + (h−⌊h⌋)(x₍⌊h⌋₊₁₎ − x₍⌊h⌋₎)
//
// It assumes nothing. Without values, with a NaN at either end (where sorting puts
// it), or a p outside of 0 to 1 it is NaN.
func Quantile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 || !(p >= 0 && p <= 1) || math.IsNaN(sorted[0]) || math.IsNaN(sorted[n-1]) {
		return math.NaN()
	}
	h := 1 + float64(n-1)*p
	below := min(int(h), n)
	v, part := sorted[below-1], h-math.Floor(h)
	if part == 0 || below == n {
		return v
	}
	next := sorted[below]
	if step := next - v; finite(step) {
		return v + part*step
	}
	return (1-part)*v + part*next // too far apart for their difference, or infinite
}
