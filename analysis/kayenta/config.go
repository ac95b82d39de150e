package kayenta

import (
	"fmt"
	"math"
)

// What Kayenta has fixed in its code.
const (
	// DefaultTolerance is the part of the estimated shift that its interval must
	// stay clear of zero by.
	DefaultTolerance = 0.25
	// DefaultConfidence is that of the interval.
	DefaultConfidence = 0.98
	// DefaultOutlierFactor is how many interquartile ranges beyond the quartiles
	// outliers begin.
	DefaultOutlierFactor = 3.0
)

// Direction says which change of a metric is bad.
type Direction uint8

const (
	// Either counts a change in both directions.
	Either Direction = iota
	// Increase counts only a rise, as of errors or latency.
	Increase
	// Decrease counts only a fall, as of successes.
	Decrease
)

// NaNStrategy says what becomes of points that are NaN.
type NaNStrategy uint8

const (
	// RemoveNaN drops them.
	RemoveNaN NaNStrategy = iota
	// ReplaceNaN takes them for 0. A side of nothing but NaN is then a side of
	// zeros, and one without any points passes: only for metrics that are absent
	// while they are zero.
	ReplaceNaN
)

// OutlierStrategy says what becomes of outliers.
type OutlierStrategy uint8

const (
	// KeepOutliers keeps them.
	KeepOutliers OutlierStrategy = iota
	// RemoveOutliers drops what IQR finds.
	RemoveOutliers
)

// Measure is a way to say how large a difference is.
type Measure uint8

const (
	// MeanRatio is the mean of the experiment divided by that of the control,
	// undefined (NaN) if either is 0.
	MeanRatio Measure = iota
	// CLES is how often a point of the experiment exceeds one of the control, ties
	// counted as half: 0 to 1.
	CLES
)

// EffectSize is how large a difference must be to count. Nil is 1 with MeanRatio
// and 0.5 with CLES, which any difference reaches. An undefined effect size
// reaches all limits.
type EffectSize struct {
	Measure Measure
	// AllowedIncrease is the effect size from which on a metric may be High,
	// AllowedDecrease that up to which it may be Low.
	AllowedIncrease, AllowedDecrease *float64
	// CriticalIncrease and CriticalDecrease are the same for a critical failure.
	CriticalIncrease, CriticalDecrease *float64
}

// Config says how one metric is classified: what canary configurations have in
// analysisConfigurations.canary. The zero value is Kayenta's default.
type Config struct {
	Direction Direction
	NaN       NaNStrategy
	Outliers  OutlierStrategy
	// OutlierFactor is for RemoveOutliers. Zero means DefaultOutlierFactor.
	OutlierFactor float64
	EffectSize    EffectSize
	// Critical makes the whole canary fail with this metric.
	Critical bool
	// MustHaveData makes the metric fail without data. On a critical one it has no
	// effect: that fails the canary without data anyway.
	MustHaveData bool
	// Muted leaves the metric out of the score.
	Muted bool
	// Tolerance and Confidence cannot be set in Kayenta. Zero means
	// DefaultTolerance and DefaultConfidence.
	Tolerance, Confidence float64
}

// Problems reports what is wrong with the settings.
func (c Config) Problems(report func(path, msg string)) {
	d := c.withDefaults()
	if c.Direction > Decrease {
		report("Direction", fmt.Sprintf("is %d, which is none", c.Direction))
	}
	if c.NaN > ReplaceNaN {
		report("NaN", fmt.Sprintf("is %d, which is no strategy", c.NaN))
	}
	if c.Outliers > RemoveOutliers {
		report("Outliers", fmt.Sprintf("is %d, which is no strategy", c.Outliers))
	}
	if !(d.OutlierFactor > 0) || math.IsInf(d.OutlierFactor, 1) {
		report("OutlierFactor", fmt.Sprintf("is %v: want more than 0, such as %v", c.OutlierFactor, DefaultOutlierFactor))
	}
	if c.EffectSize.Measure > CLES {
		report("EffectSize.Measure", fmt.Sprintf("is %d, which is none", c.EffectSize.Measure))
	}
	for _, limit := range [...]struct {
		path string
		v    *float64
	}{
		{"AllowedIncrease", c.EffectSize.AllowedIncrease}, {"AllowedDecrease", c.EffectSize.AllowedDecrease},
		{"CriticalIncrease", c.EffectSize.CriticalIncrease}, {"CriticalDecrease", c.EffectSize.CriticalDecrease},
	} {
		if limit.v != nil && (math.IsNaN(*limit.v) || math.IsInf(*limit.v, 0)) {
			report("EffectSize."+limit.path, fmt.Sprintf("is %v: want a finite effect size", *limit.v))
		}
	}
	if !(d.Tolerance > 0) || math.IsInf(d.Tolerance, 1) {
		report("Tolerance", fmt.Sprintf("is %v: want more than 0, such as %v", c.Tolerance, DefaultTolerance))
	}
	if !(d.Confidence > 0 && d.Confidence < 1) {
		report("Confidence", fmt.Sprintf("is %v: want a probability, such as %v", c.Confidence, DefaultConfidence))
	}
}

// firstProblem returns the first of the problems, empty for none.
func firstProblem(p interface {
	Problems(report func(path, msg string))
}) (first string) {
	p.Problems(func(path, msg string) {
		if first == "" {
			first = path + " " + msg
		}
	})
	return first
}

func (c Config) withDefaults() Config {
	fill := func(v *float64, def float64) {
		if *v == 0 {
			*v = def
		}
	}
	fill(&c.OutlierFactor, DefaultOutlierFactor)
	fill(&c.Tolerance, DefaultTolerance)
	fill(&c.Confidence, DefaultConfidence)
	return c
}

// limit returns a limit with its default filled in.
func (e EffectSize) limit(v *float64) float64 {
	switch {
	case v != nil:
		return *v
	case e.Measure == CLES:
		return 0.5
	default:
		return 1
	}
}
