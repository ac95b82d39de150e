package evidence

import "math"

// Onset is [Rate] for an error rate that may go above its limit late: a clean phase
// of days does not eat up what the hour after it must earn. The capital is bet in
// parts, one part at each restart, counted from k = 1 at the start:
//
//	Eₜ = Σₖ πₖ Rₖ,ₜ + 1/(K+1)    πₖ = 1/(k(k+1))
//
// with Rₖ the Rate of what came since restart k, K restarts so far, and the rest
// of the capital kept. As a mixture of e-processes over the time at which the rate
// goes up it is an e-process itself, against "a request fails with a probability
// of at most limit, all the time". The K-th restart must earn about 2 ln K more than
// the first: 8 nats after 60 of them, which are some five errors at 15 times the limit.
//
// It assumes what Rate does. When to restart may depend on the time, and on what was
// observed before, not on what comes next.
//
// The zero Onset is not useful: use [NewOnset].
type Onset struct {
	rate     Rate    // of the parts that are bet
	restarts float64 // K
}

// NewOnset returns the process against a rate of at most limit, started once. The
// error is [ErrSetting] unless 0 < limit < 1.
func NewOnset(limit float64) (Onset, error) {
	rate, err := NewRate(limit)
	if err != nil {
		return Onset{}, err
	}
	for j := range rate.capital {
		rate.capital[j] = math.Inf(-1)
	}
	o := Onset{rate: rate}
	o.Restart()
	return o, nil
}

// Restart bets the next part of the capital, on a rate that goes up now.
func (o *Onset) Restart() {
	o.restarts++
	part := -math.Log(o.restarts * (o.restarts + 1))
	for j, capital := range o.rate.capital {
		o.rate.capital[j] = logAdd(capital, part)
	}
}

// Observe takes the next interval, as [Rate.Observe] does.
func (o *Onset) Observe(events, total uint64) { o.rate.Observe(events, total) }

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (o *Onset) Log() float64 {
	if o.restarts == 0 {
		return math.NaN() // the zero Onset
	}
	return logAdd(o.rate.Log(), -math.Log(o.restarts+1))
}
