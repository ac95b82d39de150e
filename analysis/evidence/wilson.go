package evidence

import "math"

// Wilson returns the score interval (Wilson 1927) for the rate of events among
// total, at a confidence such as 0.95. It holds for a look at one moment that
// was fixed beforehand, not for repeated ones: use it to show how sure a rate
// is, not to decide. Without requests it is 0 to 1. Events beyond total count
// as total.
func Wilson(events, total uint64, confidence float64) (low, high float64) {
	if total == 0 {
		return 0, 1
	}
	n := float64(total)
	p := float64(min(events, total)) / n
	z := math.Sqrt2 * math.Erfinv(confidence)
	z2 := z * z / n
	mid := (p + z2/2) / (1 + z2)
	half := z / (1 + z2) * math.Sqrt(p*(1-p)/n+z2/(4*n))
	return max(0, mid-half), min(1, mid+half)
}
