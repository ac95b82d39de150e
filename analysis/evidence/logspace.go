package evidence

import "math"

// MaxValue is the largest e-value that [Value] returns.
const MaxValue = 1e300

// Value returns the e-value of a natural logarithm, capped at MaxValue.
func Value(log float64) float64 { return min(math.Exp(log), MaxValue) }

// Mean returns the logarithm of the mean of two e-values, given theirs. Under a
// hypothesis for which each of the two is an e-process it is one as well, however
// they depend on each other: that of capital split evenly between the two.
func Mean(a, b float64) float64 { return logAdd(a, b) - math.Ln2 }

// logAdd is ln(eᵃ + eᵇ).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if d := b - a; d > -40 { // below, eᵇ is less than half a unit in the last place
		return a + math.Log1p(math.Exp(d))
	}
	return a
}

// logSum is ln Σ exp(x), and -Inf for an empty sum.
func logSum(xs []float64) float64 {
	top := math.Inf(-1)
	for _, x := range xs {
		top = max(top, x)
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, x := range xs {
		if d := x - top; d > -40 {
			sum += math.Exp(d)
		}
	}
	return top + math.Log(sum)
}
