package simulate

import "time"

// expire is the end of an effect's time. What does not heed that is left behind after
// the grace.
func (r *runner) expire(f *flight) {
	s := r.s
	if f.outcome.Late == 0 {
		f.outcome.Err = orDefault(f.outcome.Err, "not done in time")
		r.finish(f)
		return
	}
	s.at(s.grace, func() {
		if f.over {
			return
		}
		f.returns = s.now + f.outcome.Late
		s.at(f.outcome.Late, func() { r.returned(f) })
		r.deliver(func() {
			over := f.over
			r.drop(f)
			f.over, f.left = over, true
			if f.isStep() {
				if r.deaf == nil {
					r.deaf = make(map[int32][]*flight)
				}
				i := int32(f.effect.Index)
				r.deaf[i] = append(r.deaf[i], f)
			}
			r.report(f, "left behind: it did not return in time")
		})
	})
}

// returned is the end of what was left behind, or did not heed its end.
func (r *runner) returned(f *flight) {
	if f.over {
		return
	}
	r.s.land(f)
	f.over = true
}

// waitForDeaf settles a step whose target an earlier one may still change, which was
// left behind: only when that has returned can this one be the last word.
func (r *runner) waitForDeaf(f *flight) bool {
	s := r.s
	if len(r.deaf) == 0 || !f.isStep() {
		return false
	}
	last := time.Duration(0)
	for _, deaf := range r.deaf[int32(f.effect.Index)] {
		if !deaf.over && deaf.version != f.version {
			last = max(last, deaf.returns)
		}
	}
	switch {
	case last <= s.now:
		return false
	case last-s.now > s.undoIn:
		f.outcome = Outcome{Err: "undone, but what was left behind has not returned and may still take effect"}
	default:
		f.outcome = Outcome{}
	}
	s.at(min(last-s.now, s.undoIn), func() { r.finish(f) })
	return true
}
