package analysis

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

const (
	// DefaultTrendPoints is how many observations a Trend goes by: ten minutes, at one
	// every ten seconds.
	DefaultTrendPoints = 60
	// MinTrendPoints is how many it needs at least.
	MinTrendPoints = 8
	// trendLevel is how often chance may look like a trend in the direction of a limit,
	// at one look.
	trendLevel = 0.01
)

// StaysBelow returns the judge of whether the canary's value is on its way above a
// limit, and will get there within the given time.
func StaysBelow(limit float64, within time.Duration) Trend { return Trend{Max: &limit, Within: within} }

// StaysAbove returns the judge of whether the canary's value is on its way below a
// limit, and will get there within the given time.
func StaysAbove(limit float64, within time.Duration) Trend { return Trend{Min: &limit, Within: within} }

// Trend judges where the canary's value (a queue's length, the memory in use, the disk
// that is left) is going: whether it will cross a limit within some time, if it goes on
// as it does. It needs no baseline, and sees a leak long before it is a fault.
//
//   - Degraded when there is a trend towards a limit, and its line crosses the limit
//     within that time; also when the value is outside already.
//   - Pass when there is no such trend, or it does not get there.
//   - Undecided with too few points, or nothing to see.
//
// It never fails a release: a forecast is a reason to slow down and look. Nothing is
// latched, and a value that comes back passes again.
//
// The line is that of Theil and Sen through the last Points values, by their times,
// which wild points do not move ([evidence.TheilSen]). It counts as a trend if at a
// level of 1%, half for each, either of two tests says so: that of Mann and Kendall,
// with the variance inflated by what the deviations from the line remember
// ([evidence.MannKendall], [evidence.Persistence]), or the difference-sign test for
// what creeps steadily ([evidence.DifferenceSign]).
//
// # What it assumes
//
// That the value goes on as it did. Anything that moves it for a while looks like
// a trend while it does: a cache that warms up, the traffic of the morning, the step
// that a new wave makes, until that has left the Points.
//
// Noise with a memory wanders, and chance looks like a trend more often than without.
// Simulated for 60 points, ten seconds apart, of a first-order autoregression without
// any trend, 10,000 runs each; with a limit that every rise would reach in the end, and
// with one at four standard deviations above the mean and ten minutes to reach it:
//
//	correlation of a    any limit,   far limit,   far limit, in some
//	point with the next one look     one look     look of an hour
//	0                   0.4%         0.0%          1%
//	0.5                 0.6%         0.0%          3%
//	0.8                 1.2%         0.3%         19%
//	0.9                 1.9%         0.7%         29%
//	0.95                2.7%         1.1%         37%
//
// That is how often it was Degraded. The Mann-Kendall test alone, at 1% and with its
// variance as for values without a memory, sees a rise in 30% at 0.9.
//
// Values that are NaN, infinite, or older than the latest one count for nothing.
// Samples that are not values make the verdict an Error.
//
// The zero Trend has no limits, which is a problem, and never passes. A Trend may
// be used by many goroutines at once, its trials by one each.
type Trend struct {
	// Min and Max are the limits, which are allowed themselves, in the units of the
	// value; nil for none. At least one is needed.
	Min, Max *float64
	// Within is how far to look ahead: the rest of the bake, or as long as it takes
	// to put things right. Zero means DefaultAtMost, the deadline of a bake.
	Within time.Duration
	// Points is how many of the latest values count, from MinTrendPoints to 1000. More
	// see slower trends, and take longer to forget. Zero means DefaultTrendPoints.
	Points int
}

// mostTrendPoints keeps an observation below a fraction of a second.
const mostTrendPoints = 1000

