package analysis

import (
	"fmt"
	"math"
	"slices"
)

// Of the evidence that fails a release, PerSlice gives a half to the whole, nine
// twentieths to the slices of the first observation, and the rest to later ones.
const (
	wholeShare = 0.5
	firstShare = 0.45
	laterShare = 0.05
)

// DefaultMostSlices is how many slices are judged one by one.
const DefaultMostSlices = 1000

// PerSlice judges the whole of every observation, and each of its Slices by itself,
// as a zone or a tenant can be down while the average looks fine. One slice that
// fails is enough to fail the release, and the worst is named.
//
// It passes when the whole does and no slice is under suspicion or in error. A slice
// with few requests need not pass by itself, or a quiet tenant would hold up every
// release; with Each it must, if it has data.
//
// If the Judge controls its error rates, they hold for the whole and all slices
// together, and their evidence is added up (Vovk & Wang 2021). The whole gets half of
// α, nine tenths of the other half are shared by the slices of the first observation
// that has some, and what is left goes to slices that show up later, the k-th of
// them getting 1/k(k+1) of it.
//
// A PerSlice may be used by many goroutines at once, its trials by one each.
type PerSlice struct {
	// Judge judges the whole, and each slice. Required.
	Judge Judge
	// Each says that every slice that has canary data must pass as well.
	Each bool
	// Most is how many slices are judged; more are an Error. Zero means
	// DefaultMostSlices.
	Most int
	// Alpha and Beta are the error rates of a Judge that controls them. Zero means
	// DefaultAlpha and DefaultBeta. In a gate, the gate's share takes their place.
	Alpha, Beta float64
}

// Share returns the judge for these error rates.
func (j PerSlice) Share(alpha, beta float64) Judge {
	j.Alpha, j.Beta = alpha, beta
	return j
}

// Calibrate returns the judge for arms that differ by as much. It is what the whole
// has shown, and is taken for that of every slice.
func (j PerSlice) Calibrate(arms Calibration) Judge {
	if c, ok := j.Judge.(Calibrator); ok {
		j.Judge = c.Calibrate(arms)
	}
	return j
}

