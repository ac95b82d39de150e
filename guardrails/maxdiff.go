package guardrails

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync"
	"time"
)

// Defaults of MaxDiff.
const (
	// DefaultMaxGrow is by how many percent an artifact may be larger than the last
	// good one.
	DefaultMaxGrow = 50
	// DefaultMaxShrink is by how many percent it may be smaller.
	DefaultMaxShrink = 50
)

// MaxDiff refuses an artifact that is much larger or smaller than the last good one, in
// bytes or in entries, or larger than who reads it can take. No override lifts it.
//
// What it would have stopped: at Cloudflare, on 18 November 2025, a query began to
// return each row twice, so that a generated file of features doubled. It went to
// every machine, where it was over a limit of 200 features, and the proxies crashed.
// The file was valid, and about 60 features in use had been 60 for long: that it
// doubled at once was the sign.
//
// It minds Start and Deploy (and a verb it does not know), and leaves the others
// alone: what takes the artifact back is not held by its size. It measures at most
// once a second for each release, not for each step; that may take five seconds.
//
// An artifact that is empty, one that cannot be measured, and one without a last good
// one to compare it with are refused. So is everything by the zero MaxDiff, which
// does not know what to measure; Problems reports it. Use it by pointer; it is safe
// for concurrent use, and its fields must not be changed after the first call.
type MaxDiff struct {
	// New measures what is about to be deployed, and Good the one that was deployed
	// last and found good: not simply the last. Both get the action without its
	// target. See ArtifactFile. Required.
	New, Good func(ctx context.Context, act Action) (Artifact, error)
	// Grow and Shrink are by how many percent the new one may be larger or smaller, in
	// bytes and in entries: more than 0, and for Shrink at most 100. Zero means
	// DefaultMaxGrow and DefaultMaxShrink.
	Grow, Shrink float64
	// MaxBytes and MaxEntries are the most that who reads it can take, whatever the last
	// one was. Zero means no such limit.
	MaxBytes, MaxEntries int64
	// First, when not empty, is the reason why there is no last good one: where Good
	// returns an fs.ErrNotExist, only MaxBytes and MaxEntries count then, and one of
	// them is needed.
	First string

	mu       sync.Mutex
	measured map[release]*asked[diff]
}

// release is what is measured once.
type release struct{ rollout, service, from, to string }

// diff is an artifact, and what it is compared with.
type diff struct {
	new, good Artifact
	first     bool // there is no good one
}

// maxGrow is where a limit is none any more.
const maxGrow = 1e6

// measureEvery is how long a measurement counts.
const measureEvery = time.Second

// maxReleases bounds how many releases are remembered.
const maxReleases = 100

// GuardName returns "max-diff".
func (m *MaxDiff) GuardName() string { return "max-diff" }

// Problems reports every setting that makes no sense.
func (m *MaxDiff) Problems(report func(path, msg string)) {
	if m.New == nil {
		report("New", "is nil, so there is nothing to measure")
	}
	if m.Good == nil {
		report("Good", "is nil, so there is nothing to compare with")
	}
	m.limitProblems(report)
}

func (m *MaxDiff) limitProblems(report func(path, msg string)) {
	if m.Grow != 0 && !(m.Grow > 0 && m.Grow <= maxGrow) {
		report("Grow", fmt.Sprintf("is %v: want a percentage above 0, at most %v", m.Grow, maxGrow))
	}
	if m.Shrink != 0 && !(m.Shrink > 0 && m.Shrink <= 100) {
		report("Shrink", fmt.Sprintf("is %v: want a percentage above 0, at most 100", m.Shrink))
	}
	if m.MaxBytes < 0 {
		report("MaxBytes", fmt.Sprintf("is negative (%d)", m.MaxBytes))
	}
	if m.MaxEntries < 0 {
		report("MaxEntries", fmt.Sprintf("is negative (%d)", m.MaxEntries))
	}
	if m.First != "" && m.MaxBytes == 0 && m.MaxEntries == 0 {
		report("First", "is set, so there may be nothing to compare with, and neither MaxBytes nor MaxEntries says how large it may be")
	}
}

// Check returns a *Breach that holds when the artifact is too different, too large or
// empty, and when that cannot be told.
func (m *MaxDiff) Check(ctx context.Context, act Action) error {
	switch act.Verb {
	case Bake, Undo, Recover:
		return nil
	case Start, Unknown, Deploy: // and every verb to come
	}
	if wrong := firstProblem(m); wrong != "" {
		return m.no("the limits are none", wrong, "Correct the settings of MaxDiff.")
	}
	act.Target, act.Labels, act.Weight, act.Fleet = "", nil, 0, nil
	d, err := m.of(act).get(ctx, measureEvery, answerWithin, func(ctx context.Context) (diff, error) { return m.measure(ctx, act) })
	if err != nil {
		b := m.no("the artifact could not be measured", err.Error(), "Make it, and the last good one, readable; or say that it is the First.")
		b.Err = err
		return b
	}
	if b := m.judge(d); b != nil {
		return b
	}
	return nil
}

