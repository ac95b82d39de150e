package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Command is what a human says to a rollout.
type Command struct {
	// Verb is one of Pause, Resume, Approve, Override, Abort, RollBack, Kill and
	// Reset.
	Verb Kind
	// Actor and Reason say who and why. Both are required, and on record.
	Actor, Reason string
	// Wave is the wave to Approve, counted from 1; zero means the current one.
	Wave int
	// Guard and Until are for Override: whose holds to pass, and for how long.
	Guard string
	Until time.Time
}

func (c Command) event() (Event, error) {
	if !c.Verb.IsVerb() {
		return Event{}, fmt.Errorf("rollout: command: %v is not a verb", c.Verb)
	}
	if c.Actor == "" || c.Reason == "" {
		return Event{}, fmt.Errorf("rollout: command %v: needs an actor and a reason", c.Verb)
	}
	return Event{Kind: c.Verb, Actor: c.Actor, Reason: c.Reason, Wave: c.Wave, Step: c.Guard, Until: c.Until}, nil
}

// Command gives a verb to the rollout. It returns when the verb is durable: by
// the Run that is under way in this Runner, or written to the journal for the
// next Run. ErrStale says that the verb no longer matters, ErrHeld that another
// process runs the rollout, ErrTooLate that what has ended can no longer be taken
// back: its window is over, or, where the Journal is a guardrails.History, the service
// has been rolled out since.
func (r *Runner) Command(ctx context.Context, c Command) error {
	ev, err := c.event()
	if err != nil {
		return err
	}
	r.mu.Lock()
	live := r.live
	r.mu.Unlock()
	if live != nil {
		if done, err := live.command(ctx, ev); done {
			return err
		}
	}
	return r.commandOffline(ctx, ev)
}

func (r *Runner) commandOffline(ctx context.Context, ev Event) (err error) {
	if r.Journal == nil {
		return errNoJournal()
	}
	session, err := r.Journal.Open(ctx, r.Plan.Name, r.Plan.locks()...)
	if err != nil {
		return fmt.Errorf("rollout: command %v: %w", ev.Kind, err)
	}
	defer func() {
		if cerr := session.Close(); err == nil {
			err = cerr
		}
	}()
	var state State
	if err := replay(&state, session, nil); err != nil {
		return fmt.Errorf("rollout: command %v: %w", ev.Kind, err)
	}
	if state.spec == nil {
		return fmt.Errorf("rollout: command %v: %w: %s was never started", ev.Kind, ErrStale, r.Plan.Name)
	}
	ev.At, ev.Epoch = time.Now().UTC(), session.Epoch()
	events := []Event{ev}
	phase, ended := state.phase, state.endedAt
	if err := state.Step(ev); err != nil {
		return err
	}
	if ev.Kind == RollBack && phase.mayBeSuperseded() {
		if err := r.superseded(ctx, state.spec, ended); err != nil {
			return err
		}
	}
	if state.phase.Final() && state.phase != Halted {
		events = append(events, Event{At: ev.At, Kind: Ended, Epoch: ev.Epoch, Actor: ev.Actor, Outcome: state.phase, Reason: state.reason})
	}
	return session.Append(ctx, events...)
}

// replay folds what a session recorded. follow, if any, is called after every
// event.
func replay(state *State, session Session, follow func(Event)) error {
	n := 0
	for ev, err := range session.Events() {
		if err != nil {
			return fmt.Errorf("reading the journal: %w", err)
		}
		n++
		if err := state.Step(ev); errors.Is(err, ErrNewer) {
			return err
		} else if err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrCorrupt, n, err)
		}
		if follow != nil {
			follow(ev)
		}
	}
	return nil
}
