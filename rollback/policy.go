package rollback

import (
	"fmt"
	"time"
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
	// DefaultDeadline bounds the whole rollback.
	DefaultDeadline = time.Hour
)

// Policy says how a change is taken back. The zero Policy is useful: all
// defaults.
//
// A rollback undoes every step that was started, finished or in doubt, newest
// wave first, in batches. It runs to its end when the caller's context is
// cancelled, and a crash does not end it either.
type Policy struct {
	// Batch is the percentage of the fleet that is undone at once, in (0, 100];
	// rounded down, but at least one target. Zero means DefaultBatch.
	Batch float64
	// Parallel caps the undos in flight, within a batch. Zero means the plan's
	// Concurrency.
	Parallel int
	// Attempts is how often one undo is tried before it counts as failed. Zero
	// means DefaultAttempts.
	Attempts int
	// Timeout bounds one try of one undo, its verification included. Zero means
	// DefaultTimeout, or Deadline where that is less.
	Timeout time.Duration
	// Backoff is the pause after the first failed try; it doubles up to 30 s,
	// with full jitter. Zero means DefaultBackoff.
	Backoff time.Duration
	// Deadline bounds the whole rollback: past it no undo is started and the
	// rollback is incomplete, which calls for a human. Zero means
	// DefaultDeadline.
	Deadline time.Duration
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
	}{{"Timeout", p.Timeout}, {"Backoff", p.Backoff}, {"Deadline", p.Deadline}} {
		if d.value < 0 {
			report(d.path, fmt.Sprintf("is negative (%v)", d.value))
		}
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
