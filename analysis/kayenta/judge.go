package kayenta

import (
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
)

// DefaultMinPoints is how many points each arm has before they are compared: what
// Kayenta advises, where fewer are worth no more than a warning.
const DefaultMinPoints = 50

// Judge classifies one metric as Kayenta does, for teams that move from Kayenta
// and want the same answers at first. analysis.NotWorse is the better choice for
// error counts: see Errors below.
//
// Each observation is one point of each arm: a value as it is, counts as the ratio
// of events to total. The points of the whole trial are one growing window, as
// Kayenta's is without a lookback. From MinPoints on, they are classified anew
// after each observation:
//
//   - High or Low, where Config counts that direction, is a Fail. It is latched,
//     Critical or not: with one metric the score is then 0, and Kayenta too ends a
//     canary at the first score that is not above its marginal threshold. Critical
//     only shows in the reason.
//   - Pass is a Pass. It means that no difference was found, and not that there is
//     none: this test does not say which difference it could have found, and it is
//     blind where most points are zero. A later observation can still fail the
//     release.
//   - Error is an Error, until there are points that can be compared.
//
// # What is not a point
//
// An observation with an error is none. One without canary data is Undecided,
// whatever was seen before, and MustHaveData has nothing left to do. Where one arm
// has data and the other has none, the other's point is NaN, which Config drops,
// or replaces with 0. Only points with data count towards MinPoints, so that
// nothing passes on replaced ones alone. Where neither has data there is no point.
// Values cannot be compared with counts: that makes the verdict an Error, and the
// observation counts for nothing.
//
// # Errors
//
// The verdict is a pure fold, and looks after every observation, so that the same
// observations always give the same looks and the same verdict. But nothing
// corrects for the looks: 98% confidence is that of one look, and the share of
// healthy releases that fail grows with each. Measured with Either, on independent
// normal points, it is 0.3% for one look at 180 points, and 1.4% for looks at 50 to
// 180 points. Points that remember each other, as those of most metrics do, make it
// far worse: 7% and 26%, with a correlation of 0.5 from one to the next. The Alpha
// and Beta of a gate have no say in it. NotWorse bounds both errors over all looks.
//
// One observation costs as much as there are points; 10,000 in each arm take some
// milliseconds.
//
// The zero Judge is Kayenta's default, and fails a change in either direction. A
// Judge may be used by many goroutines at once, its trials by one each.
type Judge struct {
	// Config says how to classify. A Muted metric judges nothing, which is a problem:
	// mark the Check as Shadow instead.
	Config Config
	// MinPoints is how many points with data each arm needs. Zero means
	// DefaultMinPoints.
	MinPoints int
}

// Problems reports what is wrong with the settings.
func (j Judge) Problems(report func(path, msg string)) {
	j.Config.Problems(func(path, msg string) { report("Config."+path, msg) })
	if j.Config.Muted {
		report("Config.Muted", "is set: a muted metric judges nothing, mark the check as Shadow instead")
	}
	if j.MinPoints < 0 {
		report("MinPoints", fmt.Sprintf("is negative (%d)", j.MinPoints))
	}
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error.
func (j Judge) Begin() analysis.Trial {
	if j.MinPoints == 0 {
		j.MinPoints = DefaultMinPoints
	}
	t := &trial{judge: j}
	if problem := firstProblem(j); problem != "" {
		t.problem = "kayenta.Judge." + problem
	}
	return t
}
