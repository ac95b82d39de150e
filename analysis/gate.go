package analysis

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"
)

// Defaults of a Gate.
const (
	// DefaultAlpha bounds how often a healthy release is failed by the gate,
	// over the whole rollout and all checks together.
	DefaultAlpha = 0.01
	// DefaultBeta bounds how often a release that is worse by the factor that
	// the plan cares about is passed.
	DefaultBeta = 0.05
	// DefaultInterval is the time between two observations.
	DefaultInterval = 10 * time.Second
	// DefaultAtMost is the deadline of a bake.
	DefaultAtMost = time.Hour
	// DefaultCompare is the length of an A/A window that can be looked up.
	DefaultCompare = 30 * time.Minute
)

// Gate is what stands between one wave and the next: checks that all have to
// pass, during a bake. A Gate without checks passes nothing; a wave that is
// meant to have no gate must say so (rollout.Wave.Ungated).
type Gate struct {
	Bake   Bake
	Checks []Check
	// Interval is the time between two observations. Zero means
	// DefaultInterval. A check whose last good observation is older than three
	// intervals and its Timeout does not pass: data that lags behind needs a
	// longer interval.
	Interval time.Duration
	// Alpha bounds how often a healthy release is failed, and Beta how often a
	// harmful one is passed, by the checks that control their error rates
	// (Sharer, such as NotWorse). They hold over all waves that share the gate.
	// Alpha is for all checks together, and shared among them. Every check gets
	// all of Beta, since all of them must pass. Checks with fixed limits are
	// wrong as often as their limits make them. Zero means DefaultAlpha and
	// DefaultBeta.
	Alpha, Beta float64
	// OnDeadline says what follows when there is no verdict at the deadline.
	OnDeadline DeadlinePolicy
	// PassScore, if set, replaces "all checks must pass": the gate passes when those
	// that pass have so many percent of the weight of all, more than 0 and up to 100,
	// and all that are Critical pass. It fails when a Critical check does, or when
	// what has failed makes the score out of reach. What one check alone has no right
	// to fail, the checks together do not fail either: their evidence is not added up.
	PassScore float64
	// Compare is how long an A/A window before the rollout is, in which the arms are
	// compared while both run the old version (Calibrate). Sources that know the past
	// (Historian) are asked about it. The others have to watch for so long before the
	// first wave, and do so only if it is set. Zero means DefaultCompare for the
	// former; negative, that nothing is compared.
	Compare time.Duration
	// IfBurning says what to do if a check fails before anything is deployed. The zero
	// value refuses the rollout.
	IfBurning Burning
	// NoPreflight says why the checks are not tried before the first wave; empty for
	// trying them. Without it, a rollout is refused if one of them has no data, or
	// data of the wrong shape.
	NoPreflight string
}

// IsZero tells whether nothing at all is set.
func (g Gate) IsZero() bool {
	if len(g.Checks) == 0 {
		g.Checks = nil
	}
	return reflect.ValueOf(g).IsZero()
}

// Every returns the time between two observations, with the default filled in.
func (g Gate) Every() time.Duration {
	if g.Interval > 0 {
		return g.Interval
	}
	return DefaultInterval
}

// Deadline returns how long after a wave's last step its verdict must be in,
// with the default filled in.
func (g Gate) Deadline() time.Duration {
	if g.Bake.AtMost > 0 {
		return g.Bake.AtMost
	}
	return max(DefaultAtMost, 2*g.Bake.AtLeast)
}

func (g Gate) alpha() float64 {
	if g.Alpha > 0 {
		return g.Alpha
	}
	return DefaultAlpha
}

func (g Gate) beta() float64 {
	if g.Beta > 0 {
		return g.Beta
	}
	return DefaultBeta
}

// Problems reports everything that is wrong with the gate, as the path of the
// field and what is wrong with it.
func (g Gate) Problems(report func(path, msg string)) {
	say := func(path, format string, args ...any) { report(path, fmt.Sprintf(format, args...)) }
	b := g.Bake
	if b.AtLeast < 0 {
		say("Bake.AtLeast", "is negative (%v)", b.AtLeast)
	}
	if b.AtMost < 0 {
		say("Bake.AtMost", "is negative (%v)", b.AtMost)
	}
	if b.AtMost > 0 && b.AtMost < b.AtLeast {
		say("Bake.AtMost", "the deadline %v comes before the shortest bake AtLeast %v", b.AtMost, b.AtLeast)
	}
	if g.Interval < 0 {
		say("Interval", "is negative (%v)", g.Interval)
	}
	if g.Deadline() < g.Every() {
		say("Interval", "one observation every %v, but the verdict is due after %v: it could never be given", g.Every(), g.Deadline())
	}
	reportRates(report, g.Alpha, g.Beta)
	if g.OnDeadline > WaitAtDeadline {
		say("OnDeadline", "unknown policy %d", g.OnDeadline)
	}
	if !(g.PassScore >= 0 && g.PassScore <= 100) {
		say("PassScore", "is %v: want a percentage of the weight of all checks, up to 100, or 0 if all must pass", g.PassScore)
	}
	if problem := g.IfBurning.problem(); problem != "" {
		say("IfBurning", "%s", problem)
	}
	g.checkProblems(say)
}