// Problems reports what is wrong with the settings.
func (j Trend) Problems(report func(path, msg string)) {
	Threshold{Min: j.Min, Max: j.Max}.Problems(report)
	if j.Within < 0 {
		report("Within", fmt.Sprintf("is negative (%v)", j.Within))
	}
	if j.Points != 0 && (j.Points < MinTrendPoints || j.Points > mostTrendPoints) {
		report("Points", fmt.Sprintf("is %d: want %d to %d", j.Points, MinTrendPoints, mostTrendPoints))
	}
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error.
func (j Trend) Begin() Trial {
	if problem := firstProblem("Trend", j); problem != "" {
		return unusable(problem)
	}
	if j.Within == 0 {
		j.Within = DefaultAtMost
	}
	if j.Points == 0 {
		j.Points = DefaultTrendPoints
	}
	return &trendTrial{Trend: j}
}

type trendTrial struct {
	Trend            // with the defaults filled in
	canary, baseline Summary
	at               []time.Time // of the latest points, oldest first
	values           []float64
}

// Judge takes the next observation.
func (t *trendTrial) Judge(o Observation) Verdict {
	if o.Err != "" {
		return t.verdict(Undecided, "could not look: "+o.Err)
	}
	if o.Canary.Kind != ValueKind && o.Canary.Kind != NoData {
		return t.verdict(Error, fmt.Sprintf("the canary sample is %v: only a value has a trend", o.Canary.Kind))
	}
	t.baseline.add(o.Baseline)
	value, ok := o.Canary.Figure()
	if !ok {
		return t.verdict(Undecided, "no canary data")
	}
	if n := len(t.at); n > 0 && !o.At.After(t.at[n-1]) {
		return t.verdict(Undecided, "nothing new: the last point is as recent")
	}
	t.canary.add(o.Canary)
	t.remember(o.At, value)
	switch {
	case t.Max != nil && value > *t.Max:
		return t.verdict(Degraded, fmt.Sprintf("%s is above %s already", signed(value, *t.Max), exact(*t.Max)))
	case t.Min != nil && value < *t.Min:
		return t.verdict(Degraded, fmt.Sprintf("%s is below %s already", signed(value, *t.Min), exact(*t.Min)))
	case len(t.values) < MinTrendPoints:
		return t.verdict(Undecided, fmt.Sprintf("%s, after %d of %d points", signed(value), len(t.values), MinTrendPoints))
	}
	return t.forecast(value)
}

func (t *trendTrial) remember(at time.Time, value float64) {
	if len(t.at) == t.Points {
		t.at, t.values = append(t.at[:0], t.at[1:]...), append(t.values[:0], t.values[1:]...)
	}
	t.at, t.values = append(t.at, at), append(t.values, value)
}

// forecast is the verdict on where a value inside the limits is going.
func (t *trendTrial) forecast(value float64) Verdict {
	line, trend := t.line()
	if !trend {
		return t.verdict(Pass, fmt.Sprintf("%s, without a trend over the last %s", signed(value), t.span()))
	}
	then := line.At(t.Within.Seconds())
	if math.IsNaN(then) || math.IsInf(then, 0) {
		return t.verdict(Undecided, fmt.Sprintf("%s, and the values before are too far apart for a line", signed(value)))
	}
	limit, side := t.Max, "below"
	if line.Slope < 0 {
		limit, side = t.Min, "above"
	}
	pace := fmt.Sprintf("%s per second over the last %s", signed(line.Slope), t.span())
	if line.Slope > 0 {
		pace = "+" + pace
	}
	if limit == nil {
		return t.verdict(Pass, fmt.Sprintf("%s, and moves away from the limit: %s", signed(value), pace))
	}
	if line.Slope > 0 && then > *limit || line.Slope < 0 && then < *limit {
		// The line is where the value is in the median, and may be across already.
		ahead := max(0, min(t.Within.Seconds(), (*limit-line.Intercept)/line.Slope))
		return t.verdict(Degraded, fmt.Sprintf("%s crosses %s in about %s if it goes on like this: %s",
			signed(value, *limit), exact(*limit), about(ahead), pace))
	}
	return t.verdict(Pass, fmt.Sprintf("%s, and in %s at about %s, %s %s: %s",
		signed(value), span(t.Within), signed(then, *limit), side, exact(*limit), pace))
}

// line is the one through the points, in values per second, with the latest point at
// time 0. It is false if there is no trend.
func (t *trendTrial) line() (line evidence.Line, trend bool) {
	ranks, way := evidence.NewMannKendall(t.values), evidence.Greater
	if ranks.S() < 0 {
		way = evidence.Less
	}
	creeps := evidence.DifferenceSign(t.values, way) <= trendLevel/2
	if !creeps && ranks.P(way, 1) > trendLevel/2 {
		return line, false // an inflated variance makes it less
	}
	latest := t.at[len(t.at)-1]
	times := make([]float64, len(t.at))
	for i, at := range t.at {
		times[i] = at.Sub(latest).Seconds()
	}
	if line = evidence.TheilSen(times, t.values); line.Slope == 0 {
		return line, false
	}
	deviations := make([]float64, len(times))
	for i, v := range t.values {
		deviations[i] = v - line.At(times[i])
	}
	return line, creeps || ranks.P(way, evidence.Persistence(deviations)) <= trendLevel/2
}

// span is the time from the oldest point to the latest.
func (t *trendTrial) span() string { return span(t.at[len(t.at)-1].Sub(t.at[0])) }

func (t *trendTrial) verdict(outcome Outcome, reason string) Verdict {
	return Verdict{Outcome: outcome, Reason: reason, Canary: t.canary, Baseline: t.baseline}
}

// signed writes a value with three digits, or as many as tell it apart from the marks,
// such as "-5.25", "1234" or "4.1e+09".
func signed(v float64, marks ...float64) string {
	write := func(v float64, digits int) string {
		if size := math.Abs(v); size >= 1000 && size < 1e6 {
			return strconv.FormatFloat(v, 'f', max(0, digits-4), 64)
		}
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	for digits := 3; ; digits++ {
		s := write(v, digits)
		same := func(mark float64) bool { return mark != v && write(mark, digits) == s }
		if digits == 17 || !slices.ContainsFunc(marks, same) {
			return s
		}
	}
}

// exact writes a limit with all of its digits, and no more: "5", "4e+09".
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// about writes a time ahead, in seconds, with the digits that a forecast deserves.
func about(seconds float64) string {
	unit := time.Second
	switch {
	case seconds >= 3600*10:
		unit = time.Hour
	case seconds >= 60*10:
		unit = time.Minute
	case seconds >= 60:
		unit = 10 * time.Second
	}
	return span(time.Duration(seconds * float64(time.Second)).Round(unit))
}
