package evidence

import (
	"iter"
	"math"
	"slices"
)

// Alternative says which difference a p-value is about.
type Alternative uint8

const (
	// TwoSided is a difference in either direction.
	TwoSided Alternative = iota
	// Greater is that the first sample tends to be greater than the second.
	Greater
	// Less is that the first sample tends to be less than the second.
	Less
)

// MannWhitney compares two samples of single numbers, such as latencies, by
// their ranks alone (Mann & Whitney 1947, Wilcoxon 1945). Of all pairs of one x
// and one y,
//
//	U = #(x > y) + #(x = y)/2
//
// counts those in which x is greater. If both samples come from one distribution
// its mean is mn/2, for m values of x and n of y, and its variance is
//
//	σ² = mn/12 · [ (m+n+1) − Σ(t³−t) / ((m+n)(m+n−1)) ]
//
// over the groups of t values that are tied.
//
// It assumes that all values are independent of each other: neither the values
// of a series that remembers its past nor pairs taken at the same time are. It
// has no units: any increasing map of all values leaves it as it is. It is a look
// at one moment that was fixed beforehand. Unlike the e-values of this package a
// p-value that is looked at again and again bounds nothing.
//
// Infinities have ranks like other values. With an empty sample, or a NaN in one,
// everything is undefined: NaN. So is the zero value. A MannWhitney may be copied
// and used by many goroutines.
type MannWhitney struct {
	m, n   int
	twice  float64 // 2U, a whole number
	excess float64 // Σ(t³−t)
	groups []int   // sizes of the groups of equal values, smallest value first; nil without ties
}

// NewMannWhitney compares x with y. It changes neither of them.
func NewMannWhitney(x, y []float64) MannWhitney {
	if len(x) == 0 || len(y) == 0 || slices.ContainsFunc(x, math.IsNaN) || slices.ContainsFunc(y, math.IsNaN) {
		return MannWhitney{}
	}
	x, y = slices.Clone(x), slices.Clone(y)
	slices.Sort(x)
	slices.Sort(y)
	t := MannWhitney{m: len(x), n: len(y)}
	for below, tied := range tieGroups(x, y) {
		t.twice += float64(tied[0]) * float64(2*below+tied[1])
		if size := float64(tied[0] + tied[1]); size > 1 {
			t.excess += size*size*size - size
		}
	}
	if t.excess > 0 {
		for _, tied := range tieGroups(x, y) {
			t.groups = append(t.groups, tied[0]+tied[1])
		}
	}
	return t
}

// tieGroups goes through the different values of two sorted samples: how many values
// of y are below, and how many of x and of y are equal to it.
func tieGroups(x, y []float64) iter.Seq2[int, [2]int] {
	return func(yield func(int, [2]int) bool) {
		for i, j := 0, 0; i < len(x) || j < len(y); {
			var v float64
			switch {
			case i == len(x):
				v = y[j]
			case j == len(y):
				v = x[i]
			default:
				v = min(x[i], y[j])
			}
			below, tied := j, [2]int{run(x[i:], v), run(y[j:], v)}
			i, j = i+tied[0], j+tied[1]
			if !yield(below, tied) {
				return
			}
		}
	}
}

// run counts the values equal to v that a sample begins with.
func run(sorted []float64, v float64) int {
	n := 0
	for n < len(sorted) && sorted[n] == v {
		n++
	}
	return n
}

// U returns the statistic of the first sample. That of the second is mn−U.
func (t MannWhitney) U() float64 {
	if t.m == 0 {
		return math.NaN()
	}
	return t.twice / 2
}

// Sigma returns the standard deviation of U if both samples come from one
// distribution, with the correction for ties: 0 if all values are tied.
func (t MannWhitney) Sigma() float64 {
	if t.m == 0 {
		return math.NaN()
	}
	m, n, all := float64(t.m), float64(t.n), float64(t.m+t.n)
	return math.Sqrt(m * n / 12 * max(0, all+1-t.excess/(all*(all-1))))
}

// Asymptotic returns the p-value by the normal approximation
//
//	z = (U − mn/2 − c) / σ    p = 1 − Φ(z)
//
// with c = ½ for continuity, or 0. Less takes the U of the second sample;
// TwoSided takes the larger U, and twice its p but at most 1. The approximation
// is good from some 8 values in each sample on, less good with many ties, and
// poor in the far tail. Where σ is 0 it is 1 with the correction, and without it
// undefined: NaN.
func (t MannWhitney) Asymptotic(alternative Alternative, continuity bool) float64 {
	u, times := t.U(), 1.0
	other := float64(t.m)*float64(t.n) - u
	switch alternative {
	case TwoSided:
		u, times = max(u, other), 2
	case Greater:
	case Less:
		u = other
	default:
		return math.NaN()
	}
	d := u - float64(t.m)*float64(t.n)/2
	if continuity {
		d -= 0.5
	}
	return min(1, times*math.Erfc(d/t.Sigma()/math.Sqrt2)/2)
}

// P returns the p-value: [MannWhitney.Exact] where the samples are small enough
// for it, otherwise [MannWhitney.Asymptotic] with the correction for continuity.
func (t MannWhitney) P(alternative Alternative) float64 {
	if p, ok := t.Exact(alternative); ok {
		return p
	}
	return t.Asymptotic(alternative, true)
}
