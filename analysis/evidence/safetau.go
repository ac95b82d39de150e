package evidence

import "math"

const (
	// inflation is the least factor from Tau to SafeTau.
	inflation = 1.25
	// surely is the normal quantile of 80%, the confidence of SafeTau.
	surely = 0.8416
	// blockTimes is how many correlation times a block has, and mostBlock how many
	// intervals at most.
	blockTimes, mostBlock = 1.5, 30
	// unseen is the correlation of noise that was too small to be seen.
	unseen = 0.9
)

// SafeTau returns the noise to give to [RandomEffects]: a value that the true τ exceeds
// with a probability of about 20%, and at least 1.25 times what [Dispersion.Tau] is.
// It is NaN without evidence.
//
// The variance of d/v is s² = τ² + 1/v, the part r = τ²/s² of which is noise. With a
// correlation ρ it is known as well as by n′ independent intervals,
//
//	n′ = n / (1 + 2r²ρ²/(1−ρ²))
//
// that is n(1−ρ²)/(1+ρ²) where chance adds little: 19 of 180 for a ρ of 0.9. So
//
//	s²·n′/χ² − 1/v
//
// with χ² the 20% quantile for n′ degrees of freedom (Wilson & Hilferty 1931) is the
// upper end for τ², where r is that of the result, and ρ itself is taken one standard
// error above [Dispersion.Correlation].
//
// With that and [Dispersion.Block], from a window of 180 intervals, RandomEffects left
// at most 1.0% false alarms at α = 1% over 180 intervals, for noise of 20% and 50% in
// each arm, correlations of 0 and 0.9, and 100 requests a second split evenly, or
// 1,000 split evenly or 5 to 95 (with 1.25τ and blocks of 12: up to 3.4%). Where the
// error rate of both arms drifts by 80% besides, correlated noise leaves 1.6%.
func (a *Dispersion) SafeTau() float64 {
	tau := a.Tau()
	least, chance, rho := inflation*inflation*tau*tau, a.sum/a.squares, a.mostCorrelation()
	square := least
	for range 5 { // to where r is that of the result
		r := square / (square + chance)
		n := float64(a.intervals) / (1 + 2*r*r*rho*rho/(1-rho*rho))
		cube := 2 / (9 * n)
		root := max(0.3, 1-cube-surely*math.Sqrt(cube)) // few intervals are no less than that
		square = max(least, (tau*tau+chance)/(root*root*root)-chance)
	}
	return math.Sqrt(square)
}

// Block returns in how many intervals to a block [RandomEffects] should take noise to
// stay the same: 1.5 correlation times, from 1 to 30 intervals. In one correlation
// time, −1/ln ρ intervals, correlation falls to 1/e. Here, too, ρ is taken one standard
// error above what was measured, and as 0.9 if there was no noise to measure it by.
func (a *Dispersion) Block() int {
	return int(min(mostBlock, max(1, math.Ceil(-blockTimes/math.Log(a.mostCorrelation())))))
}

// mostCorrelation is the correlation plus its standard error: of a series of noise
// alone, and of what chance adds to each interval.
func (a *Dispersion) mostCorrelation() float64 {
	noise := a.excess / a.squares // τ²
	if !(noise > 0) {
		return unseen
	}
	r, n := noise/(noise+a.sum/a.squares), float64(a.intervals)
	rho := a.Correlation()
	return min(mostCorrelation, rho+(math.Sqrt(1-rho*rho)+(1-r)/r)/math.Sqrt(n))
}
