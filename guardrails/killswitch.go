package guardrails

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults and bounds of a KillSwitch.
const (
	// DefaultSwitchGrace is how long a source may be unreadable.
	DefaultSwitchGrace = 10 * time.Second
	// MaxSwitchEvery is the longest time between two reads of a source, and the
	// default.
	MaxSwitchEvery = time.Second
	// MinSwitchEvery is the shortest.
	MinSwitchEvery = 10 * time.Millisecond
)

// ErrUnsigned says that a trip or a reset lacks an actor or a reason.
var ErrUnsigned = errors.New("guardrails: an actor and a reason are needed")

// ErrStillTripped says that a kill switch can't be reset, because something
// still trips it or nobody knows.
var ErrStillTripped = errors.New("guardrails: the kill switch is still tripped")

// A KillSwitch stops everything that checks it, at once and until a human
// resets it. It can be tripped by the process itself (Trip) and from outside
// (Sources). The zero KillSwitch is useful: it halts, and only Trip trips it.
// Use it by pointer, and share one pointer among all that it should stop.
//
// It is latched: once tripped, by whatever it was, only Reset makes it let
// things through again. A source that says "no more" afterwards changes
// nothing. The latch lives as long as the process; what was halted stays halted
// in the rollout's journal, and a File outlives a crash by itself.
//
// It fails closed. While no source has answered yet, or one has not for longer
// than Grace, it holds; when the reads of a source have failed for longer than
// Grace, it trips. FailOpen is the only way around this.
//
// No override lifts it. It is checked for every verb, so a switch of mode Halt
// stops undoing too; one of mode Rollback lets pass what takes the change back,
// since that is what it asked for.
//
// Watched (Watch), it learns of a trip within Every, and of one by Trip or by a
// signal at once. When nobody watches it, Check reads the sources itself, so it
// works in a plain script too. A source that hangs delays a Check by no more
// than Every, or than MaxSwitchEvery if it has never answered.
//
// The kill switch is part of the way out, so it has to work when the rest does
// not: give it at least one source that needs nothing of what the rollout
// changes. Facebook's tools hung on the network that they were to mend (October
// 2021); at Azure it took 91 minutes until all deployments of a region were
// stopped (July 2024). And try it before you need it: at Cloudflare a kill
// switch took a path that it had never taken before, and that caused the outage
// (December 2025).
//
// All methods are safe for concurrent use. The fields must not be changed after
// the first of them is called.
type KillSwitch struct {
	// Mode is what a trip asks for: Halt (freeze: no step and no undo) or
	// Rollback. Zero means Halt: a kill switch that merely held would not be one.
	Mode Consequence
	// Sources are where it can be tripped from outside.
	Sources []SwitchSource
	// Grace is how long a source may be unreadable before the switch trips. Zero
	// means DefaultSwitchGrace. It has to be at least twice Every.
	Grace time.Duration
	// Every is the time between two reads of a source, and how long one read may
	// take; the first ones, until the source has answered, may take up to
	// MaxSwitchEvery. Zero means MaxSwitchEvery, and so does anything longer.
	Every time.Duration
	// FailOpen, when not empty, is the reason why things may pass while a source
	// can't be read: neither a hold nor a trip comes of it then. With FailOpen a
	// network fault disarms the switch.
	FailOpen string

	tripped atomic.Bool // cause != nil, for Tripped

	arming   sync.Once  // makes readers
	mu       sync.Mutex // guards what follows; never held over a call of foreign code
	readers  []*switchReader
	cause    *SwitchRecord // the trip that latched; nil when not tripped
	records  []SwitchRecord
	trips    uint64 // how many there were
	holding  bool   // what the last assessment came to
	watchers map[chan struct{}]struct{}
}

// GuardName returns "kill-switch".
func (k *KillSwitch) GuardName() string { return "kill-switch" }

// Tripped tells whether the switch is tripped, as far as was read by now. It
// costs one atomic load and reads no source: Check and Watch do.
func (k *KillSwitch) Tripped() bool { return k.tripped.Load() }

