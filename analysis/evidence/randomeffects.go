package evidence

import (
	"fmt"
	"math"
)

const (
	// Noise is a sum over steps of τ/4, up to 3.5τ on both sides.
	noisePerTau   = 4
	noiseSide     = 14
	noiseSize     = 2*noiseSide + 1
	latticeSize   = (1 + gridSize) * noiseSize // of a τ so small that nothing overlaps
	leastTau      = 1e-6
	mostTau       = 2.0 // beyond, odds are so large that the modes of M lose their digits
	noNoiseSquare = 2 * noisePerTau * noisePerTau
)

// RandomEffects is [Harm] for arms with noise of their own: an e-process against
// "the canary's odds of an event are at most psi0 times those in the baseline, but
// for noise". The noise is in the logarithm of the odds ratio, normal with a mean of
// 0 and a standard deviation τ, and new in every block of b intervals. Hot nodes,
// garbage collection, and errors that come in clusters are like that, and no test
// that takes each request for itself survives them.
//
// With ψ = e^θ, M as for Harm, and a normal distribution gₖ ∝ exp(−zₖ²/2) on the
// points zₖ = −3.5, −3.25, … 3.5, the evidence of a block is the likelihood ratio
//
//	       Σₖ gₖ Πₜ exp(xₜ(θⱼ+τzₖ)) / Mₜ(exp(θⱼ+τzₖ))
//	Lⱼ  =  ────────────────────────────────────────────    θ₀ = ln psi0
//	       Σₖ gₖ Πₜ exp(xₜ(θ₀+τzₖ)) / Mₜ(exp(θ₀+τzₖ))
//
// which may be looked at inside a block as well. The alternatives are those of
// Harm, rounded to the lattice of steps of τ/4 (but above θ₀), so that all share
// their M. As there, a share of 0.8 is bet at once and the rest on a regression
// that begins later, at the start of a block.
//
// τ and the block come from an A/A window: [Dispersion.SafeTau] and [Dispersion.Block],
// which are longer and larger the more the noise is correlated from interval to
// interval, and the shorter the window. 60 intervals will do, 180 are better. Noise of
// 20% in both arms with a correlation of 0.9, learnt from 180 intervals, then leaves
// 0.3 to 1.0% false alarms at α = 1% (Harm: 28 to 94%), and noise of 50% 0.4 to 0.7%. The
// price is time. To see tripled odds under noise that is new in every interval takes
// 2 to 10 intervals at 20%, and some 10 at 50%. At a correlation of 0.9 it takes 30 at
// 20%, and at 50% it takes more than half an hour about every second time.
//
// It assumes that the noise of one block is independent of the next, and has the τ
// of the window; and that it is normal, though clusters of errors and gamma noise do
// little harm. What differs for good between the arms is not noise but psi0.
//
// The zero RandomEffects is not useful: use [NewRandomEffects].
type RandomEffects struct {
	// The lattice, in increasing order, and the log-likelihood of each of its points
	// over the present block.
	psi, logs, plain [latticeSize]float64
	points           int
	// first is where the noise around psi0, and around each alternative, begins.
	first [1 + gridSize]int
	noise [noiseSize]float64 // ln gₖ

	capital   [gridSize]float64 // ln Aⱼ, up to the present block
	kept, due float64           // as in Harm
	started   bool              // the present block has evidence

	intervals, block, horizon int
}

// NewRandomEffects returns the process against an odds ratio of at most psi0 under
// noise of tau (a standard deviation, in units of ln ψ) that stays for block
// intervals, for a regression that may begin in any of the first horizon intervals.
// A block below 1 counts as 1, a tau below 1e-6 as that. A horizon below 2 bets
// everything on a regression that is there from the start.
//
// The error is [ErrSetting] unless psi0 is from 0.001 to 1000 and 0 ≤ tau ≤ 2. Arms
// that differ by more than that cannot be compared.
func NewRandomEffects(psi0, tau float64, block, horizon int) (RandomEffects, error) {
	if err := checkOddsRatio("NewRandomEffects", "psi0", psi0); err != nil {
		return RandomEffects{}, err
	}
	if !(tau >= 0 && tau <= mostTau) {
		return RandomEffects{}, wrongSetting("NewRandomEffects", "tau", tau, fmt.Sprintf("noise from 0 to %v", mostTau))
	}
	r := RandomEffects{kept: 1, block: max(1, block), horizon: horizon}
	step, null := max(tau, leastTau)/noisePerTau, math.Log(psi0)
	last := math.Inf(-1)
	for j := range r.first {
		center := 0.0 // in steps from psi0
		if j > 0 {
			center = max(1, math.Round(math.Log(alternative(j-1))/step))
			r.capital[j-1] = math.Inf(-1)
		}
		r.first[j] = r.points // unless some of its points are there already
		for k := -noiseSide; k <= noiseSide; k++ {
			at := center + float64(k)
			if at <= last {
				r.first[j]--
				continue
			}
			last = at
			r.logs[r.points] = null + at*step
			r.psi[r.points] = math.Exp(r.logs[r.points])
			r.points++
		}
	}
	for k := range r.noise {
		z := float64(k - noiseSide)
		r.noise[k] = -z * z / noNoiseSquare // the constant cancels
	}
	return r, nil
}

// Observe takes the next interval, as one table or as one for each stratum; all
// strata have the same noise. One that gives no evidence (see [Harm.Observe]) counts
// as time that went by, in its block too.
func (r *RandomEffects) Observe(strata ...Counts) {
	if r.intervals > 0 && r.intervals%max(1, r.block) == 0 && r.started {
		for j := range r.capital {
			r.capital[j] += r.ratio(j)
		}
		clear(r.plain[:r.points])
		r.started = false
	}
	r.intervals++
	switch {
	case r.intervals == 1 && r.horizon < 2:
		r.due = 1
	case r.intervals == 1:
		r.due = atOnce
	case r.intervals <= r.horizon:
		r.due += (1 - atOnce) / float64(r.horizon-1)
	}
	for _, c := range strata {
		r.weigh(c)
	}
}

// weigh adds one table to the present block, and bets what is due before the first.
func (r *RandomEffects) weigh(c Counts) {
	m, x, ok := c.split()
	if !ok || r.points == 0 {
		return
	}
	if !r.started {
		r.started = true
		due := math.Log(r.due) // -Inf for nothing
		for j := range r.capital {
			r.capital[j] = logAdd(r.capital[j], due)
		}
		r.kept = max(0, r.kept-r.due)
		r.due = 0
	}
	var mgf [latticeSize]float64
	m.logMGFs(r.psi[:r.points], r.logs[:r.points], mgf[:r.points])
	for i, log := range r.logs[:r.points] {
		r.plain[i] += x*log - mgf[i]
	}
}

// marginal is the log-likelihood of the present block with the noise around psi0
// (0), or around an alternative (from 1).
func (r *RandomEffects) marginal(j int) float64 {
	var terms [noiseSize]float64
	for k, at := 0, r.first[j]; k < noiseSize; k++ {
		terms[k] = r.noise[k] + r.plain[at+k]
	}
	return logSum(terms[:])
}

// ratio is ln Lⱼ of the present block for the j-th alternative, from 0.
func (r *RandomEffects) ratio(j int) float64 { return r.marginal(1+j) - r.marginal(0) }

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (r *RandomEffects) Log() float64 {
	capital := r.capital
	if r.started {
		null := r.marginal(0)
		for j := range capital {
			capital[j] += r.marginal(1+j) - null
		}
	}
	return logAdd(logSum(capital[:])-math.Log(gridSize), math.Log(r.kept))
}
