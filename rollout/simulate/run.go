package simulate

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// Start is when every simulated rollout begins.
var start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// ErrStuck says that a rollout came to a standstill that no hold explains.
var ErrStuck = errors.New("simulate: the rollout is stuck")

// Trace is what happened in one simulated rollout.
type Trace struct {
	// Events is the journal.
	Events []rollout.Event
	// State is the fold of it.
	State *rollout.State
	// World is what every target really runs: true for the new version.
	World map[string]bool
	// Took is how long the rollout took, in virtual time.
	Took time.Duration
	// Held says that it ended held, waiting for a human who said no more.
	Held bool
}

// Run simulates one rollout from the beginning to its end, or until it is held
// and nobody says anything more, or for most events. check is called after
// every event and may be nil; its error ends the simulation. So does a bug of
// the core: an event that it should have taken and did not.
func Run(spec *rollout.Spec, model Model, seed uint64, most int, check func(*Trace, rollout.Event) error) (*Trace, error) {
	d := &driver{
		model: &model, rand: rand.New(rand.NewPCG(seed, 0)), check: check, most: most, now: start,
		trace: &Trace{State: &rollout.State{}, World: make(map[string]bool)},
	}
	if spec == nil {
		return d.trace, errors.New("simulate: the spec is nil")
	}
	for _, w := range spec.Waves {
		for _, s := range w.Steps {
			d.trace.World[s.ID] = false
		}
	}
	err := d.run(spec)
	d.trace.Took = d.now.Sub(start)
	return d.trace, err
}

// driver is the shell around the core, as rollout.Runner is, with a heap of
// what will happen in place of goroutines and a clock.
type driver struct {
	model *Model
	rand  *rand.Rand
	check func(*Trace, rollout.Event) error
	most  int
	trace *Trace

	now     time.Time
	agenda  agenda
	count   uint64
	epoch   uint64
	running map[string]*running // by effect key
	err     error
}

// running is an effect in flight.
type running struct {
	effect    rollout.Effect
	outcome   Outcome
	cancelled bool
}

func (d *driver) run(spec *rollout.Spec) error {
	d.epoch, d.running = 1, make(map[string]*running)
	d.record(rollout.Event{Kind: rollout.Started, Spec: spec})
	idle := 0 // turns without an event
	for d.err == nil && len(d.trace.Events) < d.most {
		before := len(d.trace.Events)
		d.reconcile()
		s := d.trace.State
		if s.Phase().Final() && len(d.running) == 0 {
			if s.Phase() == rollout.Halted && d.hear() {
				continue
			}
			d.record(rollout.Event{Kind: rollout.Ended, Outcome: s.Phase(), Reason: s.Reason()})
			return d.err
		}
		if d.agenda.Len() == 0 {
			if d.hear() {
				continue
			}
			return d.still()
		}
		next := heap.Pop(&d.agenda).(appointment)
		d.now = next.at
		next.act()
		if idle++; len(d.trace.Events) > before {
			idle = 0
		} else if idle > patience {
			return d.still()
		}
	}
	return d.err
}

// patience is for how many turns a rollout may do nothing but poll before it
// counts as being at a standstill.
const patience = 10_000

// still says how a rollout came to a standstill: held, or stuck.
func (d *driver) still() error {
	for range d.trace.State.Holds() {
		d.trace.Held = true
		return d.err
	}
	return fmt.Errorf("%w in phase %v", ErrStuck, d.trace.State.Phase())
}

// record takes an event into the state and the journal, and lets the world
// answer: a human may speak, the runner may crash.
func (d *driver) record(ev rollout.Event) bool {
	if d.err != nil {
		return false
	}
	ev.At, ev.Epoch = d.now, d.epoch
	if err := d.trace.State.Step(ev); err != nil {
		if !errors.Is(err, rollout.ErrStale) {
			d.err = fmt.Errorf("simulate: after %d events: %w", len(d.trace.Events), err)
		}
		return false
	}
	d.trace.Events = append(d.trace.Events, ev)
	if d.check != nil {
		if err := d.check(d.trace, ev); err != nil {
			d.err = fmt.Errorf("simulate: event %d, %v %s: %w", len(d.trace.Events), ev.Kind, ev.Step, err)
		}
	}
	return true
}

// hear lets the human speak once.
func (d *driver) hear() bool {
	if d.model.Human == nil || d.err != nil {
		return false
	}
	ev := d.model.Human(d.rand)
	return ev.Kind != rollout.Unknown && d.record(ev)
}

// crash kills the runner. What it had in flight may or may not take effect; the
// next runner knows only the journal.
func (d *driver) crash() {
	for _, key := range sortedKeys(d.running) {
		if d.rand.IntN(2) == 0 {
			d.takeEffect(d.running[key].effect)
		}
	}
	clear(d.running)
	d.agenda = nil
	again := &rollout.State{}
	for _, ev := range d.trace.Events {
		if err := again.Step(ev); err != nil {
			d.err = fmt.Errorf("simulate: replaying the journal: %w", err)
			return
		}
	}
	d.trace.State = again
	d.epoch++
	d.record(rollout.Event{Kind: rollout.Resumed})
}

func (d *driver) takeEffect(e rollout.Effect) {
	switch e.Kind {
	case rollout.DoStep:
		d.trace.World[e.Step] = true
	case rollout.UndoStep:
		d.trace.World[e.Step] = false
	}
}

