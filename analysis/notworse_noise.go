package analysis

import "github.com/tidegate-go/tidegate/analysis/evidence"

// noise weighs tables of arms that have noise of their own.
type noise struct {
	harm evidence.RandomEffects
	// safe is the same with the arms exchanged: that the canary is not Detect times
	// worse than the baseline means that the baseline is more than 1/Detect times as
	// bad as the canary.
	safe      evidence.RandomEffects
	exchanged []evidence.Counts // scratch
}

func newNoise(of *NotWorse, s Spread) (*noise, error) {
	tau := min(s.Tau, mostTau)
	harm, err := evidence.NewRandomEffects(of.Tolerate, tau, s.Block, of.Horizon)
	if err != nil {
		return nil, err
	}
	safe, err := evidence.NewRandomEffects(1/of.Detect, tau, s.Block, 1)
	if err != nil {
		return nil, err
	}
	return &noise{harm: harm, safe: safe}, nil
}

func (n *noise) weigh(strata []evidence.Counts) (logHarm, logSafe float64) {
	n.exchanged = n.exchanged[:0]
	for _, c := range strata {
		n.exchanged = append(n.exchanged, evidence.Counts{
			CanaryEvents: c.BaselineEvents, CanaryTotal: c.BaselineTotal,
			BaselineEvents: c.CanaryEvents, BaselineTotal: c.CanaryTotal,
		})
	}
	n.harm.Observe(strata...)
	n.safe.Observe(n.exchanged...)
	return n.harm.Log(), n.safe.Log()
}
