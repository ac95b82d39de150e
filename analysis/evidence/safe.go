package evidence

import (
	"fmt"
	"math"
)

// safeSize is how many alternatives Safe bets on, beside what is harmful.
const safeSize = 3

// Safe is the evidence that a canary is not harmful: an e-process against "the
// odds of an event in the canary are at least psi times those in the baseline".
// When it reaches 1/β the release may be promoted, and a release that is worse
// by psi or more gets that far with a probability of at most β.
//
// The evidence of an interval is the likelihood ratio of Harm with the roles
// exchanged, and the alternatives are "as good as the baseline" and a little
// better:
//
//	Eₜ = Σⱼ wⱼ Πₛ Lₛ(ψⱼ)/Lₛ(psi)    ψ = 1, 0.9, 0.75    w = 0.6, 0.2, 0.2
//
// All of these must be below psi, so psi must exceed 1. There are no restarts:
// the capital that a clean phase earned is kept. A release that turns bad
// later is for Harm to catch. The assumptions are those of [Harm].
//
// The zero Safe is not useful: use [NewSafe].
type Safe struct {
	// The last entry is psi, the others are the alternatives.
	psi, logs, mgf [safeSize + 1]float64
	capital        [safeSize]float64 // ln of weight times likelihood ratio
	// plain is the log-likelihood of each psi, over all intervals.
	plain [safeSize + 1]float64
}

// NewSafe returns the process against an odds ratio of psi or more. The error is
// [ErrSetting] unless psi is more than 1, since what is as good as the baseline cannot
// be harmful, and at most 1000.
func NewSafe(psi float64) (Safe, error) {
	if !(psi > 1 && psi <= mostOddsRatio) {
		return Safe{}, wrongSetting("NewSafe", "psi", psi, fmt.Sprintf("an odds ratio of more than 1, and at most %v", mostOddsRatio))
	}
	s := Safe{psi: [...]float64{0.75, 0.9, 1, psi}, capital: [...]float64{math.Log(0.2), math.Log(0.2), math.Log(0.6)}}
	for j, psi := range s.psi {
		s.logs[j] = math.Log(psi)
	}
	return s, nil
}

// Observe takes the next interval, as one table or as one for each stratum. A table
// that gives no evidence (see [Harm.Observe]) changes nothing.
func (s *Safe) Observe(strata ...Counts) {
	for _, c := range strata {
		s.weigh(c)
	}
}

func (s *Safe) weigh(c Counts) {
	m, x, ok := c.split()
	if !ok {
		return
	}
	m.logMGFs(s.psi[:], s.logs[:], s.mgf[:])
	null := x*s.logs[safeSize] - s.mgf[safeSize]
	for j := range s.capital {
		s.capital[j] += x*s.logs[j] - s.mgf[j] - null
	}
	for j := range s.plain {
		s.plain[j] += x*s.logs[j] - s.mgf[j]
	}
}

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (s *Safe) Log() float64 { return logSum(s.capital[:]) }

// Growth returns by how much Log grows per canary request, on average, while
// the canary is as good as a baseline that shows events at the given rate, and
// gets the given share of all requests. It says how many more requests a
// verdict takes. It is 0 where the rate is 0: without events there is nothing
// to compare.
//
// It is the drift for rare events, (rate/share)·[ln(1−share+share·psi) −
// share·ln psi]: a little too low for high rates.
func (s *Safe) Growth(rate, share float64) float64 {
	psi, log := s.psi[safeSize], s.logs[safeSize]
	return rate / share * (math.Log1p(share*(psi-1)) - share*log)
}
