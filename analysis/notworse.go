package analysis

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// Defaults of NotWorse.
const (
	// DefaultDetect is the odds ratio from which on a release must not pass.
	DefaultDetect = 2.0
	// DefaultTolerate is the odds ratio up to which a release must not fail.
	DefaultTolerate = 1.1
	// DefaultHorizon is the planned number of observations: half an hour, at
	// one every ten seconds.
	DefaultHorizon = 180
)

// NotWorse judges whether bad events (errors) are more frequent in the canary
// than in the baseline over the same time. It weighs evidence, and may be looked
// at after every observation:
//
//   - Fail as soon as the evidence of harm reaches 1/Alpha. A release whose odds
//     of an error are at most Tolerate times the baseline's is failed with a
//     probability of at most Alpha.
//   - Pass once the evidence that the release is not harmful has reached 1/Beta.
//     A release whose odds are Detect times the baseline's or more gets there
//     with a probability of at most Beta.
//   - Undecided until then, with an estimate of what is still missing.
//
// Harm is watched after a pass, too, and can still fail the release. While it
// is under suspicion (the evidence of harm is at the geometric mean of 1 and
// what would fail it, or above) it does not pass.
//
// Odds are p/(1−p), for rare errors the same as their rate p. The baseline
// should be the whole stable fleet: what moves both arms (time of day, an
// outage of a dependency) cancels out exactly, whatever the traffic split, and
// also when it changes during the rollout.
//
// The error rates hold when the arms differ by the release alone, and requests
// fail independently of each other. A canary on worse hardware, with cold
// caches, or with errors that come in bursts looks like a bad release, to this
// and to every other test; a higher Tolerate, a warm-up or more canary targets
// help. Where neither arm shows any errors there is nothing to compare, and no
// pass: combine it with Below, or watch longer.
//
// An observation with an error, or without canary data or a baseline, is no
// evidence. Samples that are not counts make the verdict an Error.
//
// The zero value is ready to use. The evidence is explained in package
// evidence. A NotWorse may be used by many goroutines at once, its trials by one
// each.
type NotWorse struct {
	// Detect is the odds ratio that the plan cares about. It must be more than
	// Tolerate. Zero means DefaultDetect.
	Detect float64
	// Tolerate is the odds ratio that nobody minds, 1 or more. Builds always
	// differ a little, and with 1 a busy service finds out. Zero means
	// DefaultTolerate.
	Tolerate float64
	// Alpha and Beta bound how often a tolerable release fails, and how often a
	// harmful one passes: probabilities over the whole trial. Zero means
	// DefaultAlpha and DefaultBeta. In a gate, the gate's share takes their
	// place.
	Alpha, Beta float64
	// Horizon is the planned number of observations. A regression that begins
	// late is found sooner if it begins within it. The error rates hold beyond
	// it. Zero means DefaultHorizon; 1 expects a regression to show from the
	// start.
	Horizon int
}

// Share returns the judge for these error rates.
func (j NotWorse) Share(alpha, beta float64) Judge {
	j.Alpha, j.Beta = alpha, beta
	return j
}

// Problems reports what is wrong with the settings.
func (j NotWorse) Problems(report func(path, msg string)) {
	d := j.withDefaults()
	switch {
	case !(d.Tolerate >= 1) || math.IsInf(d.Tolerate, 1):
		report("Tolerate", fmt.Sprintf("is %v: want an odds ratio of 1 or more, such as %v", d.Tolerate, DefaultTolerate))
	case !(d.Detect > d.Tolerate) || math.IsInf(d.Detect, 1):
		report("Detect", fmt.Sprintf("is %v: want an odds ratio of more than what is tolerated, %v", d.Detect, d.Tolerate))
	}
	if !rateOK(j.Alpha) {
		report("Alpha", fmt.Sprintf("is %v: want a probability between 0 and 0.5", j.Alpha))
	}
	if !rateOK(j.Beta) {
		report("Beta", fmt.Sprintf("is %v: want a probability between 0 and 0.5", j.Beta))
	}
	if j.Horizon < 0 {
		report("Horizon", fmt.Sprintf("is negative (%d)", j.Horizon))
	}
}

