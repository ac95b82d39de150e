package journaltest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// started is a first event with something of everything in its spec.
func started(name string) rollout.Event {
	return rollout.Event{
		At:   time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC),
		Kind: rollout.Started,
		Spec: &rollout.Spec{
			Rollout: name, Service: "checkout <&> \u2028 café", From: "v41", To: "v42",
			Waves: []rollout.SpecWave{{
				Steps:   []rollout.SpecStep{{ID: "host-1", Labels: map[string]string{"zone": "a"}, Weight: 3}, {ID: "host-2"}},
				Ungated: "a test, on\ntwo lines",
			}},
			Concurrency: 2,
			Undo:        rollout.SpecUndo{Batch: 2, Parallel: 1, Deadline: time.Minute},
		},
	}
}

// step is an event that is told apart by its step's ID.
func step(format string, args ...any) rollout.Event {
	return rollout.Event{
		At:   time.Date(2026, 7, 1, 12, 0, 1, 0, time.UTC),
		Kind: rollout.Doing, Step: fmt.Sprintf(format, args...),
	}
}

func ended(outcome rollout.Phase) rollout.Event {
	return rollout.Event{At: time.Date(2026, 7, 1, 12, 5, 0, 0, time.UTC), Kind: rollout.Ended, Outcome: outcome}
}

// read collects a session's events.
func read(s rollout.Session) ([]rollout.Event, error) {
	var events []rollout.Event
	for ev, err := range s.Events() {
		if err != nil {
			return events, fmt.Errorf("its Events gave the error %w after %d events", err, len(events))
		}
		events = append(events, ev)
	}
	return events, nil
}

// reread opens the rollout, which has to be free, and returns what is recorded.
func reread(ctx context.Context, j rollout.Journal, name string) ([]rollout.Event, error) {
	s, err := open(ctx, j, name)
	if err != nil {
		return nil, err
	}
	events, err := read(s)
	if err != nil {
		return nil, err
	}
	return events, closing(s)
}

// open opens what has to be free.
func open(ctx context.Context, j rollout.Journal, name string, locks ...string) (rollout.Session, error) {
	s, err := j.Open(ctx, name, locks...)
	if err != nil {
		return nil, fmt.Errorf("Open(%q, locks %q), which nobody has, gave the error: %w", name, locks, err)
	}
	return s, nil
}

// add appends where nothing stands against it.
func add(ctx context.Context, s rollout.Session, events ...rollout.Event) error {
	if err := s.Append(ctx, events...); err != nil {
		return fmt.Errorf("its Append of %d events gave the error: %w", len(events), err)
	}
	return nil
}

func closing(s rollout.Session) error {
	if err := s.Close(); err != nil {
		return fmt.Errorf("its Close gave the error: %w", err)
	}
	return nil
}

// same compares by JSON, which is what a journal has to keep of an event.
func same(got []rollout.Event, want ...rollout.Event) error {
	if len(got) != len(want) {
		return fmt.Errorf("the journal has %d events where %d were recorded", len(got), len(want))
	}
	for i := range want {
		g, err := json.Marshal(got[i])
		if err != nil {
			return fmt.Errorf("event %d: %w", i+1, err)
		}
		w, err := json.Marshal(want[i])
		if err != nil {
			return fmt.Errorf("event %d: %w", i+1, err)
		}
		if string(g) != string(w) {
			return fmt.Errorf("event %d is\n\t%s\nwhere this was recorded:\n\t%s", i+1, g, w)
		}
	}
	return nil
}
