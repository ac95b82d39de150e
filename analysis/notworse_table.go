package analysis

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// table is the evidence of one 2×2 table an observation: of counts, or of one
// boundary of a histogram.
type table struct {
	of *NotWorse // with defaults filled in

	harm  evidence.Harm
	safe  evidence.Safe
	noise *noise        // in place of harm and safe, where the arms are noisy
	rare  evidence.Rare // events in the canary; not useful without a Negligible rate
	rest  evidence.Rare // what is no event, in the baseline; of histograms only
	odds  evidence.MantelHaenszel

	histogram        bool
	canary, baseline Summary    // of all observations
	compared         [2]Summary // canary and baseline, of those that had both
	memory           memory
	logHarm, logSafe float64
	byRate           bool // it is safer by its rate than by comparison
}

// newTable returns the table for arms that are as comparable. grid makes the process
// of harm.
func newTable(of *NotWorse, arms comparability, s Spread, grid func(psi0 float64, horizon int) (evidence.Harm, error)) (t table, err error) {
	t.of, t.memory = of, memory{of: of, tables: 1}
	switch arms {
	case noisy, apart:
		if t.noise, err = newNoise(of, s); err != nil {
			return t, err
		}
	default:
		if t.harm, err = grid(of.Tolerate, of.Horizon); err != nil {
			return t, err
		}
	}
	if t.safe, err = evidence.NewSafe(of.Detect); err != nil {
		return t, err
	}
	if t.hasNegligible() {
		if t.rare, err = evidence.NewRare(of.Negligible); err != nil {
			return t, err
		}
		t.rest = t.rare
	}
	return t, nil
}

func (t *table) hasNegligible() bool { return t.of.Negligible > 0 }

// weigh adds the tables of an observation. whole is their sum.
func (t *table) weigh(whole evidence.Counts, strata []evidence.Counts) {
	t.canary.count(whole.CanaryEvents, whole.CanaryTotal)
	t.baseline.count(whole.BaselineEvents, whole.BaselineTotal)
	t.recall(whole)
	t.odds.Observe(strata...)
	if t.noise != nil {
		t.logHarm, t.logSafe = t.noise.weigh(strata)
	} else {
		t.harm.Observe(strata...)
		t.safe.Observe(strata...)
		t.logHarm, t.logSafe = t.harm.Log(), t.safe.Log()
	}
	t.byRate = false
	if !t.hasNegligible() {
		return
	}
	t.rare.Observe(whole.CanaryEvents, whole.CanaryTotal)
	rare := t.rare.Log()
	if t.histogram {
		t.rest.Observe(whole.BaselineTotal-whole.BaselineEvents, whole.BaselineTotal)
		rare = evidence.Mean(rare, t.rest.Log())
	}
	t.byRate = rare > t.logSafe
	t.logSafe = evidence.Mean(t.logSafe, rare)
}

// recall tells what was compared from what was seen alone.
func (t *table) recall(whole evidence.Counts) {
	if whole.CanaryTotal > 0 && whole.BaselineTotal > 0 {
		t.compared[0].count(whole.CanaryEvents, whole.CanaryTotal)
		t.compared[1].count(whole.BaselineEvents, whole.BaselineTotal)
	}
	switch {
	case whole.BaselineTotal > 0:
		t.memory.remember(whole.BaselineEvents, whole.BaselineTotal)
	case whole.CanaryTotal > 0:
		t.memory.compare(whole.CanaryEvents, whole.CanaryTotal)
	}
}

// neededAlone is what one of the ways to be safe must reach, if the other has nothing.
func (t *table) neededAlone() float64 {
	if t.hasNegligible() {
		return -math.Log(t.of.Beta) + math.Ln2
	}
	return -math.Log(t.of.Beta)
}

func (t *table) fill(v *Verdict) {
	v.Canary, v.Baseline = t.canary, t.baseline
	if ratio := t.odds.Ratio(); ratio > 0 && !math.IsInf(ratio, 1) {
		v.Ratio.Value = ratio
	}
	if low, high := t.interval(); low > 0 || !math.IsInf(high, 1) {
		v.Ratio.Confidence = 1 - t.of.Alpha
		if v.Ratio.Low = low; !math.IsInf(high, 1) {
			v.Ratio.High = high
		}
	}
	canary, baseline := t.arms()
	v.Visible, _ = evidence.Visible(canary.Total, baseline.Total, baseline.Rate, t.of.Alpha)
}

