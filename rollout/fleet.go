package rollout

import (
	"sync"

	"github.com/tidegate-go/tidegate/guardrails"
)

// fleetCopy is a fleet as it was at one moment.
type fleetCopy struct {
	tallies []guardrails.Tally
	byLabel map[[2]string]int32 // shared: it does not change once loaded
}

func (s *State) snapshot() *fleetCopy {
	return &fleetCopy{append([]guardrails.Tally(nil), s.tallies...), s.byLabel}
}

// count counts a step as begun.
func (f *fleetCopy) count(s *State, i int) {
	st := &s.steps[i]
	if st.status.exposed() {
		return
	}
	expose(&f.tallies[0], st.weight)
	for _, t := range st.tallies {
		expose(&f.tallies[t], st.weight)
	}
}

func expose(t *guardrails.Tally, weight int64) {
	t.Exposed++
	t.Unproven++
	t.ExposedWeight += weight
	t.UnprovenWeight += weight
}

// Tally implements guardrails.Fleet.
func (f *fleetCopy) Tally(label, value string) guardrails.Tally {
	if label == "" && value == "" {
		return f.tallies[0]
	}
	if i, ok := f.byLabel[[2]string{label, value}]; ok {
		return f.tallies[i]
	}
	return guardrails.Tally{}
}

// liveFleet is the state as it is, with steps counted that are about to begin.
// Once closed it is empty, so that a guard that outstays its welcome cannot
// read what changes under it.
type liveFleet struct {
	mu    sync.Mutex
	state *State
	extra map[int32]guardrails.Tally // by tally: what is about to be added
}

func (f *liveFleet) add(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil || f.state.steps[i].status.exposed() {
		return
	}
	if f.extra == nil {
		f.extra = make(map[int32]guardrails.Tally)
	}
	st := &f.state.steps[i]
	for _, t := range append([]int32{0}, st.tallies...) {
		sum := f.extra[t]
		expose(&sum, st.weight)
		f.extra[t] = sum
	}
}

func (f *liveFleet) close() {
	f.mu.Lock()
	f.state = nil
	f.mu.Unlock()
}

// Tally implements guardrails.Fleet.
func (f *liveFleet) Tally(label, value string) guardrails.Tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil {
		return guardrails.Tally{}
	}
	var i int32
	if label != "" || value != "" {
		var ok bool
		if i, ok = f.state.byLabel[[2]string{label, value}]; !ok {
			return guardrails.Tally{}
		}
	}
	t, more := f.state.tallies[i], f.extra[i]
	t.Exposed += more.Exposed
	t.Unproven += more.Unproven
	t.ExposedWeight += more.ExposedWeight
	t.UnprovenWeight += more.UnprovenWeight
	return t
}
