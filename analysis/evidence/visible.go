package evidence

import "math"

// slack is how many times the information bound it takes in practice to see a
// regression half of the time: the median of Harm over settings from 0.1% to 5% of
// errors, 5% to 50% of the traffic, and 1.2 to 50 times the odds.
const slack = 1.3

// Visible returns the smallest odds ratio of canary to baseline that so many
// requests could have shown, at an error of alpha and about every second time: what
// a gate that has not failed yet cannot rule out by that alone. It is false if there
// is none: an arm without requests, or a rate so low that any regression could have
// hidden.
//
// Rate is the baseline's, 0 to 1. With w the canary's share of the requests, p0 the
// rate, p1 that with ψ times its odds, and p* = w·p1 + (1−w)·p0, it is the ψ at which
// Wald's bound for two samples is reached (Turner, Ly & Grünwald 2024), times 1.3:
//
//	n·[kl(p1,p*) + ((1−w)/w)·kl(p0,p*)] = 1.3·ln(1/alpha)
//
// n being the canary's requests. It assumes what [Harm] does, and that the regression
// was there from the first request on.
func Visible(canary, baseline uint64, rate, alpha float64) (psi float64, ok bool) {
	if canary == 0 || baseline == 0 || !(rate > 0 && rate < 1) || !(alpha > 0 && alpha < 1) {
		return 0, false
	}
	n, w := float64(canary), float64(canary)/(float64(canary)+float64(baseline))
	gain := func(log float64) float64 {
		odds := math.Exp(log) * rate / (1 - rate)
		p1 := odds / (1 + odds)
		mix := w*p1 + (1-w)*rate
		return n * (kl(p1, mix) + (1-w)/w*kl(rate, mix))
	}
	const most = 1000.0
	low, high, need := 0.0, math.Log(most), -slack*math.Log(alpha)
	if gain(high) < need {
		return 0, false
	}
	for range 40 {
		if mid := (low + high) / 2; gain(mid) < need {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Exp(high), true
}

// kl is the divergence of a coin that shows heads with probability p from one that
// does with q, in nats.
func kl(p, q float64) float64 {
	d := 0.0
	if p > 0 {
		d += p * math.Log(p/q)
	}
	if p < 1 {
		d += (1 - p) * math.Log((1-p)/(1-q))
	}
	return max(0, d)
}
