package evidence

import "math"

// MeanRatio returns the mean of x divided by the mean of y. It is for values of
// one sign on a scale with a true zero, such as latencies or rates. It has no
// units, and says nothing of chance. Where it is not defined it is NaN: with an
// empty sample, a mean of y that is 0, or a mean that is not finite.
func MeanRatio(x, y []float64) float64 {
	a, b := average(x), average(y)
	if b == 0 || !finite(a, b) {
		return math.NaN()
	}
	return a / b
}

// VarghaDelaney returns how often a value of x exceeds one of y, ties counted as
// half (the common language effect size of McGraw & Wong 1992; A of Vargha &
// Delaney 2000):
//
//	A = P(x > y) + P(x = y)/2 = U / mn
//
// It is ½ for no difference, 1 if all x are above all y, and 0 if all are below.
// It has no units and assumes nothing. With an empty sample, or a NaN in one, it is
// NaN.
func VarghaDelaney(x, y []float64) float64 {
	return NewMannWhitney(x, y).U() / (float64(len(x)) * float64(len(y)))
}

// CohenD returns by how many standard deviations the mean of x lies above that of
// y (Cohen 1988), with the standard deviation of both together:
//
//	d = (x̄ − ȳ) / s    s² = ((m−1)s²ₓ + (n−1)s²ᵧ) / (m+n−2)
//
// It has no units, and assumes that both spread alike. Where it is not defined it
// is NaN: with an empty sample, no spread, or values that are not finite.
func CohenD(x, y []float64) float64 {
	a, b := average(x), average(y)
	s := math.Sqrt((squares(x, a) + squares(y, b)) / float64(len(x)+len(y)-2))
	if !(s > 0) || !finite(a, b, s) {
		return math.NaN()
	}
	return (a - b) / s
}

// average is NaN for no values.
func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// squares sums the squared distances from a mean.
func squares(values []float64, mean float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return sum
}
