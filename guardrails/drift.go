package guardrails

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Drift holds a rollout when something else changes its targets: when a target reports a
// version that is neither From nor To, and when one that the rollout has not come to yet
// no longer runs From. A second changer makes every figure wrong that a gate goes by,
// and what a rollback would restore.
//
// What it would have bounded: Datadog, 8 March 2023. A security update that no rollout
// knew of restarted the network service of tens of thousands of nodes, in five regions
// within the same hour, while changes were rolled out to one region at a time.
//
// It minds Start, Deploy, Bake, and a verb that it does not know. At a Start every
// target has to run From, so it finds a plan that was made for another fleet. Undo and
// Recover pass: what a rollback finds is the rollback's to verify.
//
// A target that cannot be asked counts as drifted while the rollout has not come to it,
// for nobody knows what it runs. One that the rollout has come to may be silent, since
// changing it may take it down; its step's own verification and the gate see to it.
//
// Which targets a rollout has come to, it knows by its own checks: each Deploy that it
// lets through. A crash loses that. When the first check of a rollout is not its Start,
// as after a crash, it takes what reports To for touched, as long as those are no more
// than act.Fleet says are exposed; without a Fleet it takes none. Should there be more,
// it holds.
//
// The zero Drift holds everything that it minds; Problems says what is missing. Use it
// by pointer. All targets are asked again each Every, not for each step; an answer
// counts for twice that. Watched, it does so in the background, and else a Check that
// finds the answers too old waits for new ones, until its ctx is done. All methods are
// safe for concurrent use; the fields must not be changed after the first of them is
// called. Give each service one of its own, and so each rollout. A human may override
// it, for a time, when a target was changed on purpose.
type Drift struct {
	// Targets are the names of the targets of the rollout. Required.
	Targets []string
	// Report asks a target what it runs, as the target itself knows it. It is called for
	// many targets at once, with a ctx that ends after Timeout. Required.
	Report func(ctx context.Context, target string) (version string, err error)
	// Every is the time between two rounds of questions, and Timeout the patience with
	// one target. Zero means DefaultAskEvery and DefaultAskTimeout.
	Every, Timeout time.Duration

	once      sync.Once
	wrong     string
	questions questions[string]
	reports   survey[string]
	index     map[string]int

	mu      sync.Mutex
	rollout driftRollout   // the one that was asked about last
	sound   *reply[string] // the first of the round that this rollout was found in order by
}

// driftRollout is what is known of the rollout that is under way.
type driftRollout struct {
	id      [4]string // name, service, from, to
	touched []bool    // by target
}

// GuardName returns "drift".
func (d *Drift) GuardName() string { return "drift" }

// Problems reports every setting that makes no sense.
func (d *Drift) Problems(report func(path, msg string)) {
	if d.Report == nil {
		report("Report", "is nil, so no version would ever be known")
	}
	askProblems(report, d.Every, d.Timeout)
	nameProblems(report, len(d.Targets), func(i int) string { return d.Targets[i] })
}

// Check returns a *Breach that holds when a target has drifted, and when that cannot be
// told.
func (d *Drift) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Undo, Recover:
		return nil
	case Unknown, Start, Deploy, Bake: // and every verb to come
	}
	d.prepare()
	if d.wrong != "" {
		return d.cannotTell(d.wrong, nil, "Correct the plan's Drift.")
	}
	if act.From == "" || act.To == "" {
		return d.cannotTell(fmt.Sprintf("the action goes from %q to %q", act.From, act.To), nil, "Say both versions.")
	}
	target, named := d.index[act.Target]
	if !named && act.Target != "" {
		return d.cannotTell(fmt.Sprintf("%q is none of the %d targets that are asked", act.Target, len(d.Targets)), nil,
			"Add the target to Drift.Targets, under the name that the rollout gives it.")
	}
	r, err := d.ask(ctx, act.Verb)
	if err != nil {
		return d.cannotTell("the targets could not be asked: "+err.Error(), err, "Make the targets report.")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.follow(act, r)
	if b := d.drifted(act, r); b != nil {
		return b
	}
	if named && act.Verb != Start && act.Verb != Bake {
		d.rollout.touched[target] = true
	}
	return nil
}

// ask asks all targets, or goes by what they answered a moment ago. A rollout does not
// start on an answer from before: the rollout before it may have ended since.
func (d *Drift) ask(ctx context.Context, verb Verb) (round[string], error) {
	if verb != Start {
		return d.reports.latest(ctx, &d.questions, d.questions.watched())
	}
	r := d.reports.round(ctx, &d.questions)
	return r, context.Cause(ctx)
}

