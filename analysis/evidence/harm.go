package evidence

import "math"

const (
	// gridSize is how many alternatives a mixture bets on.
	gridSize = 12
	// gridLeast and gridMost are the least and the largest alternative, as
	// multiples of what is tolerated.
	gridLeast, gridMost = 1.15, 50
	// atOnce is how much of Harm's capital bets on a regression that is there
	// from the first interval on. The rest is kept for later ones.
	atOnce = 0.8
)

// Harm is the evidence that a canary is worse than its baseline: an e-process
// against "the odds of an event in the canary are at most psi0 times those in
// the baseline".
//
// In an interval with n_c and n_b requests and E events altogether, x of them
// in the canary, x has a noncentral hypergeometric distribution whose only
// parameter is the odds ratio ψ. The likelihood of ψ is ψˣ/M(ψ), with M the
// normalising constant. For one alternative ψⱼ the evidence of an interval is
// the likelihood ratio
//
//	Lⱼ = (ψⱼ/psi0)ˣ · M(psi0)/M(ψⱼ)
//
// whose expectation is 1 at ψ = psi0, and less below (monotone likelihood
// ratio). Which alternative is true is not known, so the capital is spread
// evenly over ψⱼ = psi0·exp(θⱼ), j = 1…12, with θⱼ spaced evenly on a
// logarithmic scale from ln 1.15 to ln 50. When the regression begins is not
// known either: a share of 0.8 is bet from the first interval on, the rest in
// equal parts at each later interval up to a horizon T, so that a long clean
// phase does not eat up what a late regression must earn:
//
//	Aⱼ,ₜ = Lⱼ,ₜ · (Aⱼ,ₜ₋₁ + πₜ)        Eₜ = Σⱼ Aⱼ,ₜ/12 + 1 − Σₛ≤ₜ πₛ
//
// This is a sequential, stratified form of the Cochran-Mantel-Haenszel test.
// The error rate may be anything and may change from interval to interval, as
// may the traffic split: what moves both arms cancels exactly. It assumes that
// within an interval requests fail independently with one probability per arm.
// Noise of its own in one arm (a hot node, cold caches, errors that come in
// clusters) breaks it; psi0 > 1 absorbs a little of that. Restarts, which bet on
// every interval, believe it sooner: at noise of 20% of the error rate, new in every
// interval and φ = 3 (see [Dispersion]), there are 63% false alarms at α = 1%, and 16%
// with a horizon of 1. At φ = 1.2 either has about 1%.
//
// The zero Harm is not useful: use [NewHarm].
type Harm struct {
	// The first entry is psi0, the others are the alternatives.
	psi, logs, mgf [1 + gridSize]float64
	// plain is the log-likelihood of each psi, over all intervals.
	plain [1 + gridSize]float64
	// capital is ln Aⱼ, the share that is in play.
	capital [gridSize]float64
	// kept has not been bet yet, due should have been: intervals without
	// evidence leave it as it is, and so it is bet with the next that has some.
	kept, due float64

	intervals, horizon int
}

// NewHarm returns the process against an odds ratio of at most psi0, for a
// regression that may begin in any of the first horizon intervals. A horizon
// below 2 bets everything on a regression that is there from the start. The
// process stays valid beyond its horizon. The error is [ErrSetting] unless psi0 is
// from 0.001 to 1000.
func NewHarm(psi0 float64, horizon int) (Harm, error) {
	if err := checkOddsRatio("NewHarm", "psi0", psi0); err != nil {
		return Harm{}, err
	}
	return begin(psi0, gridLeast, gridMost, horizon), nil
}

// begin is NewHarm with alternatives from least to most times psi0.
func begin(psi0, least, most float64, horizon int) Harm {
	h := Harm{kept: 1, horizon: horizon}
	h.psi[0] = psi0
	for j := range gridSize {
		h.psi[1+j] = psi0 * between(least, most, j)
		h.capital[j] = math.Inf(-1)
	}
	for j, psi := range h.psi {
		h.logs[j] = math.Log(psi)
	}
	return h
}

// alternative is the j-th odds ratio of the mixture, from 0.
func alternative(j int) float64 { return between(gridLeast, gridMost, j) }

// between is the j-th odds ratio of a mixture from least to most.
func between(least, most float64, j int) float64 {
	low, high := math.Log(math.Log(least)), math.Log(math.Log(most))
	return math.Exp(math.Exp(low + (high-low)*float64(j)/(gridSize-1)))
}

// Observe takes the next interval: one table, or one for each stratum, such as each
// route or zone, if requests are counted for each. Strata are compared within
// themselves, and their likelihood ratios multiplied. So it does not matter that
// routes with more errors get more of their traffic from the canary, which would
// deceive a table of their totals (Simpson's paradox).
//
// A table without requests in an arm, without events, with nothing but events, or
// with more than [MaxCount] requests gives no evidence. An interval of nothing else,
// or without tables, counts as time that went by.
func (h *Harm) Observe(strata ...Counts) {
	h.intervals++
	switch {
	case h.intervals == 1 && h.horizon < 2:
		h.due = 1
	case h.intervals == 1:
		h.due = atOnce
	case h.intervals <= h.horizon:
		h.due += (1 - atOnce) / float64(h.horizon-1)
	}
	for _, c := range strata {
		h.weigh(c)
	}
}

// weigh adds one table to the evidence, and bets what is due with the first one that
// has some.
func (h *Harm) weigh(c Counts) {
	m, x, ok := c.split()
	if !ok {
		return
	}
	m.logMGFs(h.psi[:], h.logs[:], h.mgf[:])
	for j := range h.plain {
		h.plain[j] += x*h.logs[j] - h.mgf[j]
	}
	due := math.Log(h.due) // -Inf for nothing
	null := x*h.logs[0] - h.mgf[0]
	for j := range h.capital {
		h.capital[j] = logAdd(h.capital[j], due) + x*h.logs[1+j] - h.mgf[1+j] - null
	}
	h.kept = max(0, h.kept-h.due)
	h.due = 0
}

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (h *Harm) Log() float64 {
	return logAdd(logSum(h.capital[:])-math.Log(gridSize), math.Log(h.kept))
}
