package evidence

import "math"

// DifferenceSign returns the p-value of the difference-sign test (Moore & Wallis 1943),
// which asks whether a series steps up more often than down: with k steps up among m
// steps that are not level,
//
//	p = P(K ≥ k)    K binomial with m tries at ½
//
// Less asks for steps down, and TwoSided takes the more frequent ones, and twice their p,
// at most 1. It has no units.
//
// It assumes that a step up is as likely as a step down whatever the steps before, as
// in a random walk: the series that [MannKendall], even with [Persistence], cannot tell
// from a trend. Where a step up makes a step down likelier, as in all series that return
// to their mean, p is too large. It finds what creeps up steadily, and misses trends
// that noise hides.
//
// It is 1 without steps. With a NaN among the values it is NaN.
func DifferenceSign(values []float64, alternative Alternative) float64 {
	up, down := 0, 0
	for i, v := range values {
		switch {
		case math.IsNaN(v):
			return math.NaN()
		case i == 0:
		case v > values[i-1]:
			up++
		case v < values[i-1]:
			down++
		}
	}
	switch alternative {
	case TwoSided:
		return min(1, 2*coins(max(up, down), up+down))
	case Greater:
		return coins(up, up+down)
	case Less:
		return coins(down, up+down)
	}
	return math.NaN()
}

// coins is the probability of at least k heads in m tosses.
func coins(k, m int) float64 {
	logFactorial := func(n int) float64 {
		v, _ := math.Lgamma(float64(n + 1))
		return v
	}
	p := 0.0
	for ; k <= m; k++ {
		p += math.Exp(logFactorial(m) - logFactorial(k) - logFactorial(m-k) - float64(m)*math.Ln2)
	}
	return min(1, p)
}
