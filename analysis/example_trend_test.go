package analysis_test

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// A new build leaks 31 MB every ten seconds, and has 4 GB.
func ExampleStaysBelow() {
	trial := analysis.StaysBelow(4e9, 30*time.Minute).Begin()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for look := range 31 {
		v := trial.Judge(analysis.Observation{At: at, Canary: analysis.Gauge(1e9 + 31e6*float64(look))})
		if look%10 == 0 {
			fmt.Printf("%s: %s\n", v.Outcome, v.Reason)
		}
		at = at.Add(10 * time.Second)
	}
	// Output:
	// undecided: 1e+09, after 1 of 8 points
	// degraded: 1.31e+09 crosses 4e+09 in about 14m if it goes on like this: +3.1e+06 per second over the last 1m40s
	// degraded: 1.62e+09 crosses 4e+09 in about 13m if it goes on like this: +3.1e+06 per second over the last 3m20s
	// degraded: 1.93e+09 crosses 4e+09 in about 11m if it goes on like this: +3.1e+06 per second over the last 5m
}
