package main

import (
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
)

// The versions of the demo.
const (
	old  = "v1"
	bad  = "v2"
	good = "v3"
)

// plan is how one version gets to the fleet. It is what you would write for a
// service of your own.
func (d *demo) plan(name, version string) rollout.Plan {
	return rollout.Plan{
		Name:    name,
		Release: rollout.Release{Service: "shop", From: old, To: version},
		Targets: d.fleet.targets(),
		// First one server, then twice as many, and so on; never more than a third.
		Waves: rollout.OneThenDouble(),
		// Behind every wave: watch for three seconds at least, and until it is known
		// whether the new version has more errors than the old one. One that has
		// three times as many must not pass; at most one healthy release in a
		// hundred is taken back by mistake.
		Gate: analysis.Gate{
			Interval: d.cfg.Every,
			Bake:     analysis.Bake{AtLeast: d.cfg.Bake, AtMost: 30 * time.Second},
			Checks: []analysis.Check{
				{Name: "errors", Source: d.errors(), Judge: analysis.NotWorse{Detect: 3, Horizon: 30}},
			},
			Alpha: 0.01,
			Beta:  0.05,
		},
		Guards: []guardrails.Guard{
			// However the waves are cut: no more than a third of the servers ever has a
			// version that no gate has passed.
			guardrails.MaxExposure{Percent: 33},
			// Whoever makes this file stops everything.
			&guardrails.KillSwitch{
				Sources: []guardrails.SwitchSource{guardrails.File(d.place.stopFile())},
				Every:   200 * time.Millisecond,
			},
		},
		Rollback: rollback.Policy{Timeout: 10 * time.Second, Deadline: time.Minute},
	}
}
