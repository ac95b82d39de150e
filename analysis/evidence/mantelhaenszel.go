package evidence

import "math"

// MantelHaenszel estimates one odds ratio of canary to baseline over all
// intervals:
//
//	Σ x_c (n_b−x_b)/N  /  Σ x_b (n_c−x_c)/N
//
// Each interval is compared within itself. The ratio of the totals would
// mislead when error rate and traffic split change together: a canary that
// gets most of its traffic in a bad hour looks bad (Simpson's paradox).
//
// The zero value is ready to use.
type MantelHaenszel struct{ worse, better float64 }

// Observe takes the next interval, as one table or as one for each stratum. A table
// that gives no evidence (see [Harm.Observe]) changes nothing.
func (e *MantelHaenszel) Observe(strata ...Counts) {
	for _, c := range strata {
		m, x, ok := c.split()
		if !ok {
			continue
		}
		n, xb := m.canary+m.baseline, m.events-x
		e.worse += x / n * (m.baseline - xb)
		e.better += xb / n * (m.canary - x)
	}
}

// Ratio returns the estimate: NaN before the first events, +Inf while only the
// canary has any.
func (e *MantelHaenszel) Ratio() float64 {
	if e.worse == 0 && e.better == 0 {
		return math.NaN()
	}
	return e.worse / e.better
}
