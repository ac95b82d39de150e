package analysis

import (
	"fmt"
	"math"
	"time"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// BurnRate judges the canary by a service level objective: how fast it uses up the
// error budget, which is 1−Objective of all requests. A burn rate of 1 uses up the
// budget exactly, one of 14.4 does so 14.4 times too fast. As in the SRE workbook's
// alerts it is held against several pairs of windows (multi-window, multi-burn-rate):
//
//   - Fail when a row of Windows burns, that it does is not chance, and it is the
//     canary alone. A Fail is latched.
//   - Pass when no row burns, not even over its short window alone, and the canary was
//     shown to burn below the highest Factor. One that burns at that factor or faster,
//     all the while, passes with a probability of at most Beta ([evidence.Rare]). With
//     the defaults and an objective of 99.9% that takes about 230 requests without an error.
//   - Undecided until then, and Blameless where all that keeps it from passing is that
//     it burns, and the baseline burns just as much over the same windows: the fault is
//     then the fleet's, or older than the release.
//
// # Chance
//
// With few requests a single error is a burn rate of any size: one in 20 requests
// is 50 times the budget of 99.9%. A row fails the canary only if its short window
// holds MinSamples requests, and if the evidence that the canary breaks its objective
// has reached 1/Alpha ([evidence.Onset], restarted five times in a shortest window).
// A canary whose requests fail independently with a probability of at most the error
// budget, all the while, is failed with a probability of at most Alpha over the
// whole trial, however often one looks. In the beginning that costs two errors where
// requests fail 50 times too often, and five where they do 14.4 times.
//
// Simulated for a canary exactly at its objective (a burn rate of 1), with the
// defaults and no baseline, a look every 10 seconds for 6 hours, 2,000 runs each: with
// 10, 100 and 1,000 requests between two looks, 0.05%, 0% and 0% were failed at an
// objective of 99.9%, and 0.1%, 0% and 0% at 99%. Errors that come in bursts break
// the bound: with five at a time and 100 requests it was 25% and 18%, all of them after
// the third hour and from the row with a factor of 1; at half of what the objective
// allows it was none.
//
// # The first hours
//
// A canary is younger than the windows. As in Prometheus, a window that reaches back
// beyond the first observation is judged by what there is: the burn rate over an hour
// is that over four minutes, as long as there are no more. On its own that would make
// the lowest factor decide alone in the beginning, when all windows hold the same.
// A row therefore fails the canary only once its short window has been seen in full,
// or what was seen of it suffices: if even without a further error, at the traffic
// so far, the row would burn at its end. Where all requests fail that takes
// seconds. Until then such a row is no reason to fail, and not to pass either.
//
// # What it assumes
//
// Observations are counts of what happened since the last one; a source that looks back
// further shows the same events again. What hits all of the fleet is told apart from
// what the release does by the baseline alone: the rates of both arms, over both
// windows, have overlapping Wilson intervals (99%) or the baseline's is higher, while
// the baseline has MinSamples requests and burns faster than planned itself. Where the
// last wave leaves no baseline, a fault that was shared when it was last seen stays
// so until it is over. Without any baseline it is all held against the release.
//
// An observation with an error, or without canary requests, never passes. Samples
// that are not counts make the verdict an Error. Time is that of the observations. What
// is older than a window when it comes counts for its evidence, and not in the window;
// windows end to within a sixtieth of their length, and memory does not grow.
//
// The zero BurnRate has no Objective, which is a problem, and never passes. A BurnRate
// may be used by many goroutines at once, as long as nobody changes Windows; its
// trials by one each.
type BurnRate struct {
	// Objective is the share of requests that are to succeed, such as 0.999: above 0
	// and below 1. Required.
	Objective float64
	// Windows are the rows, of which each can fail the canary. Nil means
	// DefaultBurnWindows.
	Windows []BurnWindow
	// MinSamples is how many requests a short window must hold for its burn rate to
	// count. Zero means DefaultMinSamples.
	MinSamples uint64
	// Alpha and Beta bound how often a canary within its objective fails, and one that
	// burns at the highest factor passes, as said above: probabilities over the whole
	// trial. Zero means DefaultAlpha and DefaultBeta. A gate's Alpha and Beta do not
	// apply.
	Alpha, Beta float64
}

// Problems reports what is wrong with the settings.
func (j BurnRate) Problems(report func(path, msg string)) {
	say := func(path, format string, args ...any) { report(path, fmt.Sprintf(format, args...)) }
	if !(j.Objective > 0 && j.Objective < 1) {
		say("Objective", "is %v: want the share of requests that are to succeed, between 0 and 1, such as 0.999", j.Objective)
	}
	if j.Windows != nil && len(j.Windows) == 0 {
		say("Windows", "is empty: want nil for the default table, or at least one row")
	}
	for i, w := range j.Windows {
		path := fmt.Sprintf("Windows[%d].", i)
		switch most := 1 / j.budget(); {
		case !(w.Factor > 0) || math.IsInf(w.Factor, 1):
			say(path+"Factor", "is %v: want a burn rate above 0, such as 14.4", w.Factor)
		case j.Objective > 0 && j.Objective < 1 && w.Factor >= most:
			say(path+"Factor", "is %v, out of reach: with nothing but errors, an objective of %s%% burns at %sx", w.Factor, plain(100*j.Objective), times(most))
		}
		switch {
		case w.Short <= 0:
			say(path+"Short", "is %v: want a length of time, such as 5m", w.Short)
		case w.Long < w.Short:
			say(path+"Long", "is %v, shorter than Short, %v", w.Long, w.Short)
		}
	}
	if !rateOK(j.Alpha) {
		say("Alpha", "is %v: want a probability between 0 and 0.5", j.Alpha)
	}
	if !rateOK(j.Beta) {
		say("Beta", "is %v: want a probability between 0 and 0.5", j.Beta)
	}
}

// budget is the share of requests that may fail.
func (j BurnRate) budget() float64 { return 1 - j.Objective }

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error.
func (j BurnRate) Begin() Trial {
	if problem := firstProblem("BurnRate", j); problem != "" {
		return unusable(problem)
	}
	if j.Windows == nil {
		j.Windows = DefaultBurnWindows()
	}
	if j.MinSamples == 0 {
		j.MinSamples = DefaultMinSamples
	}
	if j.Alpha == 0 {
		j.Alpha = DefaultAlpha
	}
	if j.Beta == 0 {
		j.Beta = DefaultBeta
	}
	t := &burnRateTrial{BurnRate: j, restart: math.MaxInt64}
	for _, w := range j.Windows {
		if w.Factor >= 1/j.budget() {
			continue // a row of the default table that a lax objective cannot reach
		}
		t.rows = append(t.rows, burnRow{BurnWindow: w, budget: j.budget(), long: newRecent(w.Long), short: newRecent(w.Short)})
		t.highest = max(t.highest, w.Factor)
		t.restart = min(t.restart, w.Short)
	}
	t.restart /= restartsPerWindow
	var harmErr, safeErr error
	t.harm, harmErr = evidence.NewOnset(j.budget())
	t.safe, safeErr = evidence.NewRare(t.highest * j.budget())
	if harmErr != nil || safeErr != nil {
		return unusable(fmt.Sprintf("BurnRate.Objective is %v: it is too close to 0 or 1 to be judged", j.Objective))
	}
	return t
}

// restartsPerWindow is how often the evidence begins anew during the shortest window.
const restartsPerWindow = 5

type burnRateTrial struct {
	BurnRate // with the defaults filled in
	rows     []burnRow
	highest  float64 // factor

	harm             evidence.Onset // that the canary breaks its objective
	safe             evidence.Rare  // that it burns below the highest factor
	canary, baseline Summary
	began            time.Time     // the first observation with counts
	seen             time.Duration // from then to the latest
	restart          time.Duration // how long until the evidence begins anew
	restarted        time.Duration // when it last did
	shown            bool          // that it burns below the highest factor
	failed           Verdict       // latched
}

// Judge takes the next observation.
func (t *burnRateTrial) Judge(o Observation) Verdict {
	if t.failed.Outcome == Fail {
		return t.failed
	}
	if o.Err != "" {
		return t.verdict(Undecided, "could not look: "+o.Err)
	}
	if problem := notCounts(o); problem != "" {
		return t.verdict(Error, problem)
	}
	t.add(o)
	if o.Canary.Total == 0 {
		return t.verdict(Undecided, "no canary data")
	}
	for i := range t.rows {
		t.rows[i].sum(t.MinSamples)
	}
	v := t.judgement()
	if v.Outcome == Fail {
		t.failed = v
	}
	return v
}

// add counts an observation in all windows and in the evidence.
func (t *burnRateTrial) add(o Observation) {
	if t.began.IsZero() {
		t.began = o.At
	}
	since := o.At.Sub(t.began)
	t.seen = max(t.seen, since)
	t.canary.add(o.Canary)
	t.baseline.add(o.Baseline)
	c := evidence.Counts{
		CanaryEvents: min(o.Canary.Events, o.Canary.Total), CanaryTotal: o.Canary.Total,
		BaselineEvents: min(o.Baseline.Events, o.Baseline.Total), BaselineTotal: o.Baseline.Total,
	}
	for i := range t.rows {
		t.rows[i].long.add(since, c)
		t.rows[i].short.add(since, c)
	}
	if since-t.restarted >= t.restart {
		t.harm.Restart()
		t.restarted = since
	}
	t.harm.Observe(c.CanaryEvents, c.CanaryTotal)
	t.safe.Observe(c.CanaryEvents, c.CanaryTotal)
	t.shown = t.shown || t.safe.Log() >= -math.Log(t.Beta)
}

// judgement is the verdict on what the windows hold.
func (t *burnRateTrial) judgement() Verdict {
	var suspect, excused, nearest *burnRow
	fresh := &t.rows[0] // the shortest window
	for i := range t.rows {
		r := &t.rows[i]
		if r.Short < fresh.Short {
			fresh = r
		}
		switch {
		case !r.lately():
			if nearest == nil || r.near() > nearest.near() {
				nearest = r
			}
		case r.shared:
			if excused == nil {
				excused = r
			}
		case t.doubt(r) == "":
			return t.verdict(Fail, t.burning(r)+": "+r.limit())
		case suspect == nil:
			suspect = r
		}
	}
	switch {
	case suspect != nil:
		return t.verdict(Undecided, fmt.Sprintf("%s; %s, but %s", t.burning(suspect), suspect.limit(), t.doubt(suspect)))
	case excused != nil:
		v := t.verdict(Undecided, t.burning(excused)+"; "+excused.baselineFigures()+": not the release's doing")
		v.Blameless = true
		return v
	case fresh.shortCanary.Total < t.MinSamples:
		return t.verdict(Undecided, fmt.Sprintf("%s; %d of %d samples over %s", t.burning(nearest),
			fresh.shortCanary.Total, t.MinSamples, span(fresh.Short)))
	case !t.shown:
		return t.verdict(Undecided, t.burning(nearest)+"; "+t.missing())
	}
	return t.verdict(Pass, fmt.Sprintf("%s; %s", t.burning(nearest), nearest.limit()))
}

// doubt says why a row that burns does not fail the canary, empty if it does.
func (t *burnRateTrial) doubt(r *burnRow) string {
	switch {
	case !r.burns():
		return "only over " + span(r.Short) + " so far"
	case r.shortCanary.Total < t.MinSamples:
		return fmt.Sprintf("there are %d of %d samples over %s", r.shortCanary.Total, t.MinSamples, span(r.Short))
	case t.harm.Log() < -math.Log(t.Alpha):
		return fmt.Sprintf("it may be chance: evidence that it breaks its objective %s (needed %s)", short(evidence.Value(t.harm.Log())), short(1/t.Alpha))
	case !r.inTime(t.seen):
		return fmt.Sprintf("only %s of %s were seen", span(t.seen), span(r.Short))
	}
	return ""
}

// missing says what a pass still needs.
func (t *burnRateTrial) missing() string {
	needed := -math.Log(t.Beta)
	s := fmt.Sprintf("evidence %s of %s that it burns below %sx", short(evidence.Value(t.safe.Log())), short(1/t.Beta), plain(t.highest))
	if more := t.safe.More(needed, t.canary.Rate); more > 0 && !math.IsInf(more, 1) {
		s += fmt.Sprintf(": about %s more canary requests at this rate would show it", roundUp(more))
	}
	return s
}

// burning is the sentence on a row's figures.
func (t *burnRateTrial) burning(r *burnRow) string {
	over := func(window time.Duration) string {
		if t.seen < window {
			return span(t.seen) + " of " + span(window)
		}
		return span(window)
	}
	return fmt.Sprintf("burns %s the error budget over %s and %s over %s (%s, objective %s%%)",
		r.times(r.longCanary), over(r.Long), r.times(r.shortCanary), over(r.Short),
		arm("canary", r.longCanary), plain(100*t.Objective))
}

func (t *burnRateTrial) verdict(outcome Outcome, reason string) Verdict {
	return Verdict{
		Outcome: outcome, Reason: reason, Canary: t.canary, Baseline: t.baseline,
		Evidence: Evidence{
			Harm: evidence.Value(t.harm.Log()), HarmNeeded: 1 / t.Alpha,
			Safe: evidence.Value(t.safe.Log()), SafeNeeded: 1 / t.Beta,
		},
	}
}