func (g Gate) checkProblems(say func(path, format string, args ...any)) {
	if len(g.Checks) == 0 {
		say("Checks", "a gate without checks can pass nothing: add a check, or mark the wave Ungated with a reason")
		return
	}
	shadows, slow := 0, 0
	seen := make(map[string]int, len(g.Checks))
	exclusive := make(map[Source]int)
	for i, c := range g.Checks {
		path := fmt.Sprintf("Checks[%d]", i)
		first, dup := seen[c.Name]
		seen[c.Name] = i
		switch {
		case c.Name == "":
			say(path+".Name", "is empty: reports need a name, such as \"errors\"")
		case dup:
			say(path+".Name", "%q is the name of Checks[%d] already", c.Name, first)
		}
		if c.Source == nil {
			say(path+".Source", "is nil: there is nothing to look with")
		} else if p, ok := c.Source.(Problemer); ok {
			p.Problems(func(sub, msg string) { say(path+".Source."+sub, "%s", msg) })
		}
		if _, ok := c.Source.(Exclusive); ok && reflect.TypeOf(c.Source).Comparable() {
			if first, taken := exclusive[c.Source]; taken {
				say(path+".Source", "is the source of Checks[%d] as well, and each would see a part of what it counts: give each check its own", first)
			}
			exclusive[c.Source] = i
		}
		if c.Judge == nil {
			say(path+".Judge", "is nil: there is nothing to decide with")
		} else if p, ok := c.Judge.(Problemer); ok {
			p.Problems(func(sub, msg string) { say(path+".Judge."+sub, "%s", msg) })
		}
		if c.Timeout < 0 || c.Window < 0 {
			say(path, "has a negative duration (Timeout %v, Window %v)", c.Timeout, c.Window)
		}
		if c.Window > g.Bake.AtLeast {
			say(path+".Window", "the metric window %v is longer than the bake AtLeast %v: it would judge traffic from before the wave", c.Window, g.Bake.AtLeast)
		}
		if c.Judge != nil && addsUp(c.Judge) && c.Window > g.Every() {
			say(path+".Window", "the metric window %v is longer than the interval %v: a judge that adds up what it sees would count most of it several times", c.Window, g.Every())
		}
		if !(c.Weight >= 0) || math.IsInf(c.Weight, 1) {
			say(path+".Weight", "is %v: want a weight of 0 or more, where 0 means 1", c.Weight)
		}
		if c.Slow < 0 {
			say(path+".Slow", "is negative (%v)", c.Slow)
		}
		if int(c.NoData) >= len(noDataWords) {
			say(path+".NoData", "unknown policy %d", c.NoData)
		}
		if c.NoDataAfter < 0 {
			say(path+".NoDataAfter", "is negative (%d)", c.NoDataAfter)
		}
		switch {
		case c.Shadow:
			shadows++
		case c.Slow > 0:
			slow++
			if c.Slow > g.Deadline() {
				say(path+".Slow", "the last wave would have to be watched for up to %v, but its verdict is due after %v: raise Bake.AtMost", c.Slow, g.Deadline())
			}
		}
	}
	switch {
	case shadows == len(g.Checks):
		say("Checks", "all %d checks are Shadow, so the gate could pass nothing", len(g.Checks))
	case shadows+slow == len(g.Checks):
		say("Checks", "all %d checks that act are Slow, so that nothing would be left to hold up a wave", slow)
	}
}

// A Problemer can tell what is wrong with its own settings, before a rollout
// starts. Judges, sources and guards may implement it.
type Problemer interface {
	Problems(report func(path, msg string))
}

func rateOK(p float64) bool { return p >= 0 && p < 0.5 } // false for NaN

// reportRates reports error rates that are none.
func reportRates(report func(path, msg string), alpha, beta float64) {
	if !rateOK(alpha) {
		report("Alpha", fmt.Sprintf("is %v: want a probability between 0 and 0.5", alpha))
	}
	if !rateOK(beta) {
		report("Beta", fmt.Sprintf("is %v: want a probability between 0 and 0.5", beta))
	}
}

func orDefault[T int | uint64 | float64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// addsUp tells whether a judge would count an event that it is shown twice as two.
func addsUp(j Judge) bool {
	switch j := j.(type) {
	case BurnRate:
		return true
	case AllOf:
		return slices.ContainsFunc(j, addsUp)
	case PerSlice:
		return addsUp(j.Judge)
	}
	return weighsEvidence(j)
}

// weighsEvidence tells whether a judge controls its error rates.
func weighsEvidence(j Judge) bool {
	switch j := j.(type) {
	case AllOf:
		return slices.ContainsFunc(j, weighsEvidence)
	case PerSlice:
		return weighsEvidence(j.Judge)
	}
	_, ok := j.(Sharer)
	return ok
}
