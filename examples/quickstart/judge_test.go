package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tidegate-go/tidegate/analysis"
)

// outcome judges one canary server against the rest of the fleet, as the gate
// of wave 1 does with the defaults, and says after how many looks it knew.
func outcome(cfg config, version string, rate float64) (analysis.Outcome, int) {
	gate := (&demo{cfg: cfg, fleet: &fleet{}, deployer: newDeployer(nil)}).plan("p", version).Gate
	perSecond := int(cfg.Rate) / cfg.Servers
	canary := newFaults(cfg.Seed, "web-01", version, rate)
	rest := newFaults(cfg.Seed, "the rest, with "+version, old, cfg.Errors)
	trial := gate.Checks[0].Judge.(analysis.Sharer).Share(gate.Alpha, gate.Beta).Begin()
	for look := 1; look <= 30; look++ {
		o := analysis.Observation{Canary: sample(canary, perSecond), Baseline: sample(rest, int(cfg.Rate)-perSecond)}
		if v := trial.Judge(o); v.Outcome != analysis.Undecided {
			return v.Outcome, look
		}
	}
	return analysis.Inconclusive, 30
}

func sample(f *faults, requests int) analysis.Sample {
	var failed uint64
	for range requests {
		if f.next() {
			failed++
		}
	}
	return analysis.Counts(failed, uint64(requests))
}

// The default seed is not a lucky one: with others the demo comes out the same,
// as often as the gate promises.
func TestOtherSeedsComeOutTheSame(t *testing.T) {
	const seeds = 300
	cfg := defaults()
	var missed, mistaken, late, looksBad, looksGood int
	for seed := uint64(1); seed <= seeds; seed++ {
		cfg.Seed = seed
		o, looks := outcome(cfg, bad, cfg.Broken)
		looksBad += looks
		if o != analysis.Fail {
			missed++
		}
		o, looks = outcome(cfg, good, cfg.Errors)
		looksGood += looks
		switch o {
		case analysis.Fail:
			mistaken++
		case analysis.Inconclusive:
			late++
		}
	}
	t.Logf("of %d seeds: v2 was missed with %d, v3 taken back with %d, and not decided in time with %d", seeds, missed, mistaken, late)
	assert.LessOrEqual(t, missed, seeds*5/100, "β is 5% at 3 times the errors, and v2 has 5 times as many")
	assert.LessOrEqual(t, mistaken, seeds*2/100, "α is 1%")
	assert.LessOrEqual(t, late, seeds*2/100)

	cfg.Seed = defaults().Seed
	o, looks := outcome(cfg, bad, cfg.Broken)
	assert.Equal(t, analysis.Fail, o)
	assert.InDelta(t, float64(looksBad)/seeds, looks, 3, "looks to find v2 out, against the mean")
	o, looks = outcome(cfg, good, cfg.Errors)
	assert.Equal(t, analysis.Pass, o)
	assert.InDelta(t, float64(looksGood)/seeds, looks, 3, "looks to trust v3, against the mean")
}