// Trip trips the switch. Both actor and reason are needed, and without them it
// is ErrUnsigned and nothing is tripped. A trip of a tripped switch is kept on
// record; the first stays the cause.
func (k *KillSwitch) Trip(actor, reason string) error {
	actor, reason, err := sign(actor, reason)
	if err != nil {
		return fmt.Errorf("%w to trip the kill switch", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trip(actor, reason)
	return nil
}

// Reset lets things through again. Both actor and reason are needed, or it is
// ErrUnsigned. It reads every source first, which takes no longer than twice
// Every; when one still says trip or can't be read, and when the switch is
// tripped once more meanwhile, it is ErrStillTripped, which says by what, and
// the switch stays tripped. Resetting a switch that is not tripped does
// nothing.
func (k *KillSwitch) Reset(actor, reason string) error {
	actor, reason, err := sign(actor, reason)
	if err != nil {
		return fmt.Errorf("%w to reset the kill switch", err)
	}
	k.mu.Lock()
	before, tripped := k.trips, k.cause != nil
	k.mu.Unlock()
	if !tripped {
		return nil
	}
	need := k.read(context.Background(), context.Background(), 0)

	k.mu.Lock()
	defer k.mu.Unlock()
	var by []string
	if k.trips != before {
		last := k.records[len(k.records)-1]
		by = append(by, fmt.Sprintf("%s tripped it again meanwhile: %s", last.Actor, last.Reason))
	}
	for i, r := range k.readers {
		if why := r.mindsReset(need[i], k.FailOpen != ""); why != "" {
			by = append(by, why)
		}
	}
	if len(by) > 0 {
		return fmt.Errorf("%w: %s", ErrStillTripped, strings.Join(by, "; "))
	}
	k.record(SwitchRecord{Actor: actor, Reason: reason})
	k.cause = nil
	k.tripped.Store(false)
	k.tell()
	return nil
}

// Check returns nil when nothing is tripped, and else a *Breach with Mode as
// its consequence, or with Hold while a source has yet to answer. It reads the
// sources that were not read within Every, and waits for that no longer than one read
// may take, or until ctx is done.
func (k *KillSwitch) Check(ctx context.Context, act Action) error {
	if k.mode() == Rollback && act.Verb.Backward() {
		return nil
	}
	if !k.tripped.Load() && len(k.Sources) > 0 {
		// A read serves all who wait for it, so it outlives the one who asked.
		k.read(context.WithoutCancel(ctx), ctx, k.every())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	hold := k.assess(time.Now())
	switch {
	case k.cause != nil:
		return &Breach{
			Guard: k.GuardName(), Consequence: k.mode(), Cap: true,
			Reason:   fmt.Sprintf("the kill switch is tripped by %s: %s", k.cause.Actor, k.cause.Reason),
			Evidence: "since " + k.cause.At.UTC().Format(time.RFC3339),
			Runbook:  "Find out why with whoever tripped it. When it is safe again: clear the source, then reset the switch with your name and the reason.",
		}
	case hold != "":
		return &Breach{
			Guard: k.GuardName(), Consequence: Hold, Cap: true,
			Reason:  hold,
			Runbook: fmt.Sprintf("Make the source readable. When it stays unreadable for %v, the switch trips.", k.grace()),
		}
	}
	return nil
}

// Problems reports every setting that makes no sense, as the path of the field
// and what is wrong with it.
func (k *KillSwitch) Problems(report func(path, msg string)) {
	if !k.Mode.known() {
		report("Mode", fmt.Sprintf("is %v, which does not exist", k.Mode))
	}
	for i, s := range k.Sources {
		if s == nil {
			report(fmt.Sprintf("Sources[%d]", i), "is nil, so it could never be read")
		}
	}
	if k.Every != 0 && (k.Every < MinSwitchEvery || k.Every > MaxSwitchEvery) {
		report("Every", fmt.Sprintf("is %v: want %v to %v", k.Every, MinSwitchEvery, MaxSwitchEvery))
	}
	every := k.Every
	if every <= 0 || every > MaxSwitchEvery {
		every = MaxSwitchEvery
	}
	if k.Grace != 0 && k.Grace < 2*every {
		report("Grace", fmt.Sprintf("is %v: want at least %v, twice the time between two reads", k.Grace, 2*every))
	}
}

// SelfTest trips a fresh switch of the same Mode, which must stop a step in that mode
// then. This switch is not touched, and no source is read.
func (k *KillSwitch) SelfTest(ctx context.Context) error {
	if !k.Mode.known() {
		return fmt.Errorf("its mode is %v, which does not exist", k.Mode)
	}
	fresh := &KillSwitch{Mode: k.Mode}
	act := Action{Verb: Deploy, Target: "self-test"}
	if err := fresh.Check(ctx, act); err != nil {
		return fmt.Errorf("it refused before it was tripped: %w", err)
	}
	if err := fresh.Trip("self-test", "self-test"); err != nil {
		return err
	}
	var b *Breach
	if err := fresh.Check(ctx, act); !errors.As(err, &b) || b == nil || b.Consequence != k.mode() {
		return fmt.Errorf("tripped, it answered %w, and should have asked for a %v", orNil(err), k.mode())
	}
	return nil
}

// orNil is an error to be shown, whether there is one or not.
func orNil(err error) error {
	if err == nil {
		return errors.New("nothing")
	}
	return err
}

func (k *KillSwitch) mode() Consequence {
	if k.Mode == Rollback {
		return Rollback
	}
	return Halt
}

// grace and every keep to their bounds when the settings do not; where that
// has to change one of them, it becomes the stricter.
func (k *KillSwitch) grace() time.Duration {
	if k.Grace > 0 {
		return max(k.Grace, 2*MinSwitchEvery)
	}
	return DefaultSwitchGrace
}

func (k *KillSwitch) every() time.Duration {
	every := MaxSwitchEvery
	if k.Every > 0 {
		every = min(k.Every, MaxSwitchEvery)
	}
	return max(min(every, k.grace()/2), MinSwitchEvery)
}

// trip latches the switch and keeps the trip on record. The caller holds mu.
func (k *KillSwitch) trip(actor, reason string) {
	r := k.record(SwitchRecord{Tripped: true, Actor: actor, Reason: reason})
	k.trips++
	if k.cause != nil {
		return
	}
	k.cause = &r
	k.tripped.Store(true)
	k.tell()
}
