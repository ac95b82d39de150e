package evidence

import "math"

// Dispersion measures, in an A/A window, how much more the two arms differ than
// chance alone explains. An A/A window is a time before the rollout in which both
// arms run the same version, with the split of the rollout: for example some pods
// of the stable fleet that stand in for the canary.
//
// In an interval with N requests, E events and a share w of the requests in the
// canary, the canary's events have the mean Ew and the variance v. With d what is
// seen beyond the mean, over all intervals with evidence:
//
//	v = E·w(1−w)·(N−E)/(N−1)    φ = mean(d²/v)    τ² = max(0, Σ(d²−v)/Σv²)
//
// φ has no units, and is 1 where requests fail independently: 1 ± √(2/n) over n
// intervals with many events. τ is the standard deviation of noise in ln ψ, the
// logarithm of the odds ratio: such noise moves d by v·ln ψ, so d² has the
// expectation v + τ²v² (the moment estimate of a random effect, as DerSimonian &
// Laird's). A τ of 0.2 is noise of about 20% of the error rate.
//
// What follows from it (simulated at α = 1%, 30 minutes in intervals of 10 s):
//
//   - φ up to 1.05: [Spending] and [Harm] keep their α.
//   - φ up to 1.2: Harm does (0.8 to 1.1% false alarms, 2% if both arms drift
//     besides), Spending does not.
//   - above, or where [Dispersion.SlowPhi] is above 1.4: [RandomEffects] with
//     [Dispersion.SafeTau], in blocks of [Dispersion.Block] intervals.
//
// φ alone is for noise that is new in each interval. If it stays for a while it can be
// small in each and large in their sum.
//
// It assumes that the window is like the rollout: as busy, with the same split, and
// long enough (60 intervals, better 180). It cannot see what differs between the
// arms for good, such as a slower zone: that is for the tolerance psi0.
//
// The zero value is ready to use. It holds no pointers, and Observe does not
// allocate.
type Dispersion struct {
	intervals                 int
	chi, excess, squares, sum float64 // sum is Σv
	// Products of an interval with the one before.
	lag, lagSquares float64
	d, v            float64 // of the interval before, 0 if it gave no evidence
	slow            slowness
}

// Observe takes the next interval of the window, as one table or as one for each
// stratum, of which d and v are the sums. An interval that gives no evidence (see
// [Harm.Observe]) changes nothing but that its neighbours are not adjacent.
func (a *Dispersion) Observe(strata ...Counts) {
	d, v := 0.0, 0.0
	for _, c := range strata {
		if m, x, ok := c.split(); ok {
			n := m.canary + m.baseline
			w := m.canary / n
			d += x - m.events*w
			v += m.events * w * (1 - w) * (n - m.events) / (n - 1)
		}
	}
	a.slow.add(d, v)
	if v == 0 {
		a.d, a.v = 0, 0
		return
	}
	a.intervals++
	a.chi += d * d / v
	a.excess += d*d - v
	a.squares += v * v
	a.sum += v
	a.lag += d * a.d
	a.lagSquares += v * a.v
	a.d, a.v = d, v
}

// Intervals returns how many intervals gave evidence.
func (a *Dispersion) Intervals() int { return a.intervals }

// Phi returns φ: NaN without evidence.
func (a *Dispersion) Phi() float64 { return a.chi / float64(a.intervals) }

// Tau returns τ: NaN without evidence. It is not inflated yet.
func (a *Dispersion) Tau() float64 { return math.Sqrt(max(0, a.excess/a.squares)) }

// Correlation returns how much the noise in an interval is correlated with that in
// the next, between 0 and 1: Σdₜdₜ₊₁/(τ²Σvₜvₜ₊₁). It is that of the noise alone,
// without what chance adds to each interval. Without any noise it is 0.
func (a *Dispersion) Correlation() float64 {
	if !(a.excess > 0 && a.lagSquares > 0) {
		return 0
	}
	return min(1, max(0, a.lag/a.lagSquares/(a.excess/a.squares)))
}