// reconcile starts what is wanted and does not run, and cancels what runs and
// is not wanted.
func (d *driver) reconcile() {
	var wanted []rollout.Effect
	keys := make(map[string]bool)
	for e := range d.trace.State.Wants() {
		wanted = append(wanted, e)
		keys[keyOf(e)] = true
	}
	for _, key := range sortedKeys(d.running) {
		if r := d.running[key]; !keys[key] && !r.cancelled {
			d.cancel(key, r)
		}
	}
	for _, e := range wanted {
		if d.err != nil || d.running[keyOf(e)] != nil {
			continue
		}
		d.start(e)
	}
}

// keyOf tells effects apart: a later wave's analysis is another.
func keyOf(e rollout.Effect) string {
	if e.Kind == rollout.Analyze {
		return fmt.Sprintf("%s/%d", e.Key(), e.Wave)
	}
	return e.Key()
}

// cancel ends an effect that is not wanted any more. A step that is cancelled
// ends a little later, and may have taken effect.
func (d *driver) cancel(key string, r *running) {
	if r.effect.Kind != rollout.DoStep && r.effect.Kind != rollout.UndoStep {
		delete(d.running, key)
		return
	}
	r.cancelled = true
	r.outcome = Outcome{Err: "cancelled", Effect: d.rand.IntN(2) == 0}
	if d.rand.IntN(4) == 0 {
		r.outcome = Outcome{} // it made it after all
	}
	d.at(time.Duration(d.rand.Int64N(int64(5*time.Second))), func() { d.finish(key, r) })
}

func (d *driver) start(e rollout.Effect) {
	key := keyOf(e)
	r := &running{effect: e}
	switch e.Kind {
	case rollout.DoStep, rollout.UndoStep:
		kind, outcome := rollout.Doing, d.model.do
		if e.Kind == rollout.UndoStep {
			kind, outcome = rollout.Undoing, d.model.undo
		}
		if !e.Begun && !d.record(rollout.Event{Kind: kind, Step: e.Step}) {
			return
		}
		r.outcome = outcome(d.rand, e.Step)
		d.at(r.outcome.Takes, func() {
			if !r.cancelled {
				d.finish(key, r)
			}
		})
	case rollout.Analyze:
		d.at(time.Second, func() { d.look(key, r) })
	case rollout.Watch:
		d.at(time.Second, func() { d.poll(key, r) })
	case rollout.Timer:
		d.at(e.Due.Sub(d.now), func() {
			if d.running[key] == r {
				delete(d.running, key)
				d.record(rollout.Event{Kind: rollout.Elapsed, Step: e.Step})
				d.after()
			}
		})
	}
	d.running[key] = r
}

// finish reports how a step came out.
func (d *driver) finish(key string, r *running) {
	if d.running[key] != r {
		return
	}
	delete(d.running, key)
	if r.outcome.Err == "" || r.outcome.Effect {
		d.takeEffect(r.effect)
	}
	ok, failed := rollout.Done, rollout.DoFailed
	if r.effect.Kind == rollout.UndoStep {
		ok, failed = rollout.Undone, rollout.UndoFailed
	}
	kind := ok
	if r.outcome.Err != "" {
		kind = failed
	}
	d.record(rollout.Event{Kind: kind, Step: r.effect.Step, Reason: r.outcome.Err, Attempts: 1})
	d.after()
}

// look is the gate's analysis, once a second until the wave is deployed, then
// when the model says.
func (d *driver) look(key string, r *running) {
	if d.running[key] != r {
		return
	}
	wave := r.effect.Wave
	judge := func(o analysis.Outcome) {
		d.record(rollout.Event{Kind: rollout.Judged, Wave: wave, Decision: &analysis.Decision{Outcome: o, Reason: "the model says so"}})
		d.after()
	}
	if d.trace.State.Phase() == rollout.Deploying {
		if d.model.Looks != nil && d.model.Looks(d.rand, wave) {
			judge(analysis.Fail)
		}
		d.at(time.Second, func() { d.look(key, r) })
		return
	}
	ruling := d.model.gate(d.rand, wave)
	if ruling.Outcome == analysis.Undecided {
		return
	}
	d.at(ruling.After, func() {
		if d.running[key] == r {
			judge(ruling.Outcome)
		}
	})
}

// poll asks the guards once a second.
func (d *driver) poll(key string, r *running) {
	if d.running[key] != r {
		return
	}
	if d.model.Guard != nil {
		if b := d.model.Guard(d.rand); b != nil {
			d.record(rollout.Event{Kind: rollout.Breached, Breach: b})
			d.after()
		} else {
			for h := range d.trace.State.Holds() {
				if name, ok := guardOf(h); ok {
					d.record(rollout.Event{Kind: rollout.Cleared, Step: name})
					d.after()
					break
				}
			}
		}
	}
	d.at(time.Second, func() { d.poll(key, r) })
}

// after lets a human speak and the runner crash, as the model will.
func (d *driver) after() {
	if d.err != nil {
		return
	}
	d.hear()
	if d.model.Crash != nil && !d.trace.State.Phase().Final() && d.model.Crash(d.rand) {
		d.crash()
	}
}
