package rollback

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Defaults of a Policy.
const (
	// DefaultBatch is the percentage of the fleet that is undone at once.
	// Source: Amazon Builders' Library, "Automating safe, hands-off deployments".
	DefaultBatch = 33
	// DefaultAttempts is how often one undo is tried.
	DefaultAttempts = 3
	// DefaultTimeout bounds one try of one undo.
	DefaultTimeout = 5 * time.Minute
	// DefaultBackoff is the pause after the first failed try.
	DefaultBackoff = time.Second
	// DefaultDeadline bounds the way back to one version.
	DefaultDeadline = time.Hour
	// DefaultJitter is how far apart the undos of one batch begin. What restarts all
	// at once has stampeded what it depends on more than once (Google Cloud, 12 June
	// 2025).
	DefaultJitter = time.Second
	// DefaultRevertWindow is how long a rollout that has ended can be taken back.
	// Source: AWS AppConfig, which reverts for 72 hours.
	DefaultRevertWindow = 72 * time.Hour
	// DefaultCanaryLimit bounds Canary, and DefaultVerifyLimit Verify.
	DefaultCanaryLimit, DefaultVerifyLimit = 2 * time.Minute, 15 * time.Minute
	// Growth is how much larger each batch is than the one before.
	Growth = 4
)

// Policy says how a change is taken back. The zero Policy is useful: all
// defaults, and no way back but to the previous version.
//
// A rollback undoes every step that was started, finished or in doubt, newest
// wave first, in batches. The first batch is one target, the canary of the
// rollback; each further one is Growth times the one before, up to Batch. It runs
// to its end when the caller's context is cancelled, and a crash does not end it
// either.
//
// When the previous version does not help, the rollback goes down the chain: the
// older versions, the newest first, then the Fallback, then Page and a rollback
// that is incomplete, which waits for a human. It never goes up again by itself.
type Policy struct {
	// Batch is the percentage of the fleet that is undone at once, in (0, 100];
	// rounded down, but at least one target. Zero means DefaultBatch.
	Batch float64
	// Parallel caps the undos in flight, within a batch. Zero means the plan's
	// Concurrency.
	Parallel int
	// Jitter is how far apart the undos of a batch begin, at random; a batch of one
	// begins at once. Zero means DefaultJitter; negative means none.
	Jitter time.Duration
	// Attempts is how often one undo is tried before it counts as failed. Zero
	// means DefaultAttempts.
	Attempts int
	// Timeout bounds one try of one undo, its verification included. Zero means
	// DefaultTimeout, or Deadline where that is less.
	Timeout time.Duration
	// Backoff is the pause after the first failed try; it doubles up to 30 s,
	// with full jitter. Zero means DefaultBackoff.
	Backoff time.Duration
	// Deadline bounds the way back to one version, verification included: past it the
	// rollback goes down the chain; or is incomplete, where all is undone and only the
	// proof is missing. A guard that holds keeps relief back no longer than that. Zero
	// means DefaultDeadline.
	Deadline time.Duration

	// Fast is what gives relief before the slow way back, such as shifting traffic or
	// turning a flag off: one after the other, before the first undo. One that fails
	// is on record and holds up nothing.
	Fast []Mitigation
	// Older are versions from before the previous one, known to be good, the newest
	// first. Where a version makes things worse, can be restored on none of the targets
	// that were tried, or takes longer than Deadline, the next one is tried, on every step
	// that was ever started and is taken back. Where it is stuck on some targets only, the
	// rollback is incomplete: an older version would not help the others.
	Older []string
	// Registry remembers which versions have proved good and which bad. With one, a
	// rollout to a version that is marked bad is refused, and one whose Older names such a
	// version. A version is marked bad when a gate, a guard or a step has failed it, not
	// when a human takes it back. The versions that have proved good follow those in
	// Older. Where the Registry has Artifacts, the way back is checked before the rollout
	// (Registry.Precheck), and a version that has proved good is left out if its artifact
	// is not what it was. Nil means that nothing is remembered.
	Registry *Registry
	// Fallback is what is tried when no version helps, such as draining: one after the
	// other, up to the first that succeeds. The rollback is incomplete all the same.
	Fallback []Mitigation
	// Page calls a human when the rollback is incomplete, or takes longer than RTO, and
	// when a failure freezes the rollout instead. It is told why, in a few sentences, and has to return when ctx is done, after
	// DefaultMitigationTimeout at the latest. It is called once for each, and again only
	// after a crash: to try again when it fails is its own to do. A rollout that a human or
	// a guard halts calls nobody: see rollout.Observer. Nil means that nobody is called.
	Page func(ctx context.Context, message string) error

	// Canary and Verify are tried before the rollout, as its other gates are: there will be
	// no time to mend them when they are needed.
	//
	// Canary is asked once the first batch is undone: its canary is what runs the old
	// version again, its baseline what still runs the new one. Where it fails, the
	// undoing stops and the rollback goes down the chain. Where it sees nothing, the
	// rollback goes on: it does not wait for metrics that are down. Its Bake's zero
	// AtMost means DefaultCanaryLimit. A gate without checks is none.
	Canary analysis.Gate
	// Verify is asked once everything is undone: whether the metrics have recovered.
	// Where it fails, the rollback goes down the chain; where it does not pass before
	// its deadline, the rollback is incomplete. Its Bake's zero AtMost means
	// DefaultVerifyLimit. A gate without checks is none.
	Verify analysis.Gate

	// Rehearse proves the way back on the first target of the rollout, before
	// anything else is touched: apply, undo, check, apply again.
	Rehearse bool
	// Takes is how long one undo takes, its verification included, as far as anyone
	// knows. RTO is how long a rollback of the whole fleet may take: a plan that cannot
	// keep it is refused, with the arithmetic. The time is Takes, or what Rehearse
	// measures, for all undos, and Jitter; what Fast, the gates, second tries and asking
	// all targets take comes on top. Zero means unknown, and no limit.
	Takes, RTO time.Duration
	// RevertWindow is for how long a rollout that has come to its end can still be
	// taken back. One that was aborted, or whose rollback is incomplete, has not, and can
	// be at any time. Zero means DefaultRevertWindow.
	RevertWindow time.Duration
	// Domain is the label of the failure domains, such as "region", where a failed
	// gate or step takes back only the domains of the wave that failed, and what is in
	// doubt; the others keep the new version. A breach that asks for a rollback, and a
	// human, take back everything, also while some domains are being taken back. Empty
	// means that everything is taken back.
	Domain string
}

