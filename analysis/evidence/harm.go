package evidence

import (
	"fmt"
	"math"
)

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
// clusters) breaks it; psi0 > 1 absorbs a little of that.
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
// process stays valid beyond its horizon.
//
// It panics if psi0 is not a positive, finite number: that is a programming
// error.
func NewHarm(psi0 float64, horizon int) Harm {
	mustOddsRatio("NewHarm", psi0)
	h := Harm{kept: 1, horizon: horizon}
	h.psi[0] = psi0
	for j := range gridSize {
		h.psi[1+j] = psi0 * alternative(j)
		h.capital[j] = math.Inf(-1)
	}
	for j, psi := range h.psi {
		h.logs[j] = math.Log(psi)
	}
	return h
}

// alternative is the j-th odds ratio of the mixture, from 0.
func alternative(j int) float64 {
	least, most := math.Log(math.Log(gridLeast)), math.Log(math.Log(gridMost))
	return math.Exp(math.Exp(least + (most-least)*float64(j)/(gridSize-1)))
}

// Observe takes the next interval. An interval without requests in an arm,
// without events, with nothing but events, or with more than [MaxCount]
// requests counts as time that went by, and gives no evidence.
func (h *Harm) Observe(c Counts) {
	h.intervals++
	switch {
	case h.intervals == 1 && h.horizon < 2:
		h.due = 1
	case h.intervals == 1:
		h.due = atOnce
	case h.intervals <= h.horizon:
		h.due += (1 - atOnce) / float64(h.horizon-1)
	}
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

// AtLeast returns an odds ratio that the true one exceeds, with a confidence of
// 1-alpha at any time: the largest of psi0 and the alternatives that the
// alternatives above it have refuted. It is false if not even psi0 is. It is a
// bound on a coarse grid, and on an odds ratio that stays the same.
func (h *Harm) AtLeast(alpha float64) (psi float64, ok bool) {
	var above [gridSize]float64
	for i := gridSize - 1; i >= 0; i-- {
		for j := i + 1; j <= gridSize; j++ {
			above[j-1] = h.plain[j] - h.plain[i]
		}
		if logSum(above[i:])-math.Log(float64(gridSize-i)) >= -math.Log(alpha) {
			return h.psi[i], true
		}
	}
	return 0, false
}

func mustOddsRatio(who string, psi float64) {
	if !(psi > 0) || math.IsInf(psi, 1) {
		panic(fmt.Sprintf("evidence: %s: %v is not an odds ratio", who, psi))
	}
}
