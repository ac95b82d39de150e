package evidence

import "math"

const (
	// gaugeSize is how many shifts Gauge bets on, gaugeLeast and gaugeMost the
	// smallest and the largest, in standard deviations.
	gaugeSize             = 10
	gaugeLeast, gaugeMost = 0.15, 4
	// priorWeight is how many observations the A/A window's variance counts for.
	priorWeight = 20
	// carefully is added to a measured autocorrelation, and mostCorrelation the
	// largest that is believed.
	carefully, mostCorrelation = 0.05, 0.97
)

// Noise is what a series is like while nothing is wrong: a first-order
// autoregression around a mean.
type Noise struct {
	Mean float64 // in the units of the series
	// Correlation is that of one point with the next.
	Correlation float64
	// Deviation is the standard deviation of what the point before does not
	// explain, in the units of the series.
	Deviation float64
}

// LearnNoise measures the noise in a series from an A/A window: points of the same
// construction as the ones to judge, in the same rhythm, while both arms run the
// same version. 60 points will do, 180 are better. With m the mean of n points:
//
//	ρ̂ = Σ(zₜ−m)(zₜ₊₁−m)/Σ(zₜ−m)²    Correlation = ρ̂ + 0.05, within [0, 0.97]
//	rₜ = (zₜ−m) − Correlation·(zₜ₋₁−m)    Deviation² = Σr²/(n−2)
//
// The 0.05 is for the bias of ρ̂, which is too low in short windows. It is false for
// fewer than 10 points, points that are not finite, and a series that does not
// move: then there is nothing to learn. It does not change the window.
func LearnNoise(window []float64) (n Noise, ok bool) {
	if len(window) < 10 {
		return Noise{}, false
	}
	n.Mean = average(window)
	variance, lag := 0.0, 0.0
	for i, z := range window {
		d := z - n.Mean
		variance += d * d
		if i > 0 {
			lag += d * (window[i-1] - n.Mean)
		}
	}
	n.Correlation = min(max(lag/variance+carefully, 0), mostCorrelation)
	rest := 0.0
	for i, z := range window[1:] {
		r := (z - n.Mean) - n.Correlation*(window[i]-n.Mean)
		rest += r * r
	}
	n.Deviation = math.Sqrt(rest / float64(len(window)-2))
	if !(n.Deviation > 0) || !finite(n.Mean, n.Deviation, n.Correlation) {
		return Noise{}, false
	}
	return n, true
}

// Gauge is the evidence that a gauge (a queue's length, a temperature, a mean
// latency) is higher than it should be: an e-process against "what is observed has a
// mean of at most a tolerance". What to observe is the difference of canary and
// baseline at the same time, or the logarithm of their ratio: what moves both then
// cancels. A lone gauge needs the mean of its past subtracted, and should not roll
// back on its own. For "lower", negate it.
//
// It is a sequential t-test on what each point adds to the one before. With a
// correlation ρ and a standard deviation s that an A/A window showed, and z the
// points less the tolerance:
//
//	u₁ = z₁√(1−ρ²)    uₜ = zₜ − ρzₜ₋₁
//	S = Σu    Q = 20s² + Σu²    m = n + 20
//	Eₙ = ⅒ Σ exp(−nδ²/2) Hₘ(δS/√Q)    over ten δ from 0.15 to 4, log-spaced
//	Hₘ(x) = ∫ vᵐ⁻¹ exp(−v²/2 + xv) dv / ∫ vᵐ⁻¹ exp(−v²/2) dv    from 0 to ∞
//
// δ is the shift of u in standard deviations. The window's variance counts for 20
// observations, so that Q is not at the mercy of the first few points; without that
// it would be the right-Haar t-test (Robbins 1970; Lai 1976), which skewed noise
// breaks. A shift of two standard deviations takes 5 points without correlation, 12
// at 0.5, and some 100 at 0.9.
//
// It assumes normal noise, for which it is exact given the prior, and a correlation
// that has been learnt well. For α = 1%, a window of 180 points and 180 looks, 0 to
// 1.3% false alarms were simulated, over tails as heavy as t₃, skew, and correlations
// up to 0.9; a correlation that is not known makes it 17% or more. Series
// that change their level for reasons of their own break it; a tolerance of half or
// one standard deviation absorbs a little of that.
//
// The zero Gauge is not useful: use [NewGauge]. It holds no pointers; neither Observe
// nor Log allocates, but Log takes a numerical integral: some 20 µs.
type Gauge struct {
	tolerance, correlation float64
	last                   float64 // point, less the tolerance
	power                  float64 // of the correlation: of last with the next point
	n                      int
	sum, squares           float64 // S and Q
	// What a tolerance higher by one takes from each u, summed up: by itself, times u,
	// and squared.
	unit, cross, units float64
	deltas             [gaugeSize]float64
}

