package simulate

import "time"

// orphan settles what a runner has in flight that is dead, or has lost its lease: it
// takes effect now, or never; or, if it is a zombie, at any time.
func (r *runner) orphan() {
	s := r.s
	settle := func(f *flight) {
		if f.over || f.orphan || !f.launched {
			return
		}
		f.zombie = s.fencing && s.hit(Zombie)
		if !f.zombie && s.rand.IntN(2) == 0 {
			s.land(f)
		}
		f.orphan = true
		if r.gone {
			f.over = true
		}
		if f.zombie && (r.gone || f.left) {
			s.at(s.upTo(20*time.Minute), func() { s.land(f) })
		}
	}
	for _, f := range r.flights {
		settle(f)
	}
	for i := range r.slots { // in order, for the dice
		for _, f := range r.deaf[int32(i)] {
			settle(f)
			f.over = true
		}
	}
}
