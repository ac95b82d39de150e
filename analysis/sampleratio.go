package analysis

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// Defaults of SampleRatio.
const (
	// DefaultShareTolerance is how far the canary's share of the requests may be from
	// what it should be, as a part of that.
	DefaultShareTolerance = 0.2
	// DefaultShareSamples is how many requests, of both arms together, are the least
	// to tell.
	DefaultShareSamples = 1000
)

// SampleRatio checks that the canary gets the share of the requests that it should
// have. If it does not, the split does not work as its owner believes: then the arms
// may differ in who is sent to them, and no comparison of them can be trusted. The
// verdict is Inconclusive, never a Fail: it is no fault of the release.
//
// It weighs evidence, and may be looked at after every observation. With the share
// s and the tolerance r, it is Inconclusive as soon as it is shown that the share is
// above s(1+r) or below s(1−r), at an error of Alpha for each, and for good. It
// passes once Samples requests have been seen, without that having been shown. The
// test is that of evidence.Rate, on requests in place of errors (a one-sided form of
// the multinomial test of Lindon & Malek 2022).
//
// It assumes that requests are sent to either arm independently of each other.
// Sessions that stick to an arm make the share vary by more than that: a tolerance is
// for them, and for targets that are not alike.
//
// It takes counts and histograms. The zero value takes the share from the
// observations. It may be used by many goroutines at once, its trials by one each.
type SampleRatio struct {
	// Share is the part of all requests that the canary should get, more than 0 and
	// less than 1. Zero means that of the observation (Observation.Share), which a
	// rollout fills in by the weights of its targets; without one, the verdict is an
	// Error.
	Share float64
	// Tolerance is how far off the share may be, as a part of itself: 0.2 allows 4%
	// to 6% in place of 5%. Zero means DefaultShareTolerance.
	Tolerance float64
	// Samples is how many requests of both arms must have been seen for a pass. Zero
	// means DefaultShareSamples.
	Samples uint64
	// Alpha is the probability of finding fault with a split that is as it should be,
	// on either side. Zero means DefaultAlpha / 2.
	Alpha float64
}

// Problems reports what is wrong with the settings.
func (j SampleRatio) Problems(report func(path, msg string)) {
	if !(j.Share >= 0 && j.Share < 1) {
		report("Share", fmt.Sprintf("is %v: want the part of all requests that the canary should get, between 0 and 1", j.Share))
	}
	if !(j.Tolerance >= 0 && j.Tolerance < 1) {
		report("Tolerance", fmt.Sprintf("is %v: want a part of the share, 0 to 1", j.Tolerance))
	}
	if !rateOK(j.Alpha) {
		report("Alpha", fmt.Sprintf("is %v: want a probability between 0 and 0.5", j.Alpha))
	}
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error.
func (j SampleRatio) Begin() Trial {
	if problem := firstProblem("SampleRatio", j); problem != "" {
		return unusable(problem)
	}
	j.Tolerance, j.Samples = orDefault(j.Tolerance, DefaultShareTolerance), orDefault(j.Samples, DefaultShareSamples)
	j.Alpha = orDefault(j.Alpha, DefaultAlpha/2)
	return &sampleRatioTrial{SampleRatio: j}
}

type sampleRatioTrial struct {
	SampleRatio
	canary, baseline uint64
	stints           []stint
	over             Verdict // that ended the trial, if Final
}

// stint is the time in which the canary should have had one share.
type stint struct {
	share       float64
	above       evidence.Rate // the share is
	below       evidence.Rate // that is, the baseline's is above
	canary, all uint64
}

// Judge takes the next observation.
func (t *sampleRatioTrial) Judge(o Observation) Verdict {
	switch {
	case t.over.Final:
		return t.over
	case o.Err != "":
		return t.verdict(Undecided, "could not look: "+o.Err)
	case o.Canary.Kind == ValueKind || o.Baseline.Kind == ValueKind:
		return t.verdict(Error, "a value has no requests to count: want counts or a histogram")
	case !o.Baseline.Has() && len(t.stints) > 0:
		// A last wave has no baseline, and all of the requests.
		return t.standing("; no baseline to compare with in the last observation")
	case !o.Canary.Has() && !o.Baseline.Has():
		return t.verdict(Undecided, "no canary data")
	}
	share := t.Share
	if share == 0 {
		share = o.Share
	}
	if !(share > 0 && share < 1) {
		return t.verdict(Error, "which share of the requests the canary should get is not known: set SampleRatio.Share")
	}
	s := t.stint(share)
	if s == nil {
		return t.verdict(Error, fmt.Sprintf("a share of %s with a tolerance of %s cannot be told from all or nothing", percent(share), percent(t.Tolerance)))
	}
	canary, baseline := o.Canary.Total, o.Baseline.Total
	if canary > evidence.MaxCount || baseline > evidence.MaxCount {
		return t.verdict(Error, "more requests than can be believed for one observation")
	}
	t.canary += canary
	t.baseline += baseline
	s.canary += canary
	s.all += canary + baseline
	s.above.Observe(canary, canary+baseline)
	s.below.Observe(baseline, canary+baseline)
	// Each new share takes half of what is left of alpha.
	need := -math.Log(t.Alpha) + float64(len(t.stints))*math.Ln2
	if log := max(s.above.Log(), s.below.Log()); log >= need {
		t.over = t.verdict(Inconclusive, fmt.Sprintf("the canary gets %s of the requests (%d of %d) and should get %s, within %s of that: the arms cannot be trusted to be comparable; evidence %s (needed %s)",
			percent(float64(s.canary)/float64(s.all)), s.canary, s.all, percent(s.share), percent(t.Tolerance), short(evidence.Value(log)), short(math.Exp(need))))
		t.over.Final = true
		return t.over
	}
	return t.standing("")
}

// stint returns that of the share, which begins with it; nil if there can be none.
func (t *sampleRatioTrial) stint(share float64) *stint {
	if n := len(t.stints); n > 0 && t.stints[n-1].share == share {
		return &t.stints[n-1]
	}
	above, err1 := evidence.NewRate(min(share*(1+t.Tolerance), (1+share)/2))
	below, err2 := evidence.NewRate(1 - share*(1-t.Tolerance))
	if err1 != nil || err2 != nil {
		return nil
	}
	t.stints = append(t.stints, stint{share: share, above: above, below: below})
	return &t.stints[len(t.stints)-1]
}

// standing is the verdict while nothing has been shown.
func (t *sampleRatioTrial) standing(note string) Verdict {
	s := &t.stints[len(t.stints)-1]
	said := fmt.Sprintf("the canary gets %s of the requests (%d of %d), and should get %s%s", percent(float64(s.canary)/float64(max(1, s.all))), s.canary, s.all, percent(s.share), note)
	if s.all < t.Samples {
		return t.verdict(Undecided, fmt.Sprintf("%s; %d are the least to tell", said, t.Samples))
	}
	return t.verdict(Pass, said)
}

func (t *sampleRatioTrial) verdict(outcome Outcome, reason string) Verdict {
	all := float64(max(1, t.canary+t.baseline))
	return Verdict{
		Outcome: outcome, Reason: reason,
		Canary:   Summary{Rate: float64(t.canary) / all, Total: t.canary},
		Baseline: Summary{Rate: float64(t.baseline) / all, Total: t.baseline},
	}
}