func (j NotWorse) withDefaults() NotWorse {
	fill := func(v *float64, def float64) {
		if *v == 0 {
			*v = def
		}
	}
	fill(&j.Detect, DefaultDetect)
	fill(&j.Tolerate, DefaultTolerate)
	fill(&j.Alpha, DefaultAlpha)
	fill(&j.Beta, DefaultBeta)
	if j.Horizon == 0 {
		j.Horizon = DefaultHorizon
	}
	return j
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error.
func (j NotWorse) Begin() Trial {
	if problem := firstProblem("NotWorse", j); problem != "" {
		return unusable(problem)
	}
	d := j.withDefaults()
	return &notWorseTrial{
		NotWorse: d,
		harm:     evidence.NewHarm(d.Tolerate, d.Horizon),
		safe:     evidence.NewSafe(d.Detect),
	}
}

type notWorseTrial struct {
	NotWorse // with defaults filled in
	harm     evidence.Harm
	safe     evidence.Safe
	odds     evidence.MantelHaenszel

	logHarm, logSafe float64 // of the evidence so far
	canary, baseline Summary
	alone            int     // observations in a row without a baseline
	shown            bool    // that it is not harmful
	failed           Verdict // latched
}

// Judge takes the next observation.
func (t *notWorseTrial) Judge(o Observation) Verdict {
	if t.failed.Outcome == Fail {
		return t.failed
	}
	if o.Err != "" {
		return t.verdict(Undecided, "could not look: "+o.Err)
	}
	if problem := notCounts(o); problem != "" {
		return t.verdict(Error, problem)
	}
	t.canary.add(o.Canary)
	t.baseline.add(o.Baseline)
	if o.Baseline.Total > 0 {
		t.alone = 0
	} else {
		t.alone++
	}
	c := evidence.Counts{
		CanaryEvents: o.Canary.Events, CanaryTotal: o.Canary.Total,
		BaselineEvents: o.Baseline.Events, BaselineTotal: o.Baseline.Total,
	}
	t.harm.Observe(c)
	t.safe.Observe(c)
	t.odds.Observe(c)

	t.logHarm, t.logSafe = t.harm.Log(), t.safe.Log()
	fail := -math.Log(t.Alpha)
	t.shown = t.shown || t.logSafe >= -math.Log(t.Beta)
	switch {
	case t.logHarm >= fail:
		t.failed = t.verdict(Fail, t.failReason())
		return t.failed
	case o.Canary.Total == 0:
		return t.verdict(Undecided, "no canary data")
	case t.shown && t.logHarm >= fail/2:
		return t.verdict(Undecided, fmt.Sprintf("was shown not to be %sx worse, but is under suspicion: %s; evidence of harm %s (fails at %s)",
			plain(t.Detect), t.figures(), short(evidence.Value(t.logHarm)), short(1/t.Alpha))+t.aloneNote())
	case t.shown:
		return t.verdict(Pass, t.passReason()+t.aloneNote())
	}
	return t.verdict(Undecided, t.waitReason()+t.aloneNote())
}

func (t *notWorseTrial) verdict(outcome Outcome, reason string) Verdict {
	return Verdict{
		Outcome: outcome, Reason: reason, Canary: t.canary, Baseline: t.baseline,
		Evidence: Evidence{
			Harm: evidence.Value(t.logHarm), HarmNeeded: 1 / t.Alpha,
			Safe: evidence.Value(t.logSafe), SafeNeeded: 1 / t.Beta,
		},
	}
}

// figures compares the arms. The odds ratio is estimated within each
// observation: that of the totals would mislead when error rate and traffic
// split change together.
func (t *notWorseTrial) figures() string {
	s := arm("canary", t.canary) + " against " + arm("baseline", t.baseline)
	switch ratio := t.odds.Ratio(); {
	case math.IsNaN(ratio):
		return s
	case math.IsInf(ratio, 1):
		return s + ": events in the canary alone"
	default:
		return s + ": " + times(ratio) + " times the odds"
	}
}

func (t *notWorseTrial) failReason() string {
	atLeast := ""
	if psi, ok := t.harm.AtLeast(t.Alpha); ok {
		atLeast = fmt.Sprintf(", at least %s with %.4g%% confidence", times(psi), 100*(1-t.Alpha))
	}
	return fmt.Sprintf("%s%s; evidence of harm %s (needed %s)", t.figures(), atLeast, short(evidence.Value(t.logHarm)), short(1/t.Alpha))
}

func (t *notWorseTrial) passReason() string {
	when := "shown"
	if t.logSafe < -math.Log(t.Beta) {
		when = "shown before"
	}
	return fmt.Sprintf("%s not to be %sx worse: %s; evidence %s (needed %s)",
		when, plain(t.Detect), t.figures(), short(evidence.Value(t.logSafe)), short(1/t.Beta))
}

func (t *notWorseTrial) waitReason() string {
	so, bad := "no worse so far", ""
	switch ratio := t.odds.Ratio(); {
	case t.baseline.Total == 0:
		return arm("canary", t.canary) + ", and nothing to compare it with"
	case math.IsNaN(ratio):
		return "nothing to compare yet: " + t.figures()
	case ratio > t.Tolerate:
		so = "worse so far"
		bad = fmt.Sprintf(" of harm %s (fails at %s),", short(evidence.Value(t.logHarm)), short(1/t.Alpha))
	}
	s := fmt.Sprintf("%s: %s; evidence%s that it is not %sx worse %s of %s",
		so, t.figures(), bad, plain(t.Detect), short(evidence.Value(t.logSafe)), short(1/t.Beta))
	share := float64(t.canary.Total) / float64(t.canary.Total+t.baseline.Total)
	if growth := t.safe.Growth(t.baseline.Rate, share); growth > 0 && t.alone == 0 {
		s += fmt.Sprintf(": about %s more canary requests if it is not worse", roundUp((-math.Log(t.Beta)-t.logSafe)/growth))
	}
	return s
}

// aloneNote says that the comparison is an old one: there is nothing left to
// compare with, as in a last wave.
func (t *notWorseTrial) aloneNote() string {
	switch {
	case t.alone == 0 || t.baseline.Total == 0:
		return ""
	case t.alone == 1:
		return "; no baseline in the last observation, so this rests on those before"
	default:
		return fmt.Sprintf("; no baseline in the last %d observations, so this rests on those before", t.alone)
	}
}

// notCounts says why an observation cannot be weighed, empty if it can.
func notCounts(o Observation) string {
	for _, arm := range [...]struct {
		name string
		Sample
	}{{"canary", o.Canary}, {"baseline", o.Baseline}} {
		switch {
		case arm.Kind == ValueKind:
			return fmt.Sprintf("the %s sample is a value (%s): only counts of events among a total can be compared", arm.name, plain(arm.Value))
		case arm.Total > evidence.MaxCount:
			return fmt.Sprintf("the %s sample has a total of %d, which is beyond belief for one observation", arm.name, arm.Total)
		}
	}
	return ""
}