// interval is that of the odds ratio. There is none where the arms have noise of
// their own.
func (t *table) interval() (low, high float64) {
	if t.noise != nil {
		return 0, math.Inf(1)
	}
	return evidence.Interval(&t.harm, &t.safe, t.of.Alpha)
}

// arms are what the arms have shown where they were compared: what the odds are of. It
// is everything, as long as they never were.
func (t *table) arms() (canary, baseline Summary) {
	if t.compared[0].Total == 0 {
		return t.canary, t.baseline
	}
	return t.compared[0], t.compared[1]
}

// figures compares the arms. The odds ratio is estimated within each observation:
// that of the totals would mislead when error rate and traffic split change together.
func (t *table) figures() string {
	canary, baseline := t.arms()
	s := arm("canary", canary) + " against " + arm("baseline", baseline)
	switch ratio := t.odds.Ratio(); {
	case math.IsNaN(ratio):
		return s
	case math.IsInf(ratio, 1):
		return s + ": events in the canary alone"
	default:
		return s + ": " + times(ratio) + " times the odds"
	}
}

func (t *table) negligible() string {
	return "below the negligible rate " + plain(100*t.of.Negligible) + "%"
}

// safety is what has been shown.
func (t *table) safety() string {
	if t.byRate {
		return "to be " + t.negligible()
	}
	return "not to be " + plain(t.of.Detect) + "x worse"
}

// failNote is what else there is to know of a fail.
func (t *table) failNote() string {
	note := ""
	if low, _ := t.interval(); low >= t.of.Tolerate {
		note = fmt.Sprintf(", at least %s with %.4g%% confidence", times(low), 100*(1-t.of.Alpha))
	}
	if t.hasNegligible() && !t.histogram && t.rare.Log() >= t.neededAlone() {
		note += ", although " + t.negligible()
	}
	return note
}

func (t *table) waiting(alone string, logHarm, logSafe, failAt float64) string {
	so, harm := "no worse so far: "+t.figures(), " "
	ratio := t.odds.Ratio()
	switch {
	case t.baseline.Total == 0:
		so = arm("canary", t.canary) + ", and nothing to compare it with"
	case math.IsNaN(ratio):
		so = "nothing to compare yet: " + t.figures()
	case ratio > t.of.Tolerate:
		so = "worse so far: " + t.figures()
		harm = fmt.Sprintf(" of harm %s (fails at %s), and ", short(evidence.Value(logHarm)), short(math.Exp(failAt)))
	}
	missing := t.missing(alone)
	if missing == "" {
		return so
	}
	return fmt.Sprintf("%s; evidence%s%s of %s that it is %s", so, harm, short(evidence.Value(logSafe)), short(1/t.of.Beta), missing)
}

// missing says which of the ways to be safe is the nearer one, and how many
// requests it is away. It is empty if there is none in sight. alone says that there
// is no baseline, empty if there is one.
func (t *table) missing(alone string) string {
	notWorse, rare := math.Inf(1), math.Inf(1)
	canary, baseline := t.arms()
	share := float64(canary.Total) / float64(canary.Total+baseline.Total)
	if growth := t.safe.Growth(baseline.Rate, share); growth > 0 && alone == "" && t.noise == nil {
		notWorse = (t.neededAlone() - t.safe.Log()) / growth
	}
	if t.hasNegligible() {
		rare = t.rare.More(t.neededAlone(), t.canary.Rate)
	}
	compared := fmt.Sprintf("not %sx worse", plain(t.of.Detect))
	switch {
	case rare < notWorse:
		return fmt.Sprintf("%s: about %s more canary requests at this rate would show it", t.negligible(), roundUp(rare))
	case !math.IsInf(notWorse, 1):
		return fmt.Sprintf("%s: about %s more canary requests if it is not worse", compared, roundUp(notWorse))
	case !math.IsNaN(t.odds.Ratio()):
		return compared + alone
	}
	return ""
}
