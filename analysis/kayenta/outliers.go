package kayenta

import (
	"math"
	"slices"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// IQR finds outliers: points beyond the quartiles by more than Factor times the
// distance between the quartiles (Tukey). All percentiles are of R's type 7.
type IQR struct {
	// Factor is how many of these distances. It should be more than 0.
	Factor float64
	// Insensitive moves the limits out to the 1st and the 99th percentile, if that
	// is further. Up to 101 points this leaves at most the smallest and the largest
	// as outliers. The judge does so.
	Insensitive bool
}

// Find tells of each point whether it is an outlier. NaN is none; percentiles are
// of the other points.
func (d IQR) Find(points []float64) []bool {
	sorted := slices.DeleteFunc(slices.Clone(points), math.IsNaN)
	slices.Sort(sorted)
	q1, q3 := evidence.Quantile(sorted, 0.25), evidence.Quantile(sorted, 0.75)
	low, high := q1-d.Factor*(q3-q1), q3+d.Factor*(q3-q1)
	if d.Insensitive {
		low = min(low, evidence.Quantile(sorted, 0.01))
		high = max(high, evidence.Quantile(sorted, 0.99))
	}
	return beyond(points, low, high)
}

// KSigma finds outliers: points further from the mean than K sample standard
// deviations. Kayenta has it, and its judge does not use it.
type KSigma struct {
	// K is how many of them. It should be more than 0.
	K float64
}

// Find tells of each point whether it is an outlier.
func (d KSigma) Find(points []float64) []bool {
	s := Summarize(points)
	return beyond(points, s.Mean-d.K*s.StdDev, s.Mean+d.K*s.StdDev)
}

func beyond(points []float64, low, high float64) []bool {
	out := make([]bool, len(points))
	for i, v := range points {
		out[i] = v < low || v > high
	}
	return out
}
