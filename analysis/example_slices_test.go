package analysis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// One zone of three is down, and the average looks fine.
func ExamplePerSlice() {
	trial := analysis.PerSlice{Judge: analysis.NotWorse{}}.Begin()
	zone := func(name string, errors uint64) analysis.Slice {
		return analysis.Slice{Name: name, Canary: analysis.Counts(errors, 100), Baseline: analysis.Counts(20, 2000)}
	}
	var v analysis.Verdict
	for range 4 {
		v = trial.Judge(analysis.Observation{
			Canary: analysis.Counts(6, 300), Baseline: analysis.Counts(60, 6000),
			Slices: []analysis.Slice{zone("a", 0), zone("b", 6), zone("c", 0)},
		})
	}
	fmt.Println(v.Outcome, v.Slice)
	// Output: fail b
}

// Before a rollout, both arms run the old version. How much they differ then decides
// how NotWorse weighs what it sees afterwards.
func ExampleCalibrate() {
	rng := rand.New(rand.NewPCG(1, 2))
	var window []analysis.Observation
	for range 180 {
		mood := rng.ExpFloat64() // one of the canary's hosts has good days and bad days
		window = append(window, analysis.Observation{
			Canary: analysis.Counts(uint64(10*mood), 1000), Baseline: analysis.Counts(90, 9000),
		})
	}
	arms := analysis.Calibrate(window)
	v := analysis.NotWorse{Arms: arms}.Begin().Judge(analysis.Observation{
		Canary: analysis.Counts(25, 1000), Baseline: analysis.Counts(90, 9000),
	})
	fmt.Printf("φ is %.0f, so 25 errors in place of 10 are %v\n", arms.Tables[0].Phi, v.Outcome)
	// Output: φ is 6, so 25 errors in place of 10 are undecided
}

// A check that could never pass is found out before anything is deployed.
func ExampleGate_Preflight() {
	misspelt := analysis.SourceFunc(func(context.Context, analysis.Window) (analysis.Observation, error) {
		return analysis.Observation{}, analysis.ErrNoData
	})
	gate := analysis.Gate{
		Bake:   analysis.Bake{AtLeast: 5 * time.Minute},
		Checks: []analysis.Check{{Name: "errors", Source: misspelt, Judge: analysis.NotWorse{}}},
	}
	first := analysis.Arm{Version: "v41", Members: []analysis.Member{{Name: "web-1"}}}
	others := analysis.Arm{Version: "v41", Members: []analysis.Member{{Name: "web-2"}, {Name: "web-3"}}}
	_, err := gate.Preflight(context.Background(), first, others)
	fmt.Println(err)
	// Output: analysis: check errors cannot be asked: analysis: no data
}
