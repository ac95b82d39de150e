package guardrails

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// MaxExposure is a hard cap on the blast radius: how much of the fleet may run
// the new version before any gate has passed it. No override lifts it.
//
// What it counts is exposed and unproven: targets that a step was started on
// and that no passed gate covers yet. That is what is lost if the new version is bad.
// The total would be the wrong thing to cap: every rollout that succeeds ends
// at 100%, and a cap on the total could only be a cap on success. With the
// unproven share capped, exposure grows as fast as gates vouch for it, and
// however the waves were cut, labelled or resumed, a version that nobody has
// vouched for stays small.
//
// It is the limit at the last hop, which shares no arithmetic with the planner
// that it checks. What it would have bounded: one operator's configuration
// change that reached a whole storefront (Amazon.com, March 2026), a script
// that was given the wrong ids and deleted 883 sites in 23 minutes (Atlassian, April 2022), and a
// playbook with one wrong input that removed far more servers than was meant
// (AWS S3, February 2017).
//
// It minds Deploy (and a verb it does not know). It never holds an Undo, which
// makes the exposure smaller, and neither a Bake: should the fleet shrink under
// a wave, so that the share outgrows the cap, then a passed gate is the very
// thing that brings it back, and the next Deploy is held anyway.
//
// The zero MaxExposure has no cap to check against, so it holds every Deploy;
// Problems reports it. It is Static, so a plan whose waves are larger than the
// cap is refused before anything is touched. It is a plain value, and safe for
// concurrent use.
type MaxExposure struct {
	// Percent caps the unproven share of the weight, in (0, 100]. The limit is
	// rounded down: 33% of 40 is 13. Zero means that only Count caps.
	Percent float64
	// Count caps the number of unproven targets. Zero means that only Percent
	// caps; when both are set, both hold.
	Count int
	// PerLabel names a label, such as "zone": the caps then hold within each of
	// its values by itself, so that no zone is ever exposed by more. A target
	// without the label belongs to the value "". Empty caps the fleet as a whole.
	PerLabel string
}

// GuardName returns "max-exposure", and with PerLabel "max-exposure/zone".
func (m MaxExposure) GuardName() string {
	if m.PerLabel == "" {
		return "max-exposure"
	}
	return "max-exposure/" + m.PerLabel
}

// Static promises that Check answers from the action alone.
func (m MaxExposure) Static() {}

// Problems reports every setting that makes no sense, as the path of the field
// and what is wrong with it.
func (m MaxExposure) Problems(report func(path, msg string)) {
	if m.Percent == 0 && m.Count == 0 {
		report("Percent", "neither Percent nor Count is set, so there is no cap and nothing would be let through")
	}
	if m.Percent != 0 && !(m.Percent > 0 && m.Percent <= 100) {
		report("Percent", fmt.Sprintf("is %v: want a percentage above 0, at most 100", m.Percent))
	}
	if m.Count < 0 {
		report("Count", fmt.Sprintf("is negative (%d): want a number of targets", m.Count))
	}
}

