package amazon

import (
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Incident is the outage, told twice. The facts are those of the press on documents that
// leaked; Amazon disputes some of them.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "amazon", Title: "Amazon.com storefront", When: "5 Mar 2026",
		Source: "https://vibegraveyard.ai/story/amazon-ai-code-retail-outages",
		Fault: "As the press has it, a change to production went out without the process for such changes and without " +
			"validation, and orders in North America fell by 99%.",
		Guardrail: "a first wave of one cell, and a floor under what customers come for; a gate on errors alone sees nothing",
		Without:   without().Tell,
		With:      with().Tell,
	}
}

// plan is what both have in common. How the storefront is made up is not public: here
// it is a hundred equal cells.
func plan() rollout.Plan {
	return rollout.Plan{
		Name:    "storefront-change",
		Release: rollout.Release{Service: "storefront", From: "2026-03-04", To: "2026-03-05"},
		Targets: replay.Fleet("cell", 100),
	}
}

// world has 97 of 100 checkouts succeed on the old version, and one on the new.
func world() simulate.World {
	return simulate.World{Signals: map[string]simulate.Signal{
		"checkouts": {PerSecond: 20, Old: 0.97, New: 0.01},
	}}
}

// without is how it went: everywhere, for six hours. When it was noticed is not public.
func without() replay.Telling {
	const outage = 6 * time.Hour
	world := world()
	world.Happenings = []simulate.Happening{
		replay.Human(outage, "Amazon", "the end of an outage of about six hours"),
	}
	return replay.Telling{
		Plan:  replay.AtOnce(plan(), "one authorised operator could"),
		World: world, Of: "of the North American storefront", Things: "cells", Sum: true,
	}
}

// with is the same change in waves. The floor has no statistics to wait for: the first
// 500 checkouts that the gate sees decide, which in one cell is within an interval.
func with() replay.Telling {
	floor := 0.90
	p := plan()
	p.Waves = rollout.Percent(1, 5, 20, 50, 100)
	p.Gate = analysis.Gate{
		Interval: 30 * time.Second,
		Bake:     analysis.Bake{AtLeast: 15 * time.Minute},
		Checks: []analysis.Check{
			{Name: "checkouts", Source: simulate.Unasked{}, Judge: analysis.Threshold{Min: &floor, MinSamples: 500}, Critical: true},
		},
	}
	p.Guards = []guardrails.Guard{guardrails.MaxExposure{Percent: 50}}
	return replay.Telling{Plan: p, World: world(), Of: "of the North American storefront", Things: "cells"}
}
