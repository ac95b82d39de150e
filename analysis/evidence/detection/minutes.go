package main

import (
	"github.com/tidegate-go/tidegate/analysis/evidence"
	"github.com/tidegate-go/tidegate/analysis/kayenta"
)

// minutes judges error rates per minute.
type minutes struct {
	judge            func(canary, baseline []float64) bool
	canary, baseline []float64 // error rates, in percent
	scrapes          int
	sum              evidence.Counts
}

func (w *minutes) alarm(c evidence.Counts) bool {
	s := &w.sum
	s.CanaryEvents, s.CanaryTotal = s.CanaryEvents+c.CanaryEvents, s.CanaryTotal+c.CanaryTotal
	s.BaselineEvents, s.BaselineTotal = s.BaselineEvents+c.BaselineEvents, s.BaselineTotal+c.BaselineTotal
	if w.scrapes++; w.scrapes%(60/seconds) != 0 {
		return false
	}
	percent := func(events, total uint64) float64 { return 100 * float64(events) / float64(max(1, total)) }
	w.canary = append(w.canary, percent(s.CanaryEvents, s.CanaryTotal))
	w.baseline = append(w.baseline, percent(s.BaselineEvents, s.BaselineTotal))
	w.sum = evidence.Counts{}
	return w.judge(w.canary, w.baseline)
}

// everyFiveMinutes asks a judge only then.
func everyFiveMinutes(judge func(canary, baseline []float64) bool) func(canary, baseline []float64) bool {
	return func(canary, baseline []float64) bool { return len(canary)%5 == 0 && judge(canary, baseline) }
}

// rankTest is Kayenta's classification of a metric that should not increase.
func rankTest(canary, baseline []float64) bool {
	return kayenta.Classify(kayenta.Config{Direction: kayenta.Increase}, canary, baseline).Label == kayenta.High
}

// failing is a threshold on the last minute that may be missed three times.
func failing(bad func(canary, baseline float64) bool) func(canary, baseline []float64) bool {
	const limit = 3
	failures := 0
	return func(canary, baseline []float64) bool {
		if bad(canary[len(canary)-1], baseline[len(baseline)-1]) {
			failures++
		}
		return failures > limit
	}
}

func aboveOnePercent(canary, _ float64) bool { return canary > 1 }

func aboveTwice(canary, baseline float64) bool { return canary > 2*baseline }