// WithDefaults returns the policy with every zero field filled in but
// Parallel, whose default belongs to the plan.
func (p Policy) WithDefaults() Policy {
	if p.Batch == 0 {
		p.Batch = DefaultBatch
	}
	if p.Attempts == 0 {
		p.Attempts = DefaultAttempts
	}
	if p.Timeout == 0 {
		p.Timeout = DefaultTimeout
		if p.Deadline > 0 {
			p.Timeout = min(p.Timeout, p.Deadline)
		}
	}
	if p.Backoff == 0 {
		p.Backoff = DefaultBackoff
	}
	if p.Deadline == 0 {
		p.Deadline = DefaultDeadline
	}
	if p.Jitter == 0 {
		p.Jitter = DefaultJitter
	}
	if len(p.Canary.Checks) > 0 && p.Canary.Bake.AtMost == 0 {
		p.Canary.Bake.AtMost = max(DefaultCanaryLimit, p.Canary.Bake.AtLeast)
	}
	if len(p.Verify.Checks) > 0 && p.Verify.Bake.AtMost == 0 {
		p.Verify.Bake.AtMost = max(DefaultVerifyLimit, p.Verify.Bake.AtLeast)
	}
	if p.RevertWindow == 0 {
		p.RevertWindow = DefaultRevertWindow
	}
	return p
}

// Problems reports everything that is wrong with the policy, as the path of
// the field and what is wrong with it.
func (p Policy) Problems(report func(path, msg string)) {
	if !(p.Batch >= 0 && p.Batch <= 100) {
		report("Batch", fmt.Sprintf("is %v: want a percentage above 0, at most 100", p.Batch))
	}
	if p.Parallel < 0 {
		report("Parallel", fmt.Sprintf("is negative (%d)", p.Parallel))
	}
	if p.Attempts < 0 {
		report("Attempts", fmt.Sprintf("is negative (%d)", p.Attempts))
	}
	for _, d := range []struct {
		path  string
		value time.Duration
	}{{"Timeout", p.Timeout}, {"Backoff", p.Backoff}, {"Deadline", p.Deadline}, {"Takes", p.Takes}, {"RTO", p.RTO}, {"RevertWindow", p.RevertWindow}} {
		if d.value < 0 {
			report(d.path, fmt.Sprintf("is negative (%v)", d.value))
		}
	}
	for i, v := range p.Older {
		if v == "" || slices.Contains(p.Older[:i], v) {
			report(fmt.Sprintf("Older[%d]", i), fmt.Sprintf("%q is empty, or there twice", v))
		}
	}
	p.mitigations(report)
	for _, g := range []struct {
		path string
		gate *analysis.Gate
	}{{"Canary", &p.Canary}, {"Verify", &p.Verify}} {
		if len(g.gate.Checks) > 0 {
			g.gate.Problems(func(path, msg string) { report(g.path+"."+path, msg) })
		}
	}
	if p.RTO > 0 && p.Takes == 0 && !p.Rehearse {
		report("RTO", fmt.Sprintf("is %v, but nobody knows how long one undo takes: set Takes, or Rehearse to measure it", p.RTO))
	}
	if d := p.WithDefaults(); d.Deadline > 0 && d.Timeout > d.Deadline {
		report("Timeout", fmt.Sprintf("one try may take %v, but the whole rollback has %v", d.Timeout, d.Deadline))
	}
}

// Size returns how many of a fleet of n are undone at once: the batch rounded
// down, but at least one, and never more than n.
func (p Policy) Size(n int) int {
	const slack = 1e-9 // 33.3% of 1000 is 333, although float64 makes it a little less
	size := p.WithDefaults().Batch*float64(n)/100 + slack
	if !(size >= 1) { // NaN too
		return 1
	}
	return int(min(size, float64(max(n, 1))))
}
