package evidence

import (
	"math"
	"slices"
)

// Shift says by how much one sample lies above another, in the units of the
// values, with an interval for it.
type Shift struct {
	Estimate     float64
	Lower, Upper float64
}

// HodgesLehmann estimates by how much x lies above y: the median of all mn
// differences xᵢ−yⱼ (Hodges & Lehmann 1963), with the interval of all shifts that
// a two-sided Mann-Whitney test at 1−confidence would not reject (Lehmann 1963),
// which runs from the k-th smallest difference to the k-th largest,
//
//	k = the largest with P(U ≤ k−1) ≤ (1−confidence)/2
//
// by the exact distribution of U where [MannWhitney.Exact] can have it, otherwise
// k = ⌊mn/2 + ½ − zσ⌋. It is closed, so that ties make it wider, and never
// narrower, than it needs to be. All three are differences that are in the data:
// there is no tolerance in it, and it works the same on values of any size.
//
// It assumes that the distributions differ by a shift alone, and what
// [MannWhitney] assumes; it holds for a look at one moment that was fixed
// beforehand.
//
// Where samples are too small to give the confidence, the interval is all
// numbers. With an empty sample, or values that are not finite, everything is
// NaN; with a confidence that is not between 0 and 1 the interval is. It changes
// neither sample.
func HodgesLehmann(x, y []float64, confidence float64) Shift {
	none := math.NaN()
	x, y = slices.Clone(x), slices.Clone(y)
	slices.Sort(x) // NaN comes first
	slices.Sort(y)
	if len(x) == 0 || len(y) == 0 || !finite(x[0], x[len(x)-1], y[0], y[len(y)-1]) {
		return Shift{none, none, none}
	}
	pairs := len(x) * len(y)
	a, b := difference(x, y, (pairs+1)/2), difference(x, y, pairs/2+1)
	s := Shift{Estimate: a/2 + b/2, Lower: none, Upper: none}
	if a == b {
		s.Estimate = a // also when halves are too small to be told apart
	}
	if !(confidence > 0 && confidence < 1) {
		return s
	}
	k := cut(len(x), len(y), (1-confidence)/2)
	if k < 1 {
		s.Lower, s.Upper = math.Inf(-1), math.Inf(1)
		return s
	}
	s.Lower, s.Upper = difference(x, y, k), difference(x, y, pairs+1-k)
	return s
}

func finite(values ...float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// cut returns the largest k with P(U ≤ k−1) ≤ tail, 0 if there is none.
func cut(m, n int, tail float64) int {
	half := m * n / 2
	if ways, ok := uWays(m, n, half); ok {
		all, sum := choose(m+n, m), 0.0
		for k, w := range ways {
			if sum += w; sum > tail*all {
				return k
			}
		}
		return half
	}
	pairs := float64(m) * float64(n)
	sigma := math.Sqrt(pairs * float64(m+n+1) / 12)
	z := math.Sqrt2 * math.Erfcinv(2*tail)
	return int(max(0, min(pairs/2, math.Floor(pairs/2+0.5-z*sigma))))
}

// difference returns the k-th smallest (from 1) of all differences of a value of
// x and one of y, both sorted. It halves the range of floating-point numbers
// until one is left, which takes at most 64 passes over the samples.
func difference(x, y []float64, k int) float64 {
	low, high := order(x[0]-y[len(y)-1]), order(x[len(x)-1]-y[0])
	for low < high {
		mid := low + (high-low)/2
		if atMost(x, y, unorder(mid)) >= k {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return unorder(low) + 0 // no -0
}

// atMost counts the differences that are v or less.
func atMost(x, y []float64, v float64) int {
	count, j := 0, len(y)
	for _, xi := range x { // the greater x, the fewer y are small enough to be too far below
		for j > 0 && xi-y[len(y)-j] > v {
			j--
		}
		count += j
	}
	return count
}

const signBit = 1 << 63

// order numbers all floats in their order, and unorder is its inverse.
func order(v float64) uint64 {
	bits := math.Float64bits(v)
	if bits&signBit != 0 {
		return ^bits
	}
	return bits | signBit
}

func unorder(o uint64) float64 {
	if o&signBit != 0 {
		return math.Float64frombits(o &^ signBit)
	}
	return math.Float64frombits(^o)
}
