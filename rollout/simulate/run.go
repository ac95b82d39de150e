package simulate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// Run simulates one rollout of a spec, whose gates decide as the model says, from the
// beginning to its end, or until it is held and nobody says anything more, or for most
// events. check is called after every event that is durable and may be nil; its error
// ends the simulation. So does a violation of the Invariants, and a bug of the core:
// an event that it should have taken and did not.
func Run(spec *rollout.Spec, model Model, seed uint64, most int, check func(*Trace, rollout.Event) error) (*Trace, error) {
	if spec == nil {
		return &Trace{State: &rollout.State{}}, errors.New("simulate: the spec is nil")
	}
	return stageOf(spec, nil).Play(World{Model: model, Most: most, Check: check}, seed)
}

// Play simulates one rollout of the plan in a world. Before it begins, every guard has
// to pass its self-test, and none may say no to a Start: otherwise nothing happens, and
// the error is guardrails.ErrSelfTest or guardrails.ErrBreach.
func (st *Stage) Play(world World, seed uint64) (*Trace, error) {
	s := &sim{
		Stage: st, world: &world, rand: rand.New(rand.NewPCG(seed, 0)),
		fencing: world.Fencing || world.Faults[Zombie] > 0,
		timeout: orDefault(world.StepTimeout, orDefault(st.stepTimeout, rollout.DefaultStepTimeout)),
		undoIn:  orDefault(world.UndoTimeout, orDefault(st.undoTimeout, DefaultUndoTimeout)),
		grace:   orDefault(world.Grace, rollout.DefaultGrace),
		trace:   &Trace{State: &rollout.State{}, index: st.index, targets: make([]target, len(st.steps))},
	}
	for i := range s.trace.targets {
		s.trace.targets[i].runs = st.spec.From
	}
	s.targets = s.trace.targets
	if err := st.mayStart(); err != nil {
		return s.trace, err
	}
	s.books.needs = st.needs // which nobody changes
	s.run()
	return s.trace, s.err
}

// sim is one simulation: time, the journal, the targets and the runners.
type sim struct {
	*Stage
	world *World
	rand  *rand.Rand
	trace *Trace
	books Invariants
	again *replayer

	now     time.Duration // since the start
	skew    time.Duration // of all clocks
	agenda  agenda
	count   uint64
	epoch   uint64  // of the newest Open
	runner  *runner // that has the lease; nil for none
	targets []target
	fencing bool
	sick    bool // the release is
	flaps   time.Duration
	over    bool // Ended is durable, nobody says any more, and nothing is still to happen

	quiet    stillness
	coming   int           // happenings
	closed   bool          // Ended is durable, and nobody has said more
	closedAt time.Duration // when that was

	timeout, undoIn, grace time.Duration
	err                    error
}

func orDefault[T comparable](value, def T) T {
	var zero T
	if value == zero {
		return def
	}
	return value
}

// at makes an appointment for a time from now.
func (s *sim) at(wait time.Duration, act func()) {
	s.count++
	s.agenda.push(appointment{s.now + max(0, wait), s.count, act, false})
}

// pollAt makes an appointment of which something may come, or nothing.
func (s *sim) pollAt(wait time.Duration, act func()) {
	s.count++
	s.agenda.push(appointment{s.now + max(0, wait), s.count, act, true})
}

// clock is what the clocks say.
func (s *sim) clock() time.Time { return start.Add(s.now + s.skew) }

// upTo is a random duration.
func (s *sim) upTo(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(s.rand.Int64N(int64(most)))
}

// lease is for how long a runner that does not stir keeps its lease.
const lease = 15 * time.Second

func (s *sim) run() {
	defer func() {
		if s.trace.Took = s.now; s.closed {
			s.trace.Took = s.closedAt // what came to nothing later took no time of it
		}
	}()
	if s.world.Replay {
		s.again = &replayer{}
	}
	s.sick = s.hit(ReleaseSick)
	most := orDefault(s.world.Most, DefaultMost)
	for i := range s.world.Happenings {
		h := &s.world.Happenings[i]
		s.at(h.At, func() { s.happen(h) })
	}
	s.coming = len(s.world.Happenings)
	s.open(nil)
	for s.err == nil && !s.over && len(s.trace.Events) < most {
		if len(s.agenda) == 0 {
			if s.hear() {
				continue
			}
			s.still()
			return
		}
		before := len(s.trace.Events)
		if s.next(); s.standstill(before) {
			s.still()
			return
		}
	}
	if !s.over && s.err == nil {
		s.cut()
	}
	// What is still on its way may not undo what is over.
	for took := s.now; s.over && s.err == nil && len(s.agenda) > 0; s.now = took {
		s.next()
	}
}

func (s *sim) next() {
	next := s.agenda.pop()
	s.now = max(s.now, next.at)
	next.act()
}

// cut ends a rollout that has more events than it may.
func (s *sim) cut() {
	if s.runner != nil {
		for range s.runner.state.Holds() {
			s.trace.Held = true
		}
	}
}

