package kayenta

import (
	"math"
	"slices"
)

// Clean returns the points of one side as they are compared: without NaN, or with
// 0 in their place, and then without outliers, if the config says so. It keeps
// their order and leaves points as it is.
func Clean(c Config, points []float64) []float64 {
	c = c.withDefaults()
	var kept []float64
	for _, v := range points {
		switch {
		case !math.IsNaN(v):
			kept = append(kept, v)
		case c.NaN == ReplaceNaN:
			kept = append(kept, 0)
		}
	}
	if c.Outliers != RemoveOutliers {
		return kept
	}
	return unmarked(kept, IQR{Factor: c.OutlierFactor, Insensitive: true}.Find(kept))
}

// unmarked returns the points that are not marked as outliers.
func unmarked(points []float64, outlier []bool) []float64 {
	var kept []float64
	for i, v := range points {
		if !outlier[i] {
			kept = append(kept, v)
		}
	}
	return kept
}

// Pad returns the points of a side with NaN behind them, up to as many as the
// metric's step makes in the window. Kayenta does this to sides that are too short
// before it cleans them.
func Pad(points []float64, upTo int) []float64 {
	padded := slices.Clone(points)
	for len(padded) < upTo {
		padded = append(padded, math.NaN())
	}
	return padded
}

// Stats sums up the points of one side. All are 0 if there are none.
type Stats struct {
	Min, Max, Mean float64
	// StdDev is the standard deviation of the sample, 0 for a single point.
	StdDev float64
	Count  int
}

// Summarize returns the figures of some points.
func Summarize(points []float64) Stats {
	s := Stats{Count: len(points)}
	if s.Count == 0 {
		return s
	}
	s.Min, s.Max = slices.Min(points), slices.Max(points)
	for _, v := range points {
		s.Mean += v
	}
	s.Mean /= float64(s.Count)
	if s.Count > 1 {
		for _, v := range points {
			s.StdDev += (v - s.Mean) * (v - s.Mean)
		}
		s.StdDev = math.Sqrt(s.StdDev / float64(s.Count-1))
	}
	return s
}