// Check returns a *Breach that holds when the action, counted as done, exposes
// more than the cap; when the figures to tell are missing; and when the
// settings make no sense. It asks act.Fleet once, and does not wait for
// anything.
func (m MaxExposure) Check(_ context.Context, act Action) error {
	switch act.Verb {
	case Start, Bake, Undo, Recover:
		return nil
	case Unknown, Deploy: // and every verb to come
	}
	var wrong string
	m.Problems(func(path, msg string) { wrong = path + " " + msg })
	if wrong != "" {
		return m.breach("the cap is not a cap", wrong, "Correct the plan's MaxExposure.")
	}
	if act.Fleet == nil {
		return m.breach("it is not known how much is exposed", "the action carries no fleet",
			"Run this through a rollout, which counts what it exposes.")
	}
	value := ""
	if m.PerLabel != "" {
		value = act.Labels[m.PerLabel]
	}
	t := act.Fleet.Tally(m.PerLabel, value)
	if !m.plausible(t) {
		runbook := "Report this: the fleet's count is a bug."
		if m.PerLabel != "" && value == "" {
			runbook = fmt.Sprintf("Give every target a label %q.", m.PerLabel)
		}
		return m.breach("it is not known how much is exposed", fmt.Sprintf("the count of %s makes no sense: %+v", m.group(value), t), runbook)
	}
	if t.Unproven > m.Count && m.Count > 0 {
		return m.breach(m.sentence(t, value), fmt.Sprintf("%d of %d targets; the cap is %d", t.Unproven, t.Targets, m.Count), runbookExposure)
	}
	if m.Percent > 0 {
		if limit := share(m.Percent, t.Weight); t.UnprovenWeight > limit {
			unit := " targets"
			if t.Weight != int64(t.Targets) || t.UnprovenWeight != int64(t.Unproven) {
				unit = " units of weight"
			}
			evidence := fmt.Sprintf("%d of %d%s (%.4g%%); the cap is %v%% = %d",
				t.UnprovenWeight, t.Weight, unit, 100*float64(t.UnprovenWeight)/float64(t.Weight), m.Percent, limit)
			return m.breach(m.sentence(t, value), evidence, runbookExposure)
		}
	}
	return nil
}

// SelfTest has the cap refuse one target more than it allows, in a made-up fleet that is
// exposed and unproven as a whole. A cap of 100% alone fails it: it would refuse nothing.
func (m MaxExposure) SelfTest(ctx context.Context) error {
	if wrong := firstProblem(m); wrong != "" {
		return errors.New(wrong)
	}
	over := max(m.Count, 999)
	if over < math.MaxInt {
		over++
	}
	act := Action{Verb: Deploy, Target: "self-test", Labels: map[string]string{m.PerLabel: "self-test"}}
	if m.Percent > 0 && (m.Percent < 100 || m.Count == 0) {
		act.Fleet = oneTally{Targets: 1000, Exposed: 1000, Unproven: 1000, Weight: 1000, ExposedWeight: 1000, UnprovenWeight: 1000}
		if err := mustRefuse(ctx, MaxExposure{Percent: m.Percent, PerLabel: m.PerLabel}, act, "a step that exposed all of a fleet of 1000"); err != nil {
			return err
		}
	}
	if m.Count > 0 {
		act.Fleet = oneTally{Targets: over, Exposed: over, Unproven: over}
		return mustRefuse(ctx, MaxExposure{Count: m.Count, PerLabel: m.PerLabel}, act, fmt.Sprintf("a step that exposed %d targets", over))
	}
	return nil
}

// oneTally is a fleet that counts the same wherever one looks.
type oneTally Tally

// Tally implements Fleet.
func (f oneTally) Tally(_, _ string) Tally { return Tally(f) }

const runbookExposure = "Nothing to do while a gate is due: its pass, or an undo, makes room. " +
	"If the wave itself is larger than the cap, abort and cut smaller waves. No override lifts this cap."

func (m MaxExposure) breach(reason, evidence, runbook string) *Breach {
	return &Breach{Guard: m.GuardName(), Consequence: Hold, Reason: reason, Evidence: evidence, Runbook: runbook, Cap: true}
}

func (m MaxExposure) sentence(t Tally, value string) string {
	return fmt.Sprintf("%d of %d targets in %s would run a version that no gate has passed", t.Unproven, t.Targets, m.group(value))
}

// group names what is counted.
func (m MaxExposure) group(value string) string {
	if m.PerLabel == "" {
		return "the fleet"
	}
	return fmt.Sprintf("%s %q", m.PerLabel, value)
}

// plausible tells whether a tally can be that of a group in which a target is
// about to be exposed. A count that cannot be right lets nothing through.
func (m MaxExposure) plausible(t Tally) bool {
	if m.Percent > 0 && (t.Weight <= 0 || t.UnprovenWeight < 0 || t.UnprovenWeight > t.Weight) {
		return false
	}
	return t.Targets > 0 && t.Unproven >= 0 && t.Unproven <= t.Targets
}