// NewGauge returns the process against a mean of at most tolerance, in the units of
// the series. The mean of the noise is not used. The error is [ErrSetting] unless the
// noise has a positive, finite deviation and a correlation from 0 to below 1, and the
// tolerance is finite.
func NewGauge(noise Noise, tolerance float64) (Gauge, error) {
	switch {
	case !(noise.Deviation > 0) || math.IsInf(noise.Deviation, 1):
		return Gauge{}, wrongSetting("NewGauge", "noise.Deviation", noise.Deviation, "a positive, finite number")
	case !(noise.Correlation >= 0 && noise.Correlation < 1):
		return Gauge{}, wrongSetting("NewGauge", "noise.Correlation", noise.Correlation, "a number from 0 to below 1")
	case !finite(tolerance):
		return Gauge{}, wrongSetting("NewGauge", "tolerance", tolerance, "a finite number")
	}
	g := Gauge{tolerance: tolerance, correlation: noise.Correlation, squares: priorWeight * noise.Deviation * noise.Deviation}
	for j := range g.deltas {
		g.deltas[j] = gaugeLeast * math.Pow(gaugeMost/gaugeLeast, float64(j)/(gaugeSize-1))
	}
	return g, nil
}

// Observe takes the next point. One that is not finite is missing and gives no
// evidence: the one after a gap of k−1 points has u = (z−ρᵏz₋ₖ)·√((1−ρ²)/(1−ρ²ᵏ)).
func (g *Gauge) Observe(point float64) {
	if !finite(point) {
		g.power *= g.correlation
		return
	}
	z := point - g.tolerance
	// At first the power is 0, which is u₁. After that it is ρ, and the root is 1.
	scale := math.Sqrt((1 - g.correlation*g.correlation) / (1 - g.power*g.power))
	u, unit := (z-g.power*g.last)*scale, (1-g.power)*scale
	g.last, g.power = z, g.correlation
	g.n++
	g.sum += u
	g.squares += u * u
	g.unit += unit
	g.cross += u * unit
	g.units += unit * unit
}

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (g *Gauge) Log() float64 {
	var terms [gaugeSize]float64
	n, t := float64(g.n), g.sum/math.Sqrt(g.squares)
	if g.n == 0 {
		return 0
	}
	for j, delta := range g.deltas {
		terms[j] = logChi(n+priorWeight, delta*t) - n*delta*delta/2
	}
	return logSum(terms[:]) - math.Log(gaugeSize)
}

// logChi is ln Hₘ(x), by the trapezoidal rule around the largest integrand, where it
// converges faster than any power of the step. It needs m well above 1, for the
// integrand to vanish at 0 together with its derivatives.
func logChi(m, x float64) float64 {
	const steps, perDeviation = 48, 4 // 12 standard deviations on each side
	k := m - 1
	top := (x + math.Sqrt(x*x+4*k)) / 2
	if x < 0 { // the same, without cancellation
		top = 2 * k / (math.Sqrt(x*x+4*k) - x)
	}
	step := 1 / math.Sqrt(1+k/(top*top)) / perDeviation
	sum := 0.0
	for i := -steps; i <= steps; i++ {
		d := float64(i) * step
		if top+d <= 0 {
			continue
		}
		// ln f(top+d) − ln f(top), where k/top = top − x.
		sum += math.Exp(k*math.Log1p(d/top) - d*(d/2+top-x))
	}
	half, _ := math.Lgamma(m / 2)
	return math.Log(sum*step) + k*math.Log(top) - top*top/2 + x*top - (m/2-1)*math.Ln2 - half
}
