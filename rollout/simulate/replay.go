package simulate

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/tidegate-go/tidegate/rollout"
)

// replayer checks I7 the thorough way: a fold of the events as they were recorded, and
// one of the events as they are read back, must agree after each of them.
type replayer struct {
	straight, back rollout.State
}

func (p *replayer) step(ev rollout.Event) error {
	data, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("I7: %v %s cannot be written: %w", ev.Kind, ev.Step, err)
	}
	var read rollout.Event
	if err := json.Unmarshal(data, &read); err != nil {
		return fmt.Errorf("I7: %s cannot be read back: %w", data, err)
	}
	if err := p.straight.Step(ev); err != nil {
		return fmt.Errorf("I7: %s does not replay: %w", data, err)
	}
	if err := p.back.Step(read); err != nil {
		return fmt.Errorf("I7: %s, read back, does not replay: %w", data, err)
	}
	return p.same(&p.back)
}

// same tells whether a state is the fold of the journal.
func (p *replayer) same(state *rollout.State) error {
	if !reflect.DeepEqual(&p.straight, state) {
		return fmt.Errorf("I7: the journal replays to another state:\n%+v\n%+v", p.straight, *state)
	}
	return nil
}

// replays checks I7 the cheap way: the journal folds to the state of the runner that
// wrote it.
func (s *sim) replays(state *rollout.State) {
	var again rollout.State
	for n, ev := range s.trace.Events {
		if err := again.Step(ev); err != nil {
			s.fail(fmt.Errorf("I7: event %d of the journal, %v %s, does not replay: %w", n+1, ev.Kind, ev.Step, err))
			return
		}
	}
	if !reflect.DeepEqual(&again, state) {
		s.fail(fmt.Errorf("I7: the journal replays to another state:\n%+v\n%+v", again, *state))
	}
}
