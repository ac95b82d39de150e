package evidence

import (
	"math"
	"slices"
)

// MannKendall asks whether values, in the order of time, tend to rise or fall (Mann
// 1945, Kendall 1975). Of all pairs of an earlier and a later value,
//
//	S = #(later > earlier) − #(later < earlier)
//
// If no order is likelier than another, its mean is 0 and its variance is
//
//	σ² = [ n(n−1)(2n+5) − Σ g(g−1)(2g+5) ] / 18
//
// over the groups of g values that are tied. It has no units: any increasing map of
// the values leaves it as it is, and so does any other spacing of the times.
//
// It assumes that the values are independent of each other. Those of a series that
// remembers its past wander, which looks like a trend: the variance must then be
// inflated, see [Persistence]. It is a look at one moment that was fixed beforehand, not
// for repeated ones.
//
// Infinities have ranks like other values. Without values, or with a NaN among them,
// everything is undefined: NaN. So is the zero value. A MannKendall may be copied and
// used by many goroutines.
type MannKendall struct {
	n           int
	s, variance float64
}

// NewMannKendall takes values in the order of time, one at each. It does not change
// them. It compares n²/2 pairs.
func NewMannKendall(values []float64) MannKendall {
	if len(values) == 0 || slices.ContainsFunc(values, math.IsNaN) {
		return MannKendall{}
	}
	t := MannKendall{n: len(values)}
	for j, later := range values {
		for _, earlier := range values[:j] {
			switch {
			case later > earlier:
				t.s++
			case later < earlier:
				t.s--
			}
		}
	}
	weight := func(n int) float64 { return float64(n) * float64(n-1) * float64(2*n+5) }
	t.variance = weight(t.n)
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	for len(sorted) > 0 {
		group := run(sorted, sorted[0])
		t.variance -= weight(group)
		sorted = sorted[group:]
	}
	t.variance /= 18
	return t
}

// S returns the statistic, from −n(n−1)/2 where every value is less than the one
// before to n(n−1)/2 where it is greater.
func (t MannKendall) S() float64 {
	if t.n == 0 {
		return math.NaN()
	}
	return t.s
}

// Sigma returns the standard deviation of S when there is no trend, with the
// correction for ties: 0 if all values are tied.
func (t MannKendall) Sigma() float64 {
	if t.n == 0 {
		return math.NaN()
	}
	return math.Sqrt(t.variance)
}

// P returns the p-value by the normal approximation, with the correction for
// continuity, where the variance is inflated times as large as for independent values
// (1 for these):
//
//	z = (S − 1) / (σ√inflation)    p = 1 − Φ(z)
//
// Greater asks for a rise, Less for a fall with −S in place of S, and TwoSided takes
// |S| and twice its p, at most 1. The approximation is good from some 8 values on, and
// with many ties some more. With all values tied p is 1; with an inflation that is not
// positive it is NaN.
func (t MannKendall) P(alternative Alternative, inflation float64) float64 {
	s, times := t.S(), 1.0
	switch alternative {
	case TwoSided:
		s, times = math.Abs(s), 2
	case Greater:
	case Less:
		s = -s
	default:
		return math.NaN()
	}
	switch {
	case math.IsNaN(s) || !(inflation > 0):
		return math.NaN()
	case t.variance == 0:
		return 1
	}
	z := (s - 1) / (t.Sigma() * math.Sqrt(inflation))
	return min(1, times*math.Erfc(z/math.Sqrt2)/2)
}

// mostPersistence is the largest correlation that Persistence believes in.
const mostPersistence = 0.97

// Persistence returns by how much the memory of a series inflates the variance of
// what is summed up over it, for [MannKendall.P]. It takes what the series deviates from
// its trend by, in the order of time (so that the trend does not count as memory), and
// assumes a first-order autoregression (Yue & Wang 2004, with the correlation of one
// point with the next in place of all of them):
//
//	r = Σ(xᵢ−x̄)(xᵢ₊₁−x̄) / Σ(xᵢ−x̄)²    ρ = (r + 2/n) / (1 − 4/n), from 0 to 0.97
//	inflation = 1 + 2 Σ (1−k/n) ρᵏ    over k = 1 … n−1
//
// The step from r to ρ takes back the bias of r when a line has been taken out, which
// makes it too low in short series. It is 1 for a series without memory, about
// (1+ρ)/(1−ρ) for long ones, and has no units. It is 1 for fewer than 8 points, for
// points that do not move, and for ones that are not finite.
func Persistence(deviations []float64) float64 {
	n := float64(len(deviations))
	if n < 8 || !finite(deviations...) {
		return 1
	}
	mean, variance, lag := average(deviations), 0.0, 0.0
	for i, x := range deviations {
		variance += (x - mean) * (x - mean)
		if i > 0 {
			lag += (x - mean) * (deviations[i-1] - mean)
		}
	}
	if !(variance > 0) || math.IsInf(variance, 1) {
		return 1
	}
	rho := min(max((lag/variance+2/n)/(1-4/n), 0), mostPersistence)
	inflation, power := 1.0, 1.0
	for k := 1.0; k < n; k++ {
		power *= rho
		inflation += 2 * (1 - k/n) * power
	}
	return inflation
}