// Problems reports what is wrong with the settings.
func (j PerSlice) Problems(report func(path, msg string)) {
	if j.Judge == nil {
		report("Judge", "is nil: there is nothing to decide with")
	} else if p, ok := j.Judge.(Problemer); ok {
		p.Problems(func(path, msg string) { report("Judge."+path, msg) })
	}
	if j.Most < 0 {
		report("Most", fmt.Sprintf("is negative (%d)", j.Most))
	}
	reportRates(report, j.Alpha, j.Beta)
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error. The Trial is a Weigher.
func (j PerSlice) Begin() Trial {
	if problem := firstProblem("PerSlice", j); problem != "" {
		return unusable(problem)
	}
	j.Most, j.Alpha, j.Beta = orDefault(j.Most, DefaultMostSlices), orDefault(j.Alpha, DefaultAlpha), orDefault(j.Beta, DefaultBeta)
	t := &perSliceTrial{PerSlice: j, byName: make(map[string]int)}
	t.weighs = weighsEvidence(j.Judge)
	t.whole = part{trial: begin(j.Judge, wholeShare*j.Alpha, j.Beta), weighs: t.weighs}
	return t
}

type perSliceTrial struct {
	PerSlice
	weighs bool
	whole  part
	parts  []part // in the order in which they showed up
	byName map[string]int
	round  int
	later  int // parts that were not in the first observation with slices
	failed Verdict
	state  Outcome
	why    string // of an Error of its own
}

// part is what is judged by itself.
type part struct {
	name    string
	trial   Trial
	outcome Outcome
	harm    float64 // evidence, as a part of what fails
	weighs  bool    // the evidence bounds errors
	held    bool    // it must not pass
	round   int     // of the last observation
	latest  Verdict // unless the trial keeps it
}

// Judge takes the next observation.
func (t *perSliceTrial) Judge(o Observation) Verdict {
	t.Weigh(o)
	return t.Verdict()
}

// Weigh takes the next observation, and leaves the words to Verdict.
func (t *perSliceTrial) Weigh(o Observation) Outcome {
	if t.failed.Outcome == Fail {
		return Fail
	}
	t.round++
	t.why = ""
	t.whole.take(o)
	if t.enlist(o.Slices) {
		for i := range o.Slices {
			s := &o.Slices[i]
			t.parts[t.byName[s.Name]].take(Observation{At: o.At, Canary: s.Canary, Baseline: s.Baseline, Err: o.Err})
		}
	}
	t.state = t.sum()
	if t.state == Fail {
		t.failed = t.verdict()
	}
	return t.state
}

// enlist begins a trial for each slice that is new. It is false if there are too
// many of them, or they cannot be told apart.
func (t *perSliceTrial) enlist(list []Slice) bool {
	first := len(t.parts) == 0
	share := 0.0
	if first && len(list) > 0 {
		share = firstShare / float64(len(list))
	}
	for i := range list {
		name := list[i].Name
		if at, known := t.byName[name]; known {
			if t.parts[at].round == t.round {
				t.why = fmt.Sprintf("the slice %q is there twice", name)
				return false
			}
			t.parts[at].round = t.round
			continue
		}
		if len(t.parts) >= t.Most {
			t.why = fmt.Sprintf("more than %d slices: judge by a label with fewer values", t.Most)
			return false
		}
		if !first {
			t.later++
			share = laterShare / float64(t.later*(t.later+1))
		}
		t.byName[name] = len(t.parts)
		t.parts = append(t.parts, part{name: name, trial: begin(t.PerSlice.Judge, share*t.Alpha, t.Beta), weighs: t.weighs, round: t.round})
	}
	return true
}

// take judges an observation of the part.
func (p *part) take(o Observation) {
	switch trial := p.trial.(type) {
	case *notWorseTrial:
		p.outcome = trial.Weigh(o)
		p.harm = math.Exp(min(700, trial.logHarm-trial.failAt()))
		p.held = trial.stand == suspected || trial.stand == worseThanBefore || p.outcome == Error
	default:
		v := judge(p.trial, o)
		p.outcome, p.harm, p.latest = v.Outcome, 0, v
		if p.weighs && v.Evidence.HarmNeeded > 0 {
			p.harm = v.Evidence.Harm / v.Evidence.HarmNeeded
		}
		p.held = v.Outcome == Error || v.Outcome == Degraded || v.Outcome == Inconclusive
	}
}

// verdict puts what is known of a part into words.
func (p *part) verdict() Verdict {
	if t, ok := p.trial.(*notWorseTrial); ok {
		return t.Verdict()
	}
	return p.latest
}

// sum is the outcome of all parts.
func (t *perSliceTrial) sum() Outcome {
	outcome := t.whole.outcome
	all := t.harm()
	for i := range t.parts {
		p := &t.parts[i]
		switch {
		case p.outcome == Fail:
			outcome = Fail
		case outcome != Pass || p.round != t.round:
		case p.held, t.Each && p.outcome != Pass:
			outcome = Undecided
		}
	}
	switch {
	case outcome == Fail || all >= 1:
		return Fail
	case t.why != "":
		return Error
	}
	return outcome
}

// harm is the evidence of harm of all, as a part of what fails. As with the checks of
// a gate, the parts that each has of what it needs add up.
func (t *perSliceTrial) harm() float64 {
	all := t.whole.harm
	for i := range t.parts {
		all += t.parts[i].harm
	}
	return all
}

// worst is the slice with the most evidence of harm, or the one that failed; -1 for
// none.
func (t *perSliceTrial) worst() int {
	worst := -1
	for i := range t.parts {
		p := &t.parts[i]
		if worst < 0 || p.outcome == Fail && t.parts[worst].outcome != Fail ||
			p.harm > t.parts[worst].harm && (p.outcome == Fail || t.parts[worst].outcome != Fail) {
			worst = i
		}
	}
	return worst
}

// Verdict says in words what was weighed so far.
func (t *perSliceTrial) Verdict() Verdict {
	if t.failed.Outcome == Fail {
		return t.failed
	}
	return t.verdict()
}

func (t *perSliceTrial) verdict() Verdict {
	v := t.whole.verdict()
	v.Outcome = t.state
	if t.weighs && v.Evidence.HarmNeeded > 0 {
		v.Evidence.HarmNeeded = 1 / t.Alpha
		v.Evidence.Harm = min(t.harm()/t.Alpha, 1e300)
	}
	if t.why != "" {
		v.Reason = t.why
		return v
	}
	worst := t.worst()
	if worst < 0 {
		v.Reason += "; no slices"
		return v
	}
	w := &t.parts[worst]
	v.Slice = w.name
	of := fmt.Sprintf("%q, the worst of %d slices", w.name, len(t.parts))
	switch {
	case w.outcome == Fail:
		v.Reason = fmt.Sprintf("%s: %s (the whole: %s)", of, w.verdict().Reason, v.Reason)
	case t.state == Fail && t.whole.outcome != Fail:
		v.Reason = fmt.Sprintf("the whole and its %d slices together show harm, most of all %q: %s", len(t.parts), w.name, w.verdict().Reason)
	case t.state != Pass && t.whole.outcome == Pass:
		held := slices.IndexFunc(t.parts, func(p part) bool {
			return p.round == t.round && (p.held || t.Each && p.outcome != Pass)
		})
		v.Reason = fmt.Sprintf("the whole could pass, but %q does not: %s", t.parts[held].name, t.parts[held].verdict().Reason)
	default:
		v.Reason += fmt.Sprintf("; %s, shows %s of what would fail", of, percent(min(1, w.harm)))
	}
	return v
}
