package rollout

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
)

// State is a rollout as the fold of its events. The zero State has seen none;
// its first event is Started.
//
// It is pure: no clock, no I/O, no goroutine, no randomness. The same events
// give the same state, whether they happen now, are read from a journal, or
// are made up by a test. A State is not safe for concurrent use.
type State struct {
	spec    *Spec
	steps   []step
	index   map[string]int32
	likely  int32 // where the next event's step is likely to be found: spares a look into index
	bounds  []int // wave w (from 0) holds steps[bounds[w]:bounds[w+1]]
	running []int32

	phase      Phase
	haltedFrom Phase
	wave       int // from 0
	passed     int // waves whose gate has passed
	next       int // no step of the wave before this one is pending
	done       int // of the current wave
	failed     int // of the current wave
	failures   int // of the whole rollout, forward
	down       int // in flight, failed or in doubt
	last       int // the highest step that was ever started; -1 for none

	doubt    []int32 // the failed steps, in the order of their waves
	undoWave int     // from 0
	undoNext int     // no step of undoWave after this one is done or doing
	undoing  int     // undos in flight
	astray   int     // undone, and not where they should be
	batch    int     // undos started in this batch
	back     back

	rehearsal    rehearsal
	irreversible string // the first step that was started and cannot be undone

	holds     []Hold
	overrides []override
	failure   string // why the change is not to go on; latched
	condemned bool   // the failure speaks against the new version
	aborted   string // who aborted, and why
	killed    bool   // a human has halted it
	epoch     uint64

	at         time.Time // of the newest event
	startedAt  time.Time
	exposedAt  time.Time // the first step began
	enteredAt  time.Time // the current wave
	deployedAt time.Time // the current wave's last step
	failedAt   time.Time
	backAt     time.Time // the rollback began
	undoAt     time.Time // the way back to the version that is tried now began
	endedAt    time.Time
	reason     string // of the final phase
	peak       guardrails.Tally

	tallies []guardrails.Tally // [0] is the whole fleet
	byLabel map[[2]string]int32
}

type step struct {
	status  StepStatus
	pos     int32 // in State.running while in flight, in State.doubt while failed
	wave    int32
	link    int32 // what it is undone to: the version of that number in the chain
	before  int32 // what it ran before that: 1 + such a number, 0 for the new version
	dos     int32 // how often it was begun
	undos   int32 // how often it was begun to be undone
	weight  int64
	tallies []int32
	since   time.Time // of the status
}

// StepStatus is where one step stands.
type StepStatus uint8

const (
	// StepPending was never started: its target is untouched.
	StepPending StepStatus = iota
	// StepDoing is in flight, or was when its runner died.
	StepDoing
	// StepDone is on the new version, verified.
	StepDone
	// StepFailed failed or is in doubt: its target may be on either version.
	StepFailed
	// StepUndoing is being taken back.
	StepUndoing
	// StepUndone is back on the old version, verified.
	StepUndone
	// StepStuck could not be taken back.
	StepStuck
	// StepAstray was taken back, and does not run what it should, or does not say.
	StepAstray
)

var statusWords = [...]string{"pending", "doing", "done", "failed", "undoing", "undone", "stuck", "astray"}

