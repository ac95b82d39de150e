package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
)

// burnUntil plays a trial of looks ten seconds apart, until it fails. The canary gets
// about perLook requests between two of them; failures come in clumps.
func burnUntil(rng *rand.Rand, judge analysis.BurnRate, perLook int, rate float64, clump uint64, looks int) (v analysis.Verdict, passed bool) {
	trial := judge.Begin()
	for i := range looks {
		at := time.Duration(i) * 10 * time.Second
		s := sampled(rng, uint64(perLook), rate/float64(clump))
		v = trial.Judge(analysis.Observation{At: start.Add(at), Canary: analysis.Counts(clump*s.Events, s.Total)})
		passed = passed || v.Outcome == analysis.Pass
		if v.Outcome == analysis.Fail {
			break
		}
	}
	return v, passed
}

// The figures in the documentation of BurnRate: with -long 2,000 runs each.
func TestSimulatedFalseFailsOfBurnRate(t *testing.T) {
	n := 8
	if *long {
		n = 2000
	}
	for i, c := range []struct {
		objective float64
		perLook   int
		clump     uint64
		burn      float64
	}{
		{0.999, 10, 1, 1},
		{0.999, 100, 1, 1},
		{0.999, 1000, 1, 1},
		{0.99, 10, 1, 1},
		{0.99, 100, 1, 1},
		{0.99, 1000, 1, 1},
		{0.999, 100, 5, 1},
		{0.99, 100, 5, 1},
		{0.999, 100, 5, 0.5},
	} {
		rng := rand.New(rand.NewPCG(21, uint64(i)))
		failed, passed := 0, 0
		for range n {
			v, p := burnUntil(rng, analysis.BurnRate{Objective: c.objective}, c.perLook, c.burn*(1-c.objective), c.clump, 2160)
			if v.Outcome == analysis.Fail {
				failed++
				require.True(t, strings.HasSuffix(v.Reason, "fails at 1x") || c.clump == 1, v.Reason)
				require.True(t, v.Canary.Total > uint64(3*hours*c.perLook) || c.clump == 1, v.Reason)
			}
			if p {
				passed++
			}
		}
		name := fmt.Sprintf("objective %g, %d requests a look, %d failures at a time, burns at %g", c.objective, c.perLook, c.clump, c.burn)
		t.Logf("%s: %.2f%% failed, %.1f%% passed at some time", name, 100*float64(failed)/float64(n), 100*float64(passed)/float64(n))
		if c.clump == 1 || c.burn < 1 {
			require.LessOrEqual(t, float64(failed), analysis.DefaultAlpha*float64(n)+2, name)
		}
	}
}
