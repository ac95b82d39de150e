package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// runner is one simulated process: the shell around the core, as rollout.Runner is,
// in virtual time. It takes events into its state, makes them durable, and acts on
// them only then.
type runner struct {
	s     *sim
	state *rollout.State
	epoch uint64

	inbox   []func()        // what it has not got to yet
	pending []rollout.Event // taken into the state, not yet durable
	ready   []*flight       // to be started once that is durable
	flights []*flight       // that are in flight, or ready
	slots   []*flight       // by step
	steps   int             // flights that are steps
	deaf    map[int32][]*flight
	wanted  []rollout.Effect // scratch
	round   uint64
	alarm   time.Duration // when it looks at its timers again

	looping bool
	stale   bool // what is wanted may have changed
	dirty   bool // pending must be durable before anything else is done
	writing bool // the journal takes its time
	paused  bool
	gone    bool // it is dead, or has stopped
	spoken  bool // something was recorded since the human could say something
	ended   bool // Ended is on record

	newest time.Time // event
	arms   []arm     // by step
	oven   oven
	watch  watch
}

func newRunner(s *sim) *runner {
	r := &runner{s: s, state: &rollout.State{}, epoch: s.epoch, slots: make([]*flight, len(s.steps)), alarm: -1}
	r.oven.r, r.watch.r = r, r
	r.oven.wave = -1
	return r
}

// begin starts a rollout, or goes on with what is on record.
func (r *runner) begin(verb *rollout.Event) {
	r.deliver(func() {
		switch {
		case r.state.Spec() == nil:
			if verb != nil {
				r.s.refused(verb, errors.New("it was never started"))
			}
			r.record(rollout.Event{Kind: rollout.Started, Spec: r.s.spec})
			return
		case verb != nil:
			r.said(*verb)
		}
		if !r.state.Phase().Final() {
			r.record(rollout.Event{Kind: rollout.Resumed})
		}
	})
}

// deliver has the runner do something as soon as it can.
func (r *runner) deliver(f func()) {
	if !r.gone {
		r.inbox = append(r.inbox, f)
		r.loop()
	}
}

// loop does what there is to do: nothing is started before what leads to it is
// durable.
func (r *runner) loop() {
	if r.looping {
		return
	}
	r.looping = true
	for !r.gone && !r.paused && !r.writing && r.s.err == nil {
		switch {
		case r.dirty:
			r.flush()
		case len(r.ready) > 0:
			r.launch()
		case r.stale:
			r.reconcile()
		case r.spoken && len(r.inbox) == 0:
			r.spoken = false
			r.s.hear()
		case len(r.inbox) > 0:
			f := r.inbox[0]
			r.inbox = append(r.inbox[:0], r.inbox[1:]...)
			f()
			r.stale = true
			r.dirty = len(r.pending) > 0 && !r.wentWell()
		default:
			r.looping = false
			return
		}
	}
	r.looping = false
}

// wentWell tells whether all that is not durable yet is that steps have ended well:
// that may wait for what begins next.
func (r *runner) wentWell() bool {
	for i := range r.pending {
		if kind := r.pending[i].Kind; kind != rollout.Done && kind != rollout.Undone {
			return false
		}
	}
	return true
}

// record takes an event into the state, to be made durable. It is false when the event
// no longer matters.
func (r *runner) record(ev rollout.Event) bool {
	if r.gone || r.s.err != nil {
		return false
	}
	err := r.take(ev)
	if err != nil && !errors.Is(err, rollout.ErrStale) {
		r.s.fail(fmt.Errorf("simulate: after %d events: %w", len(r.s.trace.Events), err))
	}
	return err == nil
}

// said takes in what a human said; what makes no sense is refused.
func (r *runner) said(ev rollout.Event) {
	if r.gone {
		return
	}
	if err := r.take(ev); err != nil {
		r.s.refused(&ev, err)
	}
}

func (r *runner) take(ev rollout.Event) error {
	ev.At, ev.Epoch = r.s.clock(), r.epoch
	if err := r.state.Step(ev); err != nil {
		return err
	}
	r.pending = append(r.pending, ev)
	r.follow(&ev, false)
	return nil
}

// follow keeps what goes along with the state in step with it.
func (r *runner) follow(ev *rollout.Event, replay bool) {
	if ev.At.After(r.newest) {
		r.newest = ev.At
	}
	r.followArms(ev)
	r.oven.follow(ev, replay)
}

// flush makes what was recorded durable, if all goes well.
func (r *runner) flush() {
	r.dirty = false
	s := r.s
	switch {
	case len(r.pending) == 0:
	case s.hit(CrashBeforeAppend):
		r.die("it dies before %d events are durable", len(r.pending))
	case s.hit(AppendSlow):
		r.writing = true
		s.at(s.upTo(30*time.Second), func() {
			r.writing = false
			if !r.gone {
				r.commit()
				r.loop()
			}
		})
	default:
		r.commit()
	}
}

func (r *runner) commit() {
	s, n := r.s, len(r.pending)
	switch {
	case r.epoch < s.epoch:
		r.die("it was fenced off")
		return
	case s.hit(AppendFails):
		r.die("it stops: the journal refuses")
		return
	case s.hit(AppendTears):
		n = s.rand.IntN(n + 1)
		s.durable(r.pending[:n])
		r.die("it stops: the journal failed, and %d of %d events are durable", n, len(r.pending))
		return
	}
	last := r.pending[n-1].Kind
	s.durable(r.pending)
	if s.again != nil && s.err == nil {
		s.fail(s.again.same(r.state))
	}
	r.pending = r.pending[:0]
	r.ended = last == rollout.Ended
	r.spoken = true
	if r.ended {
		r.close()
		return
	}
	if s.hit(CrashBeforeAct) || (s.world.Crash != nil && s.world.Crash(s.rand)) {
		r.die("it dies before it acts on that")
		return
	}
	s.mischief(r)
}

// close ends a runner whose rollout has ended.
func (r *runner) close() {
	s := r.s
	s.replays(r.state)
	r.gone = true
	if s.runner == r {
		s.shut()
	}
}

// die ends a runner in the middle of things. Another one takes over after a while.
func (r *runner) die(format string, args ...any) {
	if r.gone {
		return
	}
	s := r.s
	s.aside("runner of epoch %d: %s", r.epoch, fmt.Sprintf(format, args...))
	r.gone = true
	if s.runner != r {
		return // it has a successor
	}
	if len(r.pending) == 0 {
		s.replays(r.state)
	}
	r.orphan()
	s.runner = nil
	s.at(s.upTo(time.Minute), func() {
		if s.runner == nil {
			s.open(nil)
		}
	})
}

// pause has the runner stand still. If that is for longer than its lease, another
// takes over meanwhile.
func (r *runner) pause(d time.Duration) {
	s := r.s
	if r.gone || r.paused {
		return
	}
	s.aside("runner of epoch %d stands still for %v", r.epoch, d)
	r.paused = true
	if d > lease {
		s.at(lease, func() { s.takeOver(r) })
	}
	s.at(d, func() {
		r.paused = false
		r.stale = true
		r.loop()
	})
}
