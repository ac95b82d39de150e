package analysis_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// The canary gets 5% of the traffic and fails five times as often as the rest.
func ExampleNotWorse() {
	trial := analysis.NotWorse{Detect: 2}.Begin()
	for {
		v := trial.Judge(analysis.Observation{
			Canary:   analysis.Counts(3, 60),
			Baseline: analysis.Counts(12, 1140),
		})
		if v.Outcome != analysis.Undecided {
			fmt.Println(v.Outcome)
			fmt.Println(v.Reason)
			break
		}
	}
	// Output:
	// fail
	// canary 5.0% (12 of 240) against baseline 1.1% (48 of 4560): 4.9 times the odds, at least 1.2 with 99% confidence; evidence of harm 297 (needed 100); not calibrated: the arms were not compared beforehand
}

// Neither arm has any errors, so there is nothing to compare: the canary passes
// when its own error rate is shown to be negligible.
func ExampleNotWorse_negligible() {
	trial := analysis.NotWorse{Negligible: 0.001}.Begin()
	for i := range 9 {
		v := trial.Judge(analysis.Observation{
			Canary:   analysis.Counts(0, 500),
			Baseline: analysis.Counts(0, 9500),
		})
		if i%4 == 0 {
			fmt.Printf("%v: %s\n", v.Outcome, v.Reason)
		}
	}
	// Output:
	// undecided: nothing to compare yet: canary 0% (0 of 500) against baseline 0% (0 of 9500); evidence 1.3 of 20 that it is below the negligible rate 0.1%: about 3600 more canary requests at this rate would show it
	// undecided: nothing to compare yet: canary 0% (0 of 2500) against baseline 0% (0 of 47500); evidence 5.3 of 20 that it is below the negligible rate 0.1%: about 1600 more canary requests at this rate would show it
	// pass: shown to be below the negligible rate 0.1%: canary 0% (0 of 4500) against baseline 0% (0 of 85500); evidence 32.2 (needed 20)
}

func ExampleAbove() {
	trial := analysis.Above(0.95).Begin()
	for _, sold := range []uint64{9, 10, 7} {
		v := trial.Judge(analysis.Observation{Canary: analysis.Counts(sold, 10)})
		fmt.Printf("%v: %s\n", v.Outcome, v.Reason)
	}
	// Output:
	// undecided: 90% (9 of 10) is below 95%, after 10 of 20 samples
	// pass: 95.0% (19 of 20) is at least 95%
	// undecided: 70% (7 of 10) is below 95%, after 10 of 20 samples
}

func ExampleBelow() {
	queue := analysis.Below(100)
	queue.Failures = 1
	queue.Consecutive = true
	trial := queue.Begin()
	for _, length := range []float64{40, 120, 70, 130, 150} {
		v := trial.Judge(analysis.Observation{Canary: analysis.Gauge(length)})
		fmt.Printf("%v: %s\n", v.Outcome, v.Reason)
	}
	// Output:
	// pass: 40 is at most 100
	// undecided: 120 is above 100, 1 of 1 tolerated in a row
	// pass: 70 is at most 100
	// undecided: 130 is above 100, 1 of 1 tolerated in a row
	// fail: 150 is above 100, for the 2nd time in a row (1 tolerated)
}

func ExampleWithin() {
	v := analysis.Within(18, 27).Begin().Judge(analysis.Observation{Canary: analysis.Gauge(31.5)})
	fmt.Println(v.Reason)
	// Output:
	// 31.5 is above 27
}

// A driver asks the sources and the clock, and tells the evaluation. In a
// rollout, rollout.Runner does this.
func ExampleGate_Begin() {
	gate := analysis.Gate{
		Bake: analysis.Bake{AtLeast: time.Minute, AtMost: time.Hour},
		Checks: []analysis.Check{{
			Name:  "errors",
			Judge: analysis.NotWorse{Detect: 2},
			Source: analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
				return analysis.Observation{At: w.End, Canary: analysis.Counts(5, 500), Baseline: analysis.Counts(95, 9500)}, nil
			}),
		}},
	}
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	evaluation := gate.Begin()
	evaluation.Enter(1, now)
	evaluation.Deployed(now)
	for {
		window := analysis.Window{Start: now, End: now.Add(gate.Every()), Wave: 1}
		now = window.End
		seen, err := gate.Checks[0].Source.Observe(context.Background(), window)
		if err != nil {
			seen = analysis.Observation{At: now, Err: err.Error()}
		}
		evaluation.Observe(0, seen)
		if d := evaluation.Decide(now); d.Outcome != analysis.Undecided {
			fmt.Println(d.Outcome)
			fmt.Println(d.Reason)
			break
		}
	}
	// Output:
	// pass
	// errors: shown not to be 2x worse: canary 1.0% (30 of 3000) against baseline 1.0% (570 of 57000): 1.0 times the odds; evidence 1.8e+03 (needed 20)
}
