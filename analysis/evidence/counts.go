package evidence

// MaxCount is the largest total of one interval that is believed: 2³² requests.
// An interval beyond it gives no evidence. Such a figure comes from a broken
// source, for example from a negative difference of counters.
const MaxCount = 1 << 32

// Counts is what one interval showed in both arms: events (errors) among a
// total (requests). Both arms must be counted over the same interval. Events
// beyond their total count as the total.
type Counts struct {
	CanaryEvents, CanaryTotal     uint64
	BaselineEvents, BaselineTotal uint64
}

// margins are the totals of an interval's 2×2 table. Given these, all that is
// left to chance is how the events fall on the two arms.
type margins struct {
	canary, baseline float64 // requests of each arm
	events           float64 // in both arms together
	least, most      float64 // canary events that are possible
}

// split returns the margins and the canary's events. It is false when the table
// can say nothing about the odds ratio: an arm without requests, no events at
// all, or nothing but events.
func (c Counts) split() (m margins, x float64, ok bool) {
	if c.CanaryTotal == 0 || c.BaselineTotal == 0 || c.CanaryTotal > MaxCount || c.BaselineTotal > MaxCount {
		return m, 0, false
	}
	xc, xb := min(c.CanaryEvents, c.CanaryTotal), min(c.BaselineEvents, c.BaselineTotal)
	if xc+xb == 0 || xc+xb == c.CanaryTotal+c.BaselineTotal {
		return m, 0, false
	}
	m = margins{canary: float64(c.CanaryTotal), baseline: float64(c.BaselineTotal), events: float64(xc + xb)}
	m.least, m.most = max(0, m.events-m.baseline), min(m.events, m.canary)
	return m, float64(xc), true
}

// ratio is h(k+1)/h(k), where h(k) is the hypergeometric probability of k
// canary events given the margins.
func (m *margins) ratio(k float64) float64 {
	return (m.canary - k) * (m.events - k) / ((k + 1) * (m.baseline - m.events + k + 1))
}
