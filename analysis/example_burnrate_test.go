package analysis_test

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// A canary of a service that is to succeed 99.9% of the time: fine for five minutes,
// then 8% of its requests fail, while the rest of the fleet is as it was.
func ExampleBurnRate() {
	trial := analysis.BurnRate{Objective: 0.999}.Begin()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for look := range 60 {
		canary, baseline := analysis.Counts(0, 100), analysis.Counts(1, 1900)
		if look >= 30 {
			canary = analysis.Counts(8, 100)
		}
		v := trial.Judge(analysis.Observation{At: at, Canary: canary, Baseline: baseline})
		switch {
		case v.Outcome == analysis.Fail:
			fmt.Printf("%s: %s\n", v.Outcome, v.Reason)
			return
		case look%20 == 19:
			fmt.Printf("%s: %s\n", v.Outcome, v.Reason)
		}
		at = at.Add(10 * time.Second)
	}
	// Output:
	// pass: burns 0x the error budget over 3m10s of 1h and 0x over 3m10s of 5m (canary 0% (0 of 2000), objective 99.9%); fails at 14.4x
	// fail: burns 15.1x the error budget over 6m of 1h and 18.7x over 5m (canary 1.5% (56 of 3700), objective 99.9%): fails at 14.4x
}

// Windows can be as short as the bake, for whom three days are too long to wait.
func ExampleBurnRate_windows() {
	judge := analysis.BurnRate{
		Objective: 0.99,
		Windows: []analysis.BurnWindow{
			{Factor: 14.4, Long: 10 * time.Minute, Short: time.Minute},
			{Factor: 3, Long: time.Hour, Short: 5 * time.Minute},
		},
	}
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	// Everything burns, and not only the canary.
	var v analysis.Verdict
	for trial := judge.Begin(); at.Minute() < 10; at = at.Add(10 * time.Second) {
		v = trial.Judge(analysis.Observation{At: at, Canary: analysis.Counts(5, 100), Baseline: analysis.Counts(95, 1900)})
	}
	fmt.Println(v.Outcome, v.Blameless)
	fmt.Println(v.Reason)
	// Output:
	// undecided true
	// burns 5.0x the error budget over 9m50s of 1h and 5.0x over 5m (canary 5.0% (300 of 6000), objective 99%); so does the baseline, 5.0x and 5.0x (baseline 5.0% (5700 of 114000)): not the release's doing
}
