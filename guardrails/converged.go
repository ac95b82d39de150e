package guardrails

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNotConverged is what a breach of Converged wraps when some targets do not report
// the version that they should, or nothing at all.
var ErrNotConverged = errors.New("guardrails: not every target reports the expected version")

// Converged holds the step that activates a change, such as turning its flag on, until
// every target reports the version that the change needs. "Nearly all" is not enough.
//
// What it would have stopped: Knight Capital, 1 August 2012. New code had been copied to
// seven of eight servers, and a flag was turned on that woke long-unused code on the
// eighth: 45 minutes, more than 460 million dollars.
//
// It minds only the steps that Before or Labels pick out, of the verb Deploy and of a
// verb that it does not know. Undo, Recover, Bake and Start pass: where all targets run
// the new version before a rollout that activates it, give that rollout's steps a label
// and pick that.
//
// A target that reports nothing, that cannot be asked, or that reports an empty version
// has not converged. The zero Converged names no step, no target and no way to ask, so
// it holds every Deploy; Problems says what is missing.
//
// Use it by pointer. The targets are asked when a step is minded, and the answer serves
// the checks of the next Every; a Check waits for it until its ctx is done. It
// keeps nothing else, so a crash loses nothing. Its methods are safe for concurrent use;
// the fields must not be changed after the first of them is called.
type Converged struct {
	// Before tells which steps activate the change. It must be quick.
	Before func(act Action) bool
	// Labels pick out the steps whose labels have all of these values. A step counts if
	// either this or Before picks it; one of both is required.
	Labels map[string]string
	// Targets are those that have to run the version. Required: an empty list is not
	// "all of them".
	Targets []string
	// Want is the version that they have to report. Empty means the action's To.
	Want string
	// Report asks a target what it runs, as the target itself knows it and not as
	// somebody has noted it down. It is called for many targets at once, with a ctx that
	// ends after Timeout. Required.
	Report func(ctx context.Context, target string) (version string, err error)
	// Every is how long an answer is kept, and Timeout the patience with one target. Zero
	// means DefaultAskEvery and DefaultAskTimeout.
	Every, Timeout time.Duration

	once      sync.Once
	wrong     string
	questions questions[string]
	reports   survey[string]
}

// GuardName returns "converged".
func (c *Converged) GuardName() string { return "converged" }

// Problems reports every setting that makes no sense.
func (c *Converged) Problems(report func(path, msg string)) {
	if c.Before == nil && len(c.Labels) == 0 {
		report("Before", "is nil, and Labels are none, so no step activates anything")
	}
	if c.Report == nil {
		report("Report", "is nil, so no version would ever be known")
	}
	askProblems(report, c.Every, c.Timeout)
	nameProblems(report, len(c.Targets), func(i int) string { return c.Targets[i] })
}

// Check returns a *Breach that holds when the action is minded and not all targets have
// converged. It wraps ErrNotConverged when that is known.
func (c *Converged) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Start, Bake, Undo, Recover:
		return nil
	case Unknown, Deploy: // and every verb to come
	}
	c.prepare()
	if c.wrong != "" {
		return &Breach{Guard: c.GuardName(), Reason: "it cannot be told whether the targets have converged", Evidence: c.wrong, Runbook: "Correct the plan's Converged."}
	}
	if !c.minds(act) {
		return nil
	}
	want := cmp.Or(c.Want, act.To)
	if want == "" {
		return &Breach{Guard: c.GuardName(), Reason: "it is not known which version the targets should report", Evidence: "Want is empty, and so is the action's To",
			Runbook: "Set Converged.Want."}
	}
	r, err := c.reports.latest(ctx, &c.questions, c.questions.every)
	if err != nil {
		return &Breach{Guard: c.GuardName(), Reason: "the targets could not be asked what they run: " + err.Error(), Err: err, Runbook: "Make the targets report."}
	}
	var behind list
	for i, one := range r.replies {
		switch {
		case one.err != nil:
			behind.add("%s cannot tell: %v", c.Targets[i], one.err)
		case one.value != want:
			behind.add("%s reports %q", c.Targets[i], one.value)
		}
	}
	if behind.n == 0 {
		return nil
	}
	return &Breach{
		Guard: c.GuardName(), Consequence: Hold, Err: ErrNotConverged,
		Reason:   fmt.Sprintf("%d of %d targets do not report %q, which has to run everywhere before this step", behind.n, len(r.replies), want),
		Evidence: behind.String(),
		Runbook:  "Bring these targets to the version, or take them out of service, and out of Converged.Targets. Do not activate with them as they are.",
	}
}

// minds tells whether a step activates the change.
func (c *Converged) minds(act Action) bool {
	if c.Before != nil && c.Before(act) {
		return true
	}
	for label, value := range c.Labels {
		if got, ok := act.Labels[label]; !ok || got != value {
			return false
		}
	}
	return len(c.Labels) > 0
}

// SelfTest has the same rule refuse a step that it minds while one of the targets is
// behind, and while none can be asked. It asks no real target. Where only Before picks
// the steps, it says so of a made-up step.
func (c *Converged) SelfTest(ctx context.Context) error {
	c.prepare()
	if c.wrong != "" {
		return errors.New(c.wrong)
	}
	last := c.Targets[len(c.Targets)-1]
	fake := func(err error) *Converged {
		f := &Converged{Labels: c.Labels, Targets: c.Targets, Want: c.Want}
		if len(c.Labels) == 0 {
			f.Before = func(Action) bool { return true }
		}
		f.Report = func(_ context.Context, target string) (string, error) {
			if target == last {
				return "self-test: the version before", err
			}
			return cmp.Or(c.Want, "self-test"), nil
		}
		return f
	}
	act := Action{Verb: Deploy, To: "self-test", Target: "self-test", Labels: c.Labels}
	if err := mustRefuse(ctx, fake(nil), act, "the activation while "+last+" was behind"); err != nil {
		return err
	}
	return mustRefuse(ctx, fake(errors.New("self-test")), act, "the activation while "+last+" did not report")
}

// prepare works the settings out, once.
func (c *Converged) prepare() {
	c.once.Do(func() {
		c.wrong = firstProblem(c)
		c.questions = questions[string]{
			names: c.Targets, every: orElse(c.Every, DefaultAskEvery), timeout: orElse(c.Timeout, DefaultAskTimeout),
			ask: func(ctx context.Context, i int) (string, error) { return c.Report(ctx, c.Targets[i]) },
		}
	})
}
