package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// DefaultDeadManWithin is how long a heartbeat may stay away that does not say.
const DefaultDeadManWithin = 30 * time.Second

// A DeadMan wants to hear a heartbeat again and again: from the targets, from what
// watches them, from the human at the screen. When it stays away for longer than
// Within, it asks for what Then says.
//
// What it would have bounded: CrowdStrike's content (19 July 2024) made 8.5 million
// hosts crash at boot. A crashed host reports no errors, so a gate that looks at rates
// of errors sees nothing wrong; that the first hosts fall silent is the only thing to
// be seen.
//
// It minds Start, Deploy and Bake (and a verb that it does not know); Undo and Recover
// always pass, whatever Then is. Until it has heard a first beat, it holds a Start, and
// everything for as long as Within; after that, silence is silence, also for a process
// that took over after a crash.
//
// A beat is told by Beat, or found by Source, which is asked in the background by
// Watch, and by the Check that finds its answer older than a quarter of Within (but a
// second at least). A Source that fails tells of no beat. One that comes from the
// future counts for none either. A human may override a hold.
//
// The zero DeadMan is useful: it knows Beat, and holds after 30 seconds. Use it by
// pointer; it is safe for concurrent use, and the fields must not be changed once it is
// used.
type DeadMan struct {
	// Within is how long the heartbeat may stay away. Zero means DefaultDeadManWithin.
	Within time.Duration
	// Then is what its silence asks for: Hold, Rollback or Halt.
	Then Consequence
	// Source, if set, returns when the heart last beat (see BeatFile and BeatURL). It
	// must be safe for concurrent use.
	Source func(ctx context.Context) (time.Time, error)

	armed  atomic.Pointer[time.Time] // when it was first asked
	beaten atomic.Pointer[time.Time] // by Beat
	found  atomic.Pointer[time.Time] // the latest that Source told of
	busy   atomic.Bool
	asked  asked[struct{}]
}

// GuardName returns "dead-man".
func (d *DeadMan) GuardName() string { return "dead-man" }

// Problems reports every setting that makes no sense, as the path of the field and
// what is wrong with it.
func (d *DeadMan) Problems(report func(path, msg string)) {
	if d.Within < 0 || d.Within > 0 && d.Within < 100*time.Millisecond {
		report("Within", fmt.Sprintf("is %v: want 100ms or more", d.Within))
	}
	if !d.Then.known() {
		report("Then", fmt.Sprintf("is %v, which does not exist", d.Then))
	}
}

func (d *DeadMan) within() time.Duration { return cmp.Or(max(d.Within, 0), DefaultDeadManWithin) }

func (d *DeadMan) every() time.Duration { return min(max(d.within()/4, time.Second), d.within()) }

// Beat tells that all is well, now.
func (d *DeadMan) Beat() {
	now := time.Now()
	d.beaten.Store(&now)
}

// Check returns a *Breach when the heartbeat has stayed away for too long.
func (d *DeadMan) Check(ctx context.Context, act Action) error {
	if act.Verb.Backward() {
		return nil
	}
	d.arm()
	last, why := d.last(ctx)
	now := time.Now()
	if !last.IsZero() && now.Sub(last) <= d.within() {
		return nil
	}
	b := &Breach{Guard: d.GuardName(), Consequence: d.Then, Runbook: "Find out why the heartbeat has stopped before anything else is changed."}
	if why != nil {
		b.Err = why
	}
	if last.IsZero() {
		silent := now.Sub(*d.armed.Load())
		b.Reason = "no heartbeat was heard yet"
		b.Evidence = "for " + roughly(silent)
		if act.Verb == Start || silent <= d.within() {
			b.Consequence = Hold
			b.Runbook = "Make the heartbeat come."
		}
	} else {
		b.Reason = "the heartbeat has stopped"
		b.Evidence = fmt.Sprintf("last heard %s ago; it may stay away for %s", roughly(now.Sub(last)), roughly(d.within()))
	}
	if act.Verb == Start {
		b.Consequence = Hold // nothing was touched yet
	}
	if why != nil {
		b.Evidence += "; asked for it: " + why.Error()
	}
	return b
}

// arm remembers when it was first asked.
func (d *DeadMan) arm() {
	if d.armed.Load() == nil {
		now := time.Now()
		d.armed.CompareAndSwap(nil, &now)
	}
}

// last returns when the heart last beat, and why the source could not say.
func (d *DeadMan) last(ctx context.Context) (last time.Time, why error) {
	if d.Source != nil {
		_, why = d.asked.get(ctx, d.every(), min(askPatience, d.within()), d.ask)
	}
	for _, beat := range [...]*time.Time{d.beaten.Load(), d.found.Load()} {
		if beat != nil && beat.After(last) {
			last = *beat
		}
	}
	return last, why
}

// ask asks the source. Where it cannot say, the last beat that it told of stands.
func (d *DeadMan) ask(ctx context.Context) (none struct{}, err error) {
	beat, err := oneAtATime(ctx, &d.busy, d.Source)
	if err != nil {
		return none, err
	}
	if beat.After(time.Now().Add(maxSkew)) {
		return none, fmt.Errorf("it beats in the future, at %s", beat.UTC().Format(time.RFC3339))
	}
	d.found.Store(&beat)
	return none, nil
}

// Watch asks the source until ctx is done, and calls changed when the heartbeat has
// stopped, and when it has come back.
func (d *DeadMan) Watch(ctx context.Context, changed func()) {
	d.arm()
	ticks := time.NewTicker(d.every())
	defer ticks.Stop()
	alive := func() bool {
		last, _ := d.last(ctx)
		return !last.IsZero() && time.Since(last) <= d.within()
	}
	// The moment at which silence becomes too long is not left to a tick.
	due := time.NewTimer(d.within())
	defer due.Stop()
	for was := alive(); ; {
		if last, _ := d.last(ctx); was {
			due.Reset(time.Until(last.Add(d.within() + time.Millisecond)))
		}
		select {
		case <-ticks.C:
		case <-due.C:
		case <-ctx.Done():
			return
		}
		if is := alive(); is != was && ctx.Err() == nil {
			was = is
			changed()
		}
	}
}

// SelfTest proves that silence is answered with Then, with these settings, and that a
// beat is enough to go on. It does not ask the source.
func (d *DeadMan) SelfTest(ctx context.Context) error {
	var wrong error
	d.Problems(func(path, msg string) { wrong = cmp.Or(wrong, errors.New(path+" "+msg)) })
	if wrong != nil {
		return wrong
	}
	trial := &DeadMan{Within: d.Within, Then: d.Then}
	if err := mustRefuse(ctx, trial, Action{Verb: Start}, "a start without a heartbeat"); err != nil {
		return err
	}
	trial.Beat()
	if err := trial.Check(ctx, Action{Verb: Deploy}); err != nil {
		return fmt.Errorf("it stopped a change with a heartbeat: %w", err)
	}
	past := time.Now().Add(-2 * d.within())
	trial.beaten.Store(&past)
	var b *Breach
	if err := trial.Check(ctx, Action{Verb: Bake}); !errors.As(err, &b) || b.Consequence != d.Then {
		return fmt.Errorf("its silence for %s came to %w instead of %v", roughly(2*d.within()), err, d.Then)
	}
	return nil
}