// of returns the measurement of a release.
func (m *MaxDiff) of(act Action) *asked[diff] {
	key := release{act.Rollout, act.Service, act.From, act.To}
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.measured[key]
	if a == nil {
		if m.measured == nil || len(m.measured) >= maxReleases {
			m.measured = make(map[release]*asked[diff])
		}
		a = new(asked[diff])
		m.measured[key] = a
	}
	return a
}

func (m *MaxDiff) measure(ctx context.Context, act Action) (d diff, err error) {
	if d.new, err = m.New(ctx, act); err != nil {
		return d, fmt.Errorf("the new one: %w", err)
	}
	if d.good, err = m.Good(ctx, act); err != nil {
		if m.First != "" && errors.Is(err, fs.ErrNotExist) {
			return diff{new: d.new, first: true}, nil
		}
		return d, fmt.Errorf("the last good one: %w", err)
	}
	return d, nil
}

// judge says what is wrong with an artifact, if anything.
func (m *MaxDiff) judge(d diff) *Breach {
	if d.first {
		d.good = Artifact{}
	}
	for _, one := range []struct {
		what           string
		new, good, max int64
		optional       bool
	}{
		{"bytes", d.new.Bytes, d.good.Bytes, m.MaxBytes, false},
		{"entries", d.new.Entries, d.good.Entries, m.MaxEntries, true},
	} {
		evidence := fmt.Sprintf("%v; the last good one has %v", d.new, d.good)
		if d.first {
			evidence = fmt.Sprintf("%v; it is the first: %s", d.new, m.First)
		}
		switch {
		case one.new < 0 || one.good < 0:
			return m.no("the artifact could not be measured", "negative figures: "+evidence, "Report this: who measures has a bug.")
		case one.optional && one.new == 0 && one.good == 0 && one.max == 0:
			continue // nobody counts
		case one.new == 0:
			return m.no(fmt.Sprintf("the artifact has no %s", one.what), evidence, runbookDiff)
		case one.max > 0 && one.new > one.max:
			return m.no(fmt.Sprintf("the artifact has %d %s, and who reads it can take %d", one.new, one.what, one.max), evidence, runbookDiff)
		case d.first:
			continue
		case one.good == 0:
			return m.no(fmt.Sprintf("the last good artifact has no %s to compare with", one.what), evidence, runbookDiff)
		}
		grow, shrink := orPercent(m.Grow, DefaultMaxGrow), orPercent(m.Shrink, DefaultMaxShrink)
		most := int64(math.MaxInt64)
		if float64(one.good)*(1+grow/100) < math.MaxInt64 {
			most = one.good + share(grow, one.good)
		}
		if one.new > most {
			return m.no(fmt.Sprintf("the artifact has %d %s where the last good one has %d", one.new, one.what, one.good),
				fmt.Sprintf("%+.4g%%; the cap is +%v%% = %d", change(one.new, one.good), grow, most), runbookDiff)
		}
		if least := one.good - share(shrink, one.good); one.new < least {
			return m.no(fmt.Sprintf("the artifact has %d %s where the last good one has %d", one.new, one.what, one.good),
				fmt.Sprintf("%+.4g%%; the cap is -%v%% = %d", change(one.new, one.good), shrink, least), runbookDiff)
		}
	}
	return nil
}

const runbookDiff = "Look at what has changed in it, and at what it is made from: doubled rows, a source that is missing, a filter. " +
	"Keep the last good one in use, and stop what makes it. If it is right, raise the limit in the plan. No override lifts this cap."

func change(now, before int64) float64 {
	return 100 * (float64(now) - float64(before)) / float64(before)
}

func orPercent(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}

// SelfTest has the limits refuse an artifact that is far too large, one that is far too
// small, and an empty one; and accept one that is like the last.
func (m *MaxDiff) SelfTest(context.Context) error {
	if wrong := firstProblem(m); wrong != "" {
		return errors.New(wrong)
	}
	good := Artifact{Bytes: 1000, Entries: 100}
	if m.MaxBytes > 0 {
		good.Bytes = min(good.Bytes, m.MaxBytes)
	}
	if m.MaxEntries > 0 {
		good.Entries = min(good.Entries, m.MaxEntries)
	}
	if b := m.judge(diff{new: good, good: good}); b != nil {
		return fmt.Errorf("it refused one that is like the last: %w", b)
	}
	times := int64(orPercent(m.Grow, DefaultMaxGrow)) + 2
	for _, bad := range []Artifact{{}, {good.Bytes, 0}, {times * good.Bytes, good.Entries}, {good.Bytes, times * good.Entries}} {
		if m.judge(diff{new: bad, good: good}) == nil {
			return fmt.Errorf("it let through an artifact of %v after one of %v", bad, good)
		}
	}
	return nil
}

func (m *MaxDiff) no(reason, evidence, runbook string) *Breach {
	return &Breach{Guard: m.GuardName(), Consequence: Hold, Reason: reason, Evidence: evidence, Runbook: runbook, Cap: true}
}