// still says how a rollout came to a standstill: held, or stuck.
func (s *sim) still() {
	if s.runner != nil {
		for range s.runner.state.Holds() {
			s.trace.Held = true
			return
		}
	}
	s.fail(fmt.Errorf("%w in phase %v", ErrStuck, s.trace.State.Phase()))
}

// fail ends the simulation.
func (s *sim) fail(err error) {
	if s.err == nil && err != nil {
		s.err = err
		s.aside("VIOLATION: %v", err)
	}
}

// aside notes what is no event.
func (s *sim) aside(format string, args ...any) {
	if len(s.trace.asides) < 10_000 {
		s.trace.asides = append(s.trace.asides, aside{len(s.trace.Events), s.now, fmt.Sprintf(format, args...)})
	}
}

// hear lets the human speak once.
func (s *sim) hear() bool {
	ev := s.verb()
	r := s.runner
	if ev.Kind == rollout.Unknown || r == nil {
		return false
	}
	before := len(s.trace.Events)
	r.deliver(func() { r.said(ev) })
	return len(s.trace.Events) > before || len(s.agenda) > 0
}

// verb is what the human says now.
func (s *sim) verb() rollout.Event {
	switch {
	case s.err != nil:
	case s.world.Human != nil:
		return s.world.Human(s.rand)
	case s.hit(HumanSpeaks):
		ev := rollout.Event{Kind: spoken[s.rand.IntN(len(spoken))], Actor: "ann", Reason: "the dice say so"}
		if ev.Kind == rollout.Override {
			ev.Step, ev.Until = dice[s.rand.IntN(len(dice))], s.clock().Add(s.upTo(time.Hour)+time.Second)
		}
		return ev
	}
	return rollout.Event{}
}

// spoken are the verbs that a human says, those that let it go on more often.
var spoken = [...]rollout.Kind{
	rollout.Pause, rollout.Resume, rollout.Resume, rollout.Approve, rollout.Approve, rollout.Override,
	rollout.Reset, rollout.Reset, rollout.RollBack, rollout.Kill, rollout.Abort,
}

// dice are the guards that say no by chance.
var dice = [...]string{"dice", "second dice"}

// happen carries out what was set for now.
func (s *sim) happen(h *Happening) {
	s.coming--
	if s.over || s.err != nil {
		return
	}
	defer func() { s.over = s.over || (s.closed && s.coming == 0) }()
	if h.Target != "" {
		if i, ok := s.index[h.Target]; !ok {
			s.fail(fmt.Errorf("simulate: something happens to %q, which there is not", h.Target))
		} else if h.Version != "" {
			s.drift(i, h.Version)
		} else {
			s.targets[i].away = s.now + h.Away
		}
	}
	if h.Skew != 0 {
		s.setClocks(h.Skew)
	}
	ev := h.Verb
	ev.Actor, ev.Reason = orDefault(ev.Actor, "someone"), orDefault(ev.Reason, "it was time")
	speaks, r := ev.Kind != rollout.Unknown, s.runner
	switch {
	case s.closed && speaks:
		s.reopen(ev)
	case r == nil && speaks:
		s.open(&ev) // nobody runs it now: who speaks goes on with it
	case r == nil:
	case h.Crash:
		r.die("it was to crash now")
	case speaks:
		r.deliver(func() { r.said(ev) })
	case h.Breach != nil:
		b := *h.Breach
		r.deliver(func() { r.record(rollout.Event{Kind: rollout.Breached, Breach: &b}) })
	case h.Clear != "":
		r.deliver(func() { r.record(rollout.Event{Kind: rollout.Cleared, Step: h.Clear}) })
	}
}

// setClocks sets all clocks by so much.
func (s *sim) setClocks(by time.Duration) {
	s.skew += by
	s.quiet = stillness{} // what is due is due at another time now
	s.aside("all clocks are set by %v", by)
	if r := s.runner; r != nil {
		r.stale = true
		r.loop()
	}
}

// mischief is what happens to runners, clocks and targets by chance, each time that
// events have become durable.
func (s *sim) mischief(r *runner) {
	switch {
	case s.hit(RunnerPaused):
		r.pause(s.upTo(2 * time.Minute))
	case s.hit(LeaseLost):
		s.takeOver(r)
	}
	if s.hit(ClockForward) {
		by := s.upTo(2 * time.Hour)
		s.at(0, func() { s.setClocks(by) })
	}
	if s.hit(ClockBack) {
		by := -s.upTo(15 * time.Minute)
		s.at(0, func() { s.setClocks(by) })
	}
	n := len(s.targets)
	if s.hit(Drift) {
		version := [...]string{s.spec.From, s.spec.To, "v0-by-hand"}[s.rand.IntN(3)]
		s.drift(int32(s.rand.IntN(n)), version)
	}
	if s.hit(TargetLeaves) {
		i := s.rand.IntN(n)
		s.targets[i].away = s.now + s.upTo(10*time.Minute)
		s.aside("%s cannot be reached", s.steps[i].ID)
		if s.hit(TargetJoins) {
			s.at(s.targets[i].away-s.now, func() { s.drift(int32(i), s.spec.From) })
		}
	}
}
