package analysis

import (
	"fmt"
	"math"
	"time"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// MinComparison is how many observations with evidence an A/A window needs before
// anything is learnt from it.
const MinComparison = 60

// What an A/A window must show of counts for a form of NotWorse (evidence.Dispersion
// says where the figures are from).
const (
	phiExact = 1.05 // the arms differ by chance alone
	phiFair  = 1.2  // a little more, which the e-process has room for
	// The same for φ over blocks, which is less sure, and shows noise that stays.
	slowExact, slowFair = 1.2, 1.4

	mostTau = 1.5 // beyond, there is no telling
)

// Calibration is how much two arms differ while both run the same version: what an
// A/A window has shown, before the rollout. No test that compares arms can tell noise
// of its own in one of them from a regression, unless it knows that noise.
//
// The zero value says that nobody has compared them.
type Calibration struct {
	// Length is how long the window was, from the first observation to the last.
	Length time.Duration `json:"length,omitempty"`
	// Intervals is how many observations showed both arms.
	Intervals int `json:"intervals,omitempty"`
	// Tables are for counts, with one entry, and for histograms, with one for each
	// boundary.
	Tables []Spread `json:"tables,omitempty"`
	// Ratio is the noise of the logarithm of the canary's value over the
	// baseline's; nil unless both were seen and positive.
	Ratio *evidence.Noise `json:"ratio,omitempty"`
	// Own is the noise of the canary's value by itself; nil unless it was seen.
	Own *evidence.Noise `json:"own,omitempty"`
	// Problem says why nothing was learnt; empty if something was.
	Problem string `json:"problem,omitempty"`
}

// isZero tells whether nobody has compared anything.
func (c Calibration) isZero() bool {
	return c.Length == 0 && c.Intervals == 0 && c.Tables == nil && c.Ratio == nil && c.Own == nil && c.Problem == ""
}

// Spread is how much more than by chance counts differ between the arms.
type Spread struct {
	// Intervals is how many observations had events in either arm.
	Intervals int `json:"intervals"`
	// Phi is the dispersion: 1 where the arms differ by chance alone.
	Phi float64 `json:"phi"`
	// Slow is the same over blocks of twelve observations, in which noise that stays
	// adds up.
	Slow float64 `json:"slow,omitempty"`
	// Tau is the standard deviation of what the arms differ by on their own, in
	// units of the logarithm of the odds ratio, to be on the safe side: 0.2 is some
	// 20% of the error rate.
	Tau float64 `json:"tau"`
	// Block is for how many observations such a difference stays.
	Block int `json:"block"`
}

// A Calibrator is a Judge that can make use of an A/A window. A gate gives it one
// before the rollout begins, if it has one.
type Calibrator interface {
	Judge
	// Calibrate returns the judge for arms that differ by as much.
	Calibrate(Calibration) Judge
}

// Calibrate learns from the observations of an A/A window, in their order: a time
// in which both arms ran the same version, split as they will be. An observation
// with an error, or of one arm alone, is left out. MinComparison observations are the
// least, three times as many are better.
func Calibrate(window []Observation) Calibration {
	c := Calibration{}
	var first, last time.Time
	same := true
	var tables []evidence.Dispersion
	var ratios, own []float64
	for _, o := range window {
		if o.Err != "" || !o.Canary.Has() {
			ratios, own = append(ratios, math.NaN()), append(own, math.NaN())
			continue
		}
		if o.Canary.Kind == ValueKind {
			own = append(own, o.Canary.Value)
		}
		if !o.Baseline.Has() || o.Baseline.Kind != o.Canary.Kind {
			ratios = append(ratios, math.NaN())
			continue
		}
		if c.Intervals == 0 {
			first = o.At
		}
		last = o.At
		c.Intervals++
		same = same && sameFigures(o.Canary, o.Baseline)
		switch o.Canary.Kind {
		case ValueKind:
			ratios = append(ratios, math.Log(o.Canary.Value/o.Baseline.Value))
		case CountKind, BucketKind:
			if tables == nil {
				tables = make([]evidence.Dispersion, tablesOf(o.Canary))
			}
			if tablesOf(o.Canary) != len(tables) || !sameBounds(o.Canary, o.Baseline) {
				c.Problem = "the boundaries of the histogram changed"
				return c
			}
			for j := range tables {
				tables[j].Observe(strataOf(nil, o, j)...)
			}
		}
	}
	c.Length = last.Sub(first)
	c.Ratio, c.Own = noiseOf(ratios), noiseOf(own)
	switch {
	case c.Intervals > 0 && same:
		// As a query by version does, before there are two versions.
		c.Problem = "the A/A window showed the same figures for both arms, so its queries do not tell them apart"
		c.Ratio = nil
		return c
	case c.Intervals == 0 && c.Own == nil:
		c.Problem = "the A/A window had no data of both arms"
	}
	for j := range tables {
		d := &tables[j]
		s := Spread{Intervals: d.Intervals()}
		if s.Intervals >= MinComparison {
			s.Phi, s.Slow, s.Tau, s.Block = d.Phi(), d.SlowPhi(), d.SafeTau(), d.Block()
		}
		c.Tables = append(c.Tables, s)
	}
	return c
}

// noiseOf learns from points of which some are missing; nil for too few. Most of a
// series must be there: what is left of one with many gaps has lost its rhythm.
func noiseOf(points []float64) *evidence.Noise {
	var there []float64
	for _, p := range points {
		if !math.IsNaN(p) && !math.IsInf(p, 0) {
			there = append(there, p)
		}
	}
	if len(there) < MinComparison || 10*len(there) < 9*len(points) {
		return nil
	}
	if noise, ok := evidence.LearnNoise(there); ok {
		return &noise
	}
	return nil
}

func sameFigures(a, b Sample) bool {
	if a.Events != b.Events || a.Total != b.Total || a.Value != b.Value || len(a.Buckets) != len(b.Buckets) {
		return false
	}
	for i := range a.Buckets {
		if a.Buckets[i] != b.Buckets[i] {
			return false
		}
	}
	return true
}

// comparability is what an A/A window says of the arms.
type comparability uint8

const (
	unknown comparability = iota // nobody has compared them, or not enough
	byChance
	fair
	noisy
	apart
)

// of says how comparable the arms are at one of the tables, and that in words.
func (c Calibration) of(table int) (comparability, string) {
	switch {
	case c.Problem != "":
		return unknown, "not calibrated: " + c.Problem
	case c.Intervals == 0 && len(c.Tables) == 0:
		return unknown, "not calibrated: the arms were not compared beforehand"
	case table >= len(c.Tables):
		return unknown, "not calibrated: the A/A window had samples of another kind"
	}
	s, window := c.Tables[table], fmt.Sprintf("an A/A window of %v", c.Length.Round(time.Second))
	switch {
	case s.Intervals < MinComparison:
		return unknown, fmt.Sprintf("tolerance only: %s had events in %d observations, and %d are the least to learn from", window, s.Intervals, MinComparison)
	case s.Phi <= phiExact && s.Slow <= slowExact:
		return byChance, fmt.Sprintf("calibrated by %s: the arms differ by chance alone (φ %.2f)", window, s.Phi)
	case s.Phi <= phiFair && s.Slow <= slowFair:
		return fair, fmt.Sprintf("calibrated by %s: the arms differ by little more than chance (φ %.2f)", window, s.Phi)
	case s.Tau <= mostTau:
		return noisy, fmt.Sprintf("calibrated by %s: the arms differ by up to %s on their own, which is allowed for (φ %.2f, and %.2f over blocks)", window, percent(s.Tau), s.Phi, s.Slow)
	}
	return apart, fmt.Sprintf("the arms cannot be compared: in %s they differed by more than a release does (φ %.3g)", window, s.Phi)
}
