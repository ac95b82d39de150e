package analysis

import (
	"fmt"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// countsForm weighs counts: one table an observation, or one for each slice.
type countsForm struct {
	table
	lane        *evidence.Spending // the exact lane; nil without
	strata      []evidence.Counts  // scratch
	arms        comparability
	calibration string
}

func newCountsForm(of *NotWorse) (*countsForm, error) {
	if of.LowerIsWorse {
		return nil, fmt.Errorf("NotWorse.LowerIsWorse is set, but the samples are counts: count the bad events")
	}
	f := &countsForm{}
	f.arms, f.calibration = of.Arms.of(0)
	var s Spread
	if len(of.Arms.Tables) > 0 {
		s = of.Arms.Tables[0]
	}
	var err error
	if f.table, err = newTable(of, f.arms, s, evidence.NewHarm); err != nil {
		return nil, err
	}
	if f.arms == byChance {
		f.lane, err = evidence.NewSpending(of.Tolerate, exactShare*of.Alpha, of.Horizon)
	}
	return f, err
}

func (f *countsForm) weigh(o *Observation) (problem string) {
	if problem := notCounts(*o); problem != "" {
		return problem
	}
	whole := countsOf(o.Canary, o.Baseline, 0)
	f.strata = strataOf(f.strata, *o, 0)
	f.table.weigh(whole, f.strata)
	if f.lane != nil {
		f.lane.Observe(f.strata...)
	}
	return ""
}

func (f *countsForm) harm() float64             { return f.logHarm }
func (f *countsForm) safe() float64             { return f.logSafe }
func (f *countsForm) exact() *evidence.Spending { return f.lane }

func (f *countsForm) blind() string {
	if f.arms == apart {
		return f.calibration
	}
	return ""
}

func (f *countsForm) recall() recall                { return f.memory.state }
func (f *countsForm) recalled(lately string) string { return f.memory.words(lately) }

func (f *countsForm) known() string { return f.calibration }

func (f *countsForm) fill(v *Verdict) {
	f.table.fill(v)
	v.Calibration = f.calibration
}
