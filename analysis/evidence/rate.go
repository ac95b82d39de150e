package evidence

import "math"

// Rate is the evidence that an error rate is above a limit, such as that of a
// service level objective, with no baseline to compare with: an e-process
// against "a request fails with a probability of at most limit".
//
// With x events among n requests in an interval it is the mixture
//
//	Eₜ = Σⱼ (1/12) Π (pⱼ/limit)ˣ ((1−pⱼ)/(1−limit))ⁿ⁻ˣ
//
// over rates pⱼ whose odds are those of the limit times the alternatives of
// [Harm]. It assumes that requests fail independently, and each with a
// probability that never exceeds the limit while the service is fine. Errors
// in bursts break it: with a rate that varies around the limit by half of
// itself from interval to interval, false alarms rise from 1% to 9%. It
// does not cancel what the canary has in common with the rest of the fleet.
//
// The zero Rate is not useful: use [NewRate].
type Rate struct {
	event, other [gridSize]float64 // what one event, and one other request, adds
	capital      [gridSize]float64
}

// NewRate returns the process against a rate of at most limit. The error is
// [ErrSetting] unless 0 < limit < 1.
func NewRate(limit float64) (Rate, error) {
	if err := checkProbability("NewRate", "limit", limit); err != nil {
		return Rate{}, err
	}
	var r Rate
	for j := range gridSize {
		psi := alternative(j)
		whole := 1 + limit*(psi-1)
		r.event[j] = math.Log(psi / whole)
		r.other[j] = -math.Log(whole)
	}
	return r, nil
}

// Observe takes the next interval: events among total. Events beyond total
// count as total; a total beyond [MaxCount] gives no evidence.
func (r *Rate) Observe(events, total uint64) {
	if total > MaxCount {
		return
	}
	events = min(events, total)
	x, rest := float64(events), float64(total-events)
	for j := range r.capital {
		r.capital[j] += x*r.event[j] + rest*r.other[j]
	}
}

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (r *Rate) Log() float64 { return logSum(r.capital[:]) - math.Log(gridSize) }
