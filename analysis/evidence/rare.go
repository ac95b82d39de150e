package evidence

import "math"

// rareSize is how many alternatives Rare bets on.
const rareSize = 4

// Rare is the evidence that events are rarer than a limit, with no baseline to
// compare with: an e-process against "a request shows the event with a
// probability of at least limit". It is [Rate] with the roles exchanged:
//
//	Eₜ = Σⱼ wⱼ Π (pⱼ/limit)ˣ ((1−pⱼ)/(1−limit))ⁿ⁻ˣ
//	pⱼ = 0, 0.1, 0.25, 0.5 times the limit    wⱼ = 0.5, 0.2, 0.2, 0.1
//
// The bet on no events at all is what makes it quick for a service that has
// none, and is lost with the first event; the others live on. At a limit of
// 0.1%, an e-value of 20 takes 3,280 requests without an event (3.3/limit), one
// of 40 takes 4,015 (4.0/limit).
//
// It assumes that requests fail independently, and each with a probability that
// is never below the limit while the service is not fine. Errors in bursts break
// it: between two bursts even a bad service shows none. As with [Safe] there are
// no restarts.
//
// The zero Rare is not useful: use [NewRare].
type Rare struct {
	event, other [rareSize]float64 // what one event, and one other request, adds
	capital      [rareSize]float64 // ln of weight times likelihood ratio
}

// NewRare returns the process against a rate of at least limit. The error is
// [ErrSetting] unless 0 < limit < 1.
func NewRare(limit float64) (Rare, error) {
	if err := checkProbability("NewRare", "limit", limit); err != nil {
		return Rare{}, err
	}
	r := Rare{capital: [...]float64{math.Log(0.5), math.Log(0.2), math.Log(0.2), math.Log(0.1)}}
	for j, part := range [rareSize]float64{0, 0.1, 0.25, 0.5} {
		r.event[j] = math.Log(part) // -Inf for the bet on none
		r.other[j] = math.Log1p(-part*limit) - math.Log1p(-limit)
	}
	return r, nil
}

// Observe takes the next interval: events among total. Events beyond total
// count as total; a total beyond [MaxCount] gives no evidence.
func (r *Rare) Observe(events, total uint64) {
	if total > MaxCount {
		return
	}
	events = min(events, total)
	for j := range r.capital {
		r.capital[j] += r.growth(j, float64(events), float64(total-events))
	}
}

// growth is what events and other requests add to a bet. No events add nothing,
// also where one would add -Inf.
func (r *Rare) growth(j int, events, others float64) float64 {
	g := others * r.other[j]
	if events > 0 {
		g += events * r.event[j]
	}
	return g
}

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (r *Rare) Log() float64 { return logSum(r.capital[:]) }

// More returns how many more requests it takes until Log is at a level, if
// events come at the given rate from now on: +Inf if that is too often for it.
func (r *Rare) More(level, rate float64) float64 {
	var growth, then [rareSize]float64
	most := math.Inf(1) // until the first of the bets is there alone
	for j, capital := range r.capital {
		growth[j] = r.growth(j, rate, 1-rate)
		if growth[j] > 0 {
			most = min(most, (level-capital)/growth[j])
		}
	}
	switch {
	case r.Log() >= level:
		return 0
	case math.IsInf(most, 1):
		return most
	}
	least := 0.0
	for range 20 {
		mid := (least + most) / 2
		for j, capital := range r.capital {
			then[j] = capital + mid*growth[j]
		}
		if logSum(then[:]) < level {
			least = mid
		} else {
			most = mid
		}
	}
	return most
}
