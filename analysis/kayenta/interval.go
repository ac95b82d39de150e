package kayenta

import (
	"errors"
	"math"
	"slices"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// Interval returns by how much the experiment lies above the control, in the
// units of the metric, with an interval: the shifts that a Mann-Whitney test does
// not reject, by its normal approximation with corrections for ties and for
// continuity, however small the samples. It is what R has as
//
//	wilcox.test(experiment, control, conf.int=TRUE, exact=FALSE, correct=TRUE)
//
// but for the estimate, which here includes the correction for continuity. Its ends
// are found to within 1e-4 of the metric's units, whatever they are: with values of
// about that size, or below, the ends are wrong. evidence.HodgesLehmann has
// no such limit, and is what to use where it need not be as Kayenta has it.
//
// Values must be finite. It is an error if there are none, or if the test is not
// defined because all values are tied.
func Interval(experiment, control []float64, confidence float64) (evidence.Shift, error) {
	if len(experiment) == 0 || len(control) == 0 {
		return evidence.Shift{}, errors.New("kayenta: no values to compare")
	}
	t := shiftTest{x: slices.Sorted(slices.Values(experiment)), y: slices.Sorted(slices.Values(control))}
	low, high := t.bounds()
	if math.IsNaN(high-low) || math.IsInf(high-low, 0) {
		return evidence.Shift{}, errors.New("kayenta: the values are not finite, or too far apart")
	}
	if !(confidence > 0 && confidence < 1) {
		return evidence.Shift{}, errors.New("kayenta: the confidence is not between 0 and 1")
	}
	z := math.Sqrt2 * math.Erfinv(confidence)
	lower, ok1 := t.root(z)
	upper, ok2 := t.root(-z)
	estimate, ok3 := brent(func(mu float64) (float64, bool) { return t.at(mu, 0) }, low, high)
	if !ok1 || !ok2 || !ok3 {
		return evidence.Shift{}, errors.New("kayenta: all values are tied, which leaves nothing to rank")
	}
	return evidence.Shift{Estimate: estimate, Lower: lower, Upper: upper}, nil
}

// shiftTest is the Mann-Whitney test of two sorted samples as a function of the
// shift that is taken away from the first.
type shiftTest struct{ x, y []float64 }

// bounds returns the shifts beyond which nothing changes any more.
func (t shiftTest) bounds() (low, high float64) {
	return t.x[0] - t.y[len(t.y)-1], t.x[len(t.x)-1] - t.y[0]
}

// root returns the shift at which the test gives a quantile, or the end of what is
// possible if it never does.
func (t shiftTest) root(quantile float64) (float64, bool) {
	low, high := t.bounds()
	f := func(mu float64) (float64, bool) { return t.at(mu, quantile) }
	if v, ok := f(low); !ok || v <= 0 {
		return low, ok
	}
	if v, ok := f(high); !ok || v >= 0 {
		return high, ok
	}
	return brent(f, low, high)
}

// at returns by how many standard deviations the rank statistic at a shift is off
// what it is without any difference, less a quantile. Values are tied if they are
// equal as floats after the shift. It is false if all are tied.
func (t shiftTest) at(mu, quantile float64) (float64, bool) {
	m, n := float64(len(t.x)), float64(len(t.y))
	twice, excess := 0, 0.0 // 2U; Σ(t³−t) over groups of ties
	for i, j := 0, 0; i < len(t.x) || j < len(t.y); {
		var v float64
		switch {
		case i == len(t.x):
			v = t.y[j]
		case j == len(t.y):
			v = t.x[i] - mu
		default:
			v = min(t.x[i]-mu, t.y[j])
		}
		ofX, ofY, below := 0, 0, j
		for i < len(t.x) && t.x[i]-mu == v {
			i++
			ofX++
		}
		for j < len(t.y) && t.y[j] == v {
			j++
			ofY++
		}
		twice += ofX * (2*below + ofY)
		if size := float64(ofX + ofY); size > 1 {
			excess += size*size*size - size
		}
	}
	d := float64(twice)/2 - m*n/2
	switch {
	case d > 0:
		d -= 0.5
	case d < 0:
		d += 0.5
	}
	sigma := math.Sqrt(m * n / 12 * ((m + n + 1) - excess/((m+n)*(m+n-1))))
	return d/sigma - quantile, sigma > 0
}
