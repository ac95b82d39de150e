package simulate

import (
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// abandon reports steps that a crash cut short and that are not to go on any more:
// nobody else will.
func (r *runner) abandon() {
	phase := r.state.Phase()
	if (phase != rollout.RollingBack && phase != rollout.Aborting) || r.state.InFlight() <= r.steps {
		return
	}
	wanted := make(map[string]bool)
	for _, e := range r.wanted {
		wanted[e.Step] = wanted[e.Step] || ((e.Kind == rollout.DoStep || e.Kind == rollout.UndoStep) && e.Begun)
	}
	var lost []rollout.Event
	i := 0
	for id, status := range r.state.Steps() {
		if r.slots[i] == nil && (phase == rollout.Aborting || !wanted[id]) {
			switch status {
			case rollout.StepDoing:
				lost = append(lost, rollout.Event{Kind: rollout.DoFailed, Step: id, Reason: "cut short by a crash, and not begun again"})
			case rollout.StepUndoing:
				lost = append(lost, rollout.Event{Kind: rollout.UndoFailed, Step: id, Reason: "cut short by a crash, and not begun again"})
			}
		}
		i++
	}
	for _, ev := range lost {
		r.record(ev)
	}
}

// reconcile starts what is wanted and does not run, and cancels what runs and is not
// wanted.
func (r *runner) reconcile() {
	s := r.s
	r.stale = false
	r.wanted = r.wanted[:0]
	for e := range r.state.Wants() {
		r.wanted = append(r.wanted, e)
	}
	before := len(r.pending)
	if r.abandon(); len(r.pending) > before {
		r.stale, r.dirty = true, true
		return
	}
	r.round++
	analyze, watched := false, false
	due := time.Duration(-1)
	fresh := r.wanted[:0]
	for _, e := range r.wanted {
		switch e.Kind {
		case rollout.Analyze:
			analyze = true
		case rollout.Watch:
			watched = true
		case rollout.Timer:
			at := since(e.Due) - s.skew
			if at <= s.now {
				if r.record(rollout.Event{Kind: rollout.Elapsed, Step: e.Step}) {
					r.stale, r.dirty = true, true
					return
				}
				at = s.now + time.Second
			}
			if due < 0 || at < due {
				due = at
			}
		default:
			if f := r.flightOf(&e); f != nil {
				f.round = r.round
			} else {
				fresh = append(fresh, e)
			}
		}
	}
	for i := len(r.flights) - 1; i >= 0; i-- { // backwards: it may leave the list
		if f := r.flights[i]; f.round != r.round && !f.cancelled {
			r.cancel(f)
		}
	}
	r.start(fresh)
	r.dirty = r.dirty || len(r.pending) > 0
	r.setAlarm(due)
	r.oven.keep(analyze)
	r.watch.keep(watched)
	if r.state.Phase().Final() && len(r.flights) == 0 && !r.ended {
		r.record(rollout.Event{Kind: rollout.Ended, Outcome: r.state.Phase(), Reason: r.state.Reason()})
		r.dirty = true
	}
	if r.ended && r.state.Phase().Final() && len(r.flights) == 0 {
		r.close()
	}
}

// forever is when what is due has no date: a gate that looks once in a lifetime.
const forever = 10 * 365 * 24 * time.Hour

// setAlarm has the runner look at its timers again at a time.
func (r *runner) setAlarm(due time.Duration) {
	s := r.s
	if due < 0 || due > forever || (r.alarm >= s.now && r.alarm <= due) {
		return
	}
	r.alarm = due
	s.pollAt(due-s.now, func() { // what is due by then is asked elsewhere: latest
		if r.alarm == due {
			r.alarm = -1
		}
		r.stale = true
		r.loop()
	})
}
