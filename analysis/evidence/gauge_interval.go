package evidence

import "math"

// Interval returns an interval that holds the mean of the series, in its units and
// with a probability of at least 1−alpha over all looks together. It is infinite on
// both sides where there is no evidence yet.
//
// It is what the process does not refute, at alpha/2 on each side: tolerances from
// which on it has not shown that the mean is above, and below. u is linear in the
// tolerance, so that one series of sums serves for all of them. The assumptions are
// those of [Gauge].
//
// It takes some 80 evaluations of Log, 2 ms.
func (g *Gauge) Interval(alpha float64) (low, high float64) {
	if g.n == 0 || !(alpha > 0 && alpha < 1) || g.unit <= 0 {
		return math.Inf(-1), math.Inf(1)
	}
	need := -math.Log(alpha / 2)
	middle := g.tolerance + g.sum/g.unit
	// One step is what chance moves the middle by.
	step := math.Sqrt(g.squares/float64(g.n+priorWeight)) * math.Sqrt(float64(g.n)) / g.unit
	return g.end(middle, -step, need), g.end(middle, step, need)
}

// end looks for the tolerance that is just refuted, from the middle in steps.
func (g *Gauge) end(middle, step, need float64) float64 {
	direction := math.Copysign(1, -step) // towards high, the mean must be below
	refuted := func(steps float64) bool {
		return g.at(middle+steps*step, direction).Log() >= need
	}
	far := 1.0
	for !refuted(far) {
		if far *= 2; far > 1<<20 {
			return math.Inf(int(-direction))
		}
	}
	near := far / 2
	if far == 1 {
		near = 0
	}
	for range 20 {
		if mid := (near + far) / 2; refuted(mid) {
			far = mid
		} else {
			near = mid
		}
	}
	return middle + far*step
}

// at returns the process for another tolerance, or for the series and the tolerance
// with their signs changed.
func (g *Gauge) at(tolerance, sign float64) *Gauge {
	d := tolerance - g.tolerance
	other := *g
	other.sum = sign * (g.sum - d*g.unit)
	other.squares = g.squares - 2*d*g.cross + d*d*g.units
	return &other
}
