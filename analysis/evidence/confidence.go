package evidence

import (
	"math"
	"slices"
)

// Interval returns a confidence interval for the odds ratio of canary to baseline,
// from two processes that have observed the same: it holds the true one, with a
// probability of at least 1−alpha over all looks together. The low end is 0 and the
// high end +Inf where there is no evidence yet that the true odds ratio is not there.
//
// With Lₜ(ψ) the conditional likelihood of all intervals so far (see [Harm]), the
// mean of Lₜ over fixed alternatives, divided by Lₜ(ψ0), is an e-process against "the
// odds ratio is ψ0". What it has not refuted is the interval, a confidence sequence
// (Robbins 1970; Howard et al. 2021):
//
//	{ ψ0: Lₜ(ψ0) > alpha · mean of Lₜ(ψⱼ) }
//
// The alternatives are those of both processes, and what they are against: 17 points
// from 0.75 to 50 times what is tolerated. Between them ln L is bounded from above,
// which makes the interval wider and never narrower: it is a concave function of
// ln ψ, and so lies below its chords, prolonged. With much data the interval goes
// from one point to the next but one.
//
// It assumes what Harm does, and that the odds ratio stays the same: where a
// regression began late, it is about a mean of before and after. It changes nothing.
func Interval(harm *Harm, safe *Safe, alpha float64) (low, high float64) {
	curve := make(likelihood, 0, len(harm.plain)+len(safe.plain))
	for j, l := range safe.plain {
		curve = append(curve, likely{safe.logs[j], l})
	}
	for j, l := range harm.plain {
		curve = append(curve, likely{harm.logs[j], l})
	}
	slices.SortFunc(curve, func(a, b likely) int {
		switch {
		case a.log < b.log:
			return -1
		case a.log > b.log:
			return 1
		}
		return 0
	})
	curve = slices.CompactFunc(curve, func(a, b likely) bool { return a.log == b.log })
	return curve.interval(alpha)
}

// likely is the logarithm of an odds ratio, and that of its likelihood.
type likely struct{ log, likelihood float64 }

// likelihood is a concave curve, known at some points in increasing order.
type likelihood []likely

func (c likelihood) interval(alpha float64) (low, high float64) {
	if !(alpha > 0 && alpha < 1) {
		return 0, math.Inf(1)
	}
	logs := make([]float64, len(c))
	for j, p := range c {
		logs[j] = p.likelihood
	}
	level := logSum(logs) - math.Log(float64(len(c))) + math.Log(alpha)
	return math.Exp(c.end(level, -1)), math.Exp(c.end(level, 1))
}

// end walks from the likeliest point in a direction, to where the curve is below the
// level for sure, and returns that as ln ψ.
func (c likelihood) end(level float64, step int) float64 {
	j := 0
	for k, p := range c {
		if p.likelihood > c[j].likelihood {
			j = k
		}
	}
	for ; c.known(j + step); j += step {
		if c[j+step].likelihood > level {
			continue
		}
		// Between these two, the curve is below the chord that ends at the one, and
		// below that which begins at the other. It is below the level where either is.
		end := c[j+step].log
		for _, chord := range [...][2]int{{j - step, j}, {j + step, j + 2*step}} {
			if at, ok := c.crossing(chord[0], chord[1], level); ok && (at-c[j].log)*(at-end) <= 0 {
				end = at
			}
		}
		return end
	}
	return math.Inf(step)
}

func (c likelihood) known(j int) bool { return j >= 0 && j < len(c) }

// crossing is where the line through two points is at a level.
func (c likelihood) crossing(j, k int, level float64) (log float64, ok bool) {
	if !c.known(j) || !c.known(k) {
		return 0, false
	}
	a, b := c[j], c[k]
	return b.log + (level-b.likelihood)*(b.log-a.log)/(b.likelihood-a.likelihood), true
}