// follow turns to the rollout of an action. The caller holds mu.
func (d *Drift) follow(act Action, r round[string]) {
	id := [4]string{act.Rollout, act.Service, act.From, act.To}
	if id == d.rollout.id && act.Verb != Start {
		return
	}
	d.rollout, d.sound = driftRollout{id: id, touched: make([]bool, len(d.Targets))}, nil
	if act.Verb == Start || act.Fleet == nil {
		return
	}
	// Its beginning was not seen.
	exposed, at := act.Fleet.Tally("", "").Exposed, 0
	for _, one := range r.replies {
		if one.err == nil && one.value == act.To {
			at++
		}
	}
	if at > exposed {
		return
	}
	// Of those that are exposed, not all need to run To: some were being changed.
	silent := exposed - at
	for i, one := range r.replies {
		switch {
		case one.err == nil:
			d.rollout.touched[i] = one.value == act.To
		case silent > 0:
			silent--
			d.rollout.touched[i] = true
		}
	}
}

// drifted says which targets have, if any. The caller holds mu.
func (d *Drift) drifted(act Action, r round[string]) *Breach {
	if d.sound == &r.replies[0] {
		return nil // what was touched since makes it no worse
	}
	var drifted list
	for i, one := range r.replies {
		touched := d.rollout.touched[i]
		switch {
		case one.err != nil:
			if !touched {
				drifted.add("%s cannot tell: %v", d.Targets[i], one.err)
			}
		case one.value == act.From, touched && one.value == act.To:
		default:
			drifted.add("%s reports %q", d.Targets[i], one.value)
		}
	}
	if drifted.n == 0 {
		d.sound = &r.replies[0]
		return nil
	}
	reason := fmt.Sprintf("%d of %d targets were changed outside of the plan, or nobody knows", drifted.n, len(r.replies))
	if act.Verb == Start {
		reason = fmt.Sprintf("%d of %d targets do not run %q, which the change starts from", drifted.n, len(r.replies), act.From)
	}
	return &Breach{
		Guard: d.GuardName(), Consequence: Hold, Reason: reason, Evidence: drifted.String(),
		Runbook: fmt.Sprintf("Find out what else changes these targets, and stop it. Then bring them back to %q, or plan anew.", act.From),
	}
}

func (d *Drift) cannotTell(evidence string, err error, runbook string) *Breach {
	return &Breach{Guard: d.GuardName(), Reason: "it cannot be told whether targets were changed outside of the plan", Evidence: evidence, Err: err, Runbook: runbook}
}

// Watch keeps the reports of all targets fresh, and tells when one changes.
func (d *Drift) Watch(ctx context.Context, changed func()) {
	d.prepare()
	if d.wrong != "" {
		<-ctx.Done()
		return
	}
	d.reports.watch(ctx, &d.questions, func(r round[string]) string {
		var word []byte
		for _, one := range r.replies {
			if one.err != nil {
				word = append(word, '?')
			} else {
				word = fmt.Appendf(word, "%q", one.value)
			}
		}
		return string(word)
	}, changed)
}

// SelfTest has the same rule refuse a Start of a fleet that runs something else, a step
// while an untouched target runs To already, and one while it does not report. It asks
// no real target.
func (d *Drift) SelfTest(ctx context.Context) error {
	d.prepare()
	if d.wrong != "" {
		return errors.New(d.wrong)
	}
	act := Action{Rollout: "self-test", Service: "self-test", From: "from", To: "to"}
	for _, bad := range []struct {
		verb    Verb
		version string
		err     error
		what    string
	}{
		{Start, "other", nil, "the start of a fleet that runs another version"},
		{Deploy, "to", nil, "a step while a target ran the new version that nobody had deployed"},
		{Bake, "other", nil, "a bake while a target ran another version"},
		{Deploy, "", errors.New("self-test"), "a step while a target did not report"},
	} {
		last := d.Targets[len(d.Targets)-1]
		fake := &Drift{Targets: d.Targets, Report: func(_ context.Context, target string) (string, error) {
			if target == last {
				return bad.version, bad.err
			}
			return "from", nil
		}}
		act.Verb = bad.verb
		if err := mustRefuse(ctx, fake, act, bad.what); err != nil {
			return err
		}
	}
	return nil
}

// prepare works the settings out, once.
func (d *Drift) prepare() {
	d.once.Do(func() {
		d.wrong = firstProblem(d)
		d.index = make(map[string]int, len(d.Targets))
		for i, name := range d.Targets {
			d.index[name] = i
		}
		d.questions = questions[string]{
			names: d.Targets, every: orElse(d.Every, DefaultAskEvery), timeout: orElse(d.Timeout, DefaultAskTimeout),
			ask: func(ctx context.Context, i int) (string, error) { return d.Report(ctx, d.Targets[i]) },
		}
	})
}