// String returns the status's word, such as "done".
func (s StepStatus) String() string {
	if int(s) < len(statusWords) {
		return statusWords[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// exposed tells whether the target may run the new version.
func (s StepStatus) exposed() bool { return s != StepPending && s != StepUndone }

// isDown tells whether the target may be unable to serve.
func (s StepStatus) isDown() bool {
	return s == StepDoing || s == StepFailed || s == StepUndoing || s == StepStuck
}

func (s StepStatus) inFlight() bool { return s == StepDoing || s == StepUndoing }

// Hold is one reason why nothing more is started for now.
type Hold struct {
	// Key is "pause", "reset", "failure", "approval", "gate" or "guard:NAME".
	Key    string
	Reason string
	Since  time.Time
	// Cap marks a limit that no override lifts.
	Cap bool
}

type override struct {
	guard string
	until time.Time
}

// load sets up the state for a spec. When it fails the state is not usable.
func (s *State) load(spec *Spec) error {
	if err := spec.check(); err != nil {
		return err
	}
	s.spec = spec
	s.last = -1
	n := 0
	for _, w := range spec.Waves {
		n += len(w.Steps)
	}
	s.steps = make([]step, 0, n)
	s.index = make(map[string]int32, n)
	s.bounds = append(make([]int, 0, len(spec.Waves)+1), 0)
	s.tallies = make([]guardrails.Tally, 1)
	s.byLabel = make(map[[2]string]int32)
	labels := spec.labels()
	for w, wave := range spec.Waves {
		for _, sp := range wave.Steps {
			st := step{wave: int32(w), weight: max(sp.Weight, 1)}
			for _, label := range labels {
				st.tallies = append(st.tallies, s.tallyOf(label, sp.Labels[label]))
			}
			s.index[sp.ID] = int32(len(s.steps))
			s.steps = append(s.steps, st)
			if len(s.index) < len(s.steps) || sp.ID == "" || sp.Weight < 0 {
				return fmt.Errorf("%w: wave %d has a step %q that is unnamed, double or of negative weight", ErrBadEvent, w+1, sp.ID)
			}
			s.tally(&st, func(t *guardrails.Tally) {
				t.Targets++
				t.Weight += st.weight
			})
		}
		s.bounds = append(s.bounds, len(s.steps))
	}
	return nil
}

// id returns a step's ID.
func (s *State) id(i int) string {
	w := s.steps[i].wave
	return s.spec.Waves[w].Steps[i-s.bounds[w]].ID
}

// find returns the step with an ID.
func (s *State) find(id string) (int32, bool) {
	if s.id(int(s.likely)) == id {
		return s.likely, true
	}
	i, ok := s.index[id]
	return i, ok
}

func (s *State) tallyOf(label, value string) int32 {
	key := [2]string{label, value}
	i, ok := s.byLabel[key]
	if !ok {
		i = int32(len(s.tallies))
		s.tallies = append(s.tallies, guardrails.Tally{})
		s.byLabel[key] = i
	}
	return i
}

// tally applies a change to every tally that counts the step.
func (s *State) tally(st *step, change func(*guardrails.Tally)) {
	change(&s.tallies[0])
	for _, i := range st.tallies {
		change(&s.tallies[i])
	}
}

// set moves a step to a status, and keeps every count that depends on it.
func (s *State) set(i int32, to StepStatus) {
	st := &s.steps[i]
	from := st.status
	// A step is in one list at the most; it leaves one before it joins another.
	switch {
	case from.inFlight() && !to.inFlight():
		s.running = s.unlist(s.running, i)
	case from == StepFailed && to != StepFailed:
		s.doubt = s.unlist(s.doubt, i)
	}
	switch {
	case to.inFlight() && !from.inFlight():
		s.running = s.enlist(s.running, i)
	case to == StepFailed && from != StepFailed:
		s.doubt = s.enlist(s.doubt, i)
	}
	s.undoing += count(to == StepUndoing) - count(from == StepUndoing)
	s.astray += count(to == StepAstray) - count(from == StepAstray)
	s.down += count(to.isDown()) - count(from.isDown())
	if d := count(to.exposed()) - count(from.exposed()); d != 0 {
		unproven := d
		if int(st.wave) < s.passed {
			unproven = 0 // its gate has passed
		}
		w := int64(d) * st.weight
		uw := int64(unproven) * st.weight
		s.tally(st, func(t *guardrails.Tally) {
			t.Exposed += d
			t.ExposedWeight += w
			t.Unproven += unproven
			t.UnprovenWeight += uw
		})
		if s.tallies[0].ExposedWeight > s.peak.ExposedWeight {
			s.peak = s.tallies[0]
		}
	}
	st.status, st.since = to, s.at
}

// enlist adds a step to a list that its pos points into.
func (s *State) enlist(list []int32, i int32) []int32 {
	s.steps[i].pos = int32(len(list))
	return append(list, i)
}

// unlist takes a step out of the list that its pos points into.
func (s *State) unlist(list []int32, i int32) []int32 {
	end := list[len(list)-1]
	list[s.steps[i].pos] = end
	s.steps[end].pos = s.steps[i].pos
	return list[:len(list)-1]
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// prove says that a gate has passed: what is exposed by now is proven.
func (s *State) prove() {
	s.passed = s.wave + 1
	for i := range s.tallies {
		s.tallies[i].Unproven, s.tallies[i].UnprovenWeight = 0, 0
	}
}

// Tally counts the targets whose label has the value, the whole fleet when
// both are empty; a target without the label counts where value is empty. It
// makes a State a guardrails.Fleet.
func (s *State) Tally(label, value string) guardrails.Tally {
	if len(s.tallies) == 0 {
		return guardrails.Tally{}
	}
	if label == "" && value == "" {
		return s.tallies[0]
	}
	if i, ok := s.byLabel[[2]string{label, value}]; ok {
		return s.tallies[i]
	}
	return guardrails.Tally{}
}

// Phase returns where the rollout stands.
func (s *State) Phase() Phase { return s.phase }

// Spec returns what was started; nil before Started.
func (s *State) Spec() *Spec { return s.spec }

// Wave returns the current wave, counted from 1; 0 before Started.
func (s *State) Wave() int {
	if s.spec == nil {
		return 0
	}
	return s.wave + 1
}

// InFlight returns how many steps are in flight.
func (s *State) InFlight() int { return len(s.running) }

// Failure returns why the change was stopped or taken back; empty when it was
// not. It is latched.
func (s *State) Failure() string { return s.failure }

// Reason returns why the final phase was reached; empty before.
func (s *State) Reason() string { return s.reason }

// Holds yields every reason why nothing more is started for now.
func (s *State) Holds() iter.Seq[Hold] { return slices.Values(s.holds) }

// Steps yields every step's ID and status, in wave order.
func (s *State) Steps() iter.Seq2[string, StepStatus] {
	return func(yield func(string, StepStatus) bool) {
		i := 0
		if s.spec == nil {
			return
		}
		for _, w := range s.spec.Waves {
			for _, sp := range w.Steps {
				if !yield(sp.ID, s.steps[i].status) {
					return
				}
				i++
			}
		}
	}
}

// Status returns one step's status, and whether there is such a step.
func (s *State) Status(id string) (StepStatus, bool) {
	i, ok := s.index[id]
	if !ok {
		return StepPending, false
	}
	return s.steps[i].status, true
}

// Peak returns the tally of the whole fleet when most of it was exposed.
func (s *State) Peak() guardrails.Tally { return s.peak }

// Times are the moments of a rollout; zero for what has not happened.
type Times struct {
	// Started is the rollout's first event, Exposed its first step.
	Started, Exposed time.Time
	// Failed is when it was decided not to go on, Ended the final phase.
	Failed, Ended time.Time
}

// Times returns when what happened.
func (s *State) Times() Times {
	return Times{Started: s.startedAt, Exposed: s.exposedAt, Failed: s.failedAt, Ended: s.endedAt}
}

// Overridden tells whether a guard's holds are overridden at a time.
func (s *State) Overridden(guard string, at time.Time) bool {
	return slices.ContainsFunc(s.overrides, func(o override) bool { return o.guard == guard && at.Before(o.until) })
}

func (s *State) held(key string) bool {
	return slices.ContainsFunc(s.holds, func(h Hold) bool { return h.Key == key })
}

func (s *State) hold(key, reason string) {
	if !s.held(key) {
		s.holds = append(s.holds, Hold{Key: key, Reason: reason, Since: s.at})
	}
}

func (s *State) release(key string) bool {
	n := len(s.holds)
	s.holds = slices.DeleteFunc(s.holds, func(h Hold) bool { return h.Key == key })
	return len(s.holds) < n
}
