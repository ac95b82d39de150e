package evidence

// slowBlock is how many intervals a slow φ sums up: two minutes of ten seconds each.
const slowBlock = 12

// slowness is φ over blocks of intervals in place of single ones.
type slowness struct {
	chi    float64
	blocks int
	d, v   float64 // of the present block
	left   int     // intervals that it lacks, 0 before its first
}

// add takes the next interval, with a v of 0 if it gave no evidence.
func (s *slowness) add(d, v float64) {
	if s.left == 0 {
		s.d, s.v, s.left = 0, 0, slowBlock
	}
	s.d += d
	s.v += v
	if s.left--; s.left == 0 && s.v > 0 {
		s.chi += s.d * s.d / s.v
		s.blocks++
	}
}

// SlowPhi returns φ over blocks of 12 intervals, with the sums of d and of v in each:
// NaN before the first. Noise that stays for some intervals adds up in a block, where
// chance does not. With a correlation of 0.9 from one interval to the next, noise that
// makes a φ of 1.2 makes a SlowPhi of about 2.6. It is less sure than [Dispersion.Phi],
// having fewer blocks: 1 ± √(2/n) over n blocks without noise.
//
// So, of windows of 180 intervals without noise, 15% are above 1.4. Of those with that
// noise 92% are, where φ is above 1.2 in 42%. To take random effects for either leaves
// 2.2% false alarms at α = 1%, for φ alone some 15%.
func (a *Dispersion) SlowPhi() float64 { return a.slow.chi / float64(a.slow.blocks) }
