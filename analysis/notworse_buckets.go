package analysis

import (
	"fmt"
	"math"
	"slices"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// bucketsForm weighs histograms: at each boundary, requests above it are events. The
// evidence of harm is the mean over the boundaries. A release is safe if it is at
// each of them.
type bucketsForm struct {
	bounds      []float64
	tables      []table
	logs        []float64 // scratch
	weights     []float64
	strata      []evidence.Counts // scratch
	arms        comparability     // at the worst of the boundaries
	calibration string
}

func newBucketsForm(of *NotWorse, bounds []float64) (*bucketsForm, error) {
	if of.LowerIsWorse {
		return nil, fmt.Errorf("NotWorse.LowerIsWorse is set, but the samples are histograms: there, higher is worse")
	}
	f := &bucketsForm{bounds: slices.Clone(bounds), logs: make([]float64, len(bounds)), tables: make([]table, len(bounds)), weights: make([]float64, len(bounds))}
	for j := range bounds {
		arms, calibration := of.Arms.of(j)
		if of.Arms.Intervals > 0 && len(of.Arms.Tables) != len(bounds) && of.Arms.Problem == "" {
			arms, calibration = unknown, "not calibrated: the histogram of the A/A window had other boundaries"
		}
		var s Spread
		if j < len(of.Arms.Tables) {
			s = of.Arms.Tables[j]
		}
		// A boundary that few requests are above had no events to learn from.
		if j == 0 || arms > f.arms {
			f.arms, f.calibration = arms, calibration
		}
		t, err := newTable(of, arms, s, evidence.NewSlower)
		if err != nil {
			return nil, err
		}
		t.histogram = true
		t.memory.tables = float64(len(bounds))
		f.tables[j], f.weights[j] = t, 1
	}
	return f, nil
}

func (f *bucketsForm) weigh(o *Observation) (problem string) {
	for _, s := range [...]*Sample{&o.Canary, &o.Baseline} {
		switch {
		case s.Kind == NoData:
		case s.bucketProblem() != "":
			return "the histogram " + s.bucketProblem()
		case !slices.Equal(s.Bounds, f.bounds):
			return fmt.Sprintf("the histogram's boundaries are %v, and were %v before", s.Bounds, f.bounds)
		case s.Total > evidence.MaxCount:
			return fmt.Sprintf("the histogram has a total of %d, which is beyond belief for one observation", s.Total)
		}
	}
	for j := range f.tables {
		f.strata = strataOf(f.strata, *o, j)
		f.tables[j].weigh(countsOf(o.Canary, o.Baseline, j), f.strata)
	}
	return ""
}

func (f *bucketsForm) harm() float64 {
	for j := range f.tables {
		f.logs[j] = f.tables[j].logHarm
	}
	return evidence.WeightedMean(f.logs, f.weights)
}

// safe is the least of all boundaries: a release that is harmful is so at one of
// them, and gets past that one with a probability of at most β.
func (f *bucketsForm) safe() float64 { return f.tables[f.leastSafe()].logSafe }

func (f *bucketsForm) exact() *evidence.Spending { return nil }

func (f *bucketsForm) blind() string {
	if f.arms == apart {
		return f.calibration
	}
	return ""
}

func (f *bucketsForm) recall() recall { return f.tables[f.leastRecalled()].memory.state }

func (f *bucketsForm) recalled(lately string) string {
	j := f.leastRecalled()
	if words := f.tables[j].memory.words(lately); words != "" {
		return f.above(j) + words
	}
	return ""
}

// leastRecalled is where the canary is the furthest from what the baseline was.
func (f *bucketsForm) leastRecalled() int {
	at := 0
	for j := range f.tables {
		if f.tables[j].memory.state > f.tables[at].memory.state {
			at = j
		}
	}
	return at
}

func (f *bucketsForm) leastSafe() int {
	at := 0
	for j := range f.tables {
		if f.tables[j].logSafe < f.tables[at].logSafe {
			at = j
		}
	}
	return at
}

func (f *bucketsForm) mostHarmed() int {
	at := 0
	for j := range f.tables {
		if f.tables[j].logHarm > f.tables[at].logHarm {
			at = j
		}
	}
	return at
}

func (f *bucketsForm) known() string { return f.calibration }

func (f *bucketsForm) fill(v *Verdict) {
	f.tables[f.mostHarmed()].fill(v)
	v.Calibration = f.calibration
}

func (f *bucketsForm) figures() string {
	j := f.mostHarmed()
	return f.above(j) + f.tables[j].figures()
}

func (f *bucketsForm) above(j int) string { return "above " + plain(f.bounds[j]) + ": " }

func (f *bucketsForm) safety() string {
	return "not to be " + plain(f.tables[0].of.Detect) + "x worse above any boundary"
}

func (f *bucketsForm) failNote() string { return f.tables[f.mostHarmed()].failNote() }

func (f *bucketsForm) waiting(alone string, logHarm, logSafe, failAt float64) string {
	j := f.leastSafe()
	if k := f.mostHarmed(); math.Max(f.tables[k].logHarm, logHarm) > 0 {
		j = k
	}
	return f.above(j) + f.tables[j].waiting(alone, logHarm, logSafe, failAt)
}
