package cloudflarekill

import (
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Incident is 5 December 2025.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "cloudflarekill", Title: "Cloudflare, a kill switch", When: "5 Dec 2025",
		Source:    "https://blog.cloudflare.com/5-december-2025-outage/",
		Fault:     "A kill switch, used for the first time on a rule of that kind and everywhere within seconds, made an old proxy fail each request.",
		Guardrail: "a kill switch is a change, and goes through the same waves",
		Without:   func() (replay.Outcome, error) { return asItWent().Tell() },
		With:      func() (replay.Outcome, error) { return inWaves().Tell() },
	}
}

const (
	on, off = "test-tool-on", "test-tool-off"
	// kind is the label that says which proxy a place runs: an old one or the new one.
	kind = "proxy"
)

// network is made up: a hundred places of the same traffic, 28 of which run the old
// proxy, with rules such that the switch can hurt them.
func network() (old, young []rollout.Target) {
	old, young = replay.Fleet("old-proxy", 28), replay.Fleet("new-proxy", 72)
	for i := range old {
		old[i].Labels = map[string]string{kind: "old"}
	}
	for i := range young {
		young[i].Labels = map[string]string{kind: "new"}
	}
	return old, young
}

// change is the kill switch: it turns the tool off.
func change() rollout.Plan {
	old, young := network()
	return rollout.Plan{
		Name:    "test-tool-off-2025-12-05",
		Release: rollout.Release{Service: "edge-proxy", From: on, To: off},
		Targets: append(old, young...),
	}
}

// see is what the check of errors sees: a hundred requests a second in each place, and
// all of them fail where the switch meets the old proxy, from then on.
func see(_ *rand.Rand, look *simulate.Look) analysis.Observation {
	const perSecond, usual = 100, 0.001
	count := func(group simulate.Group) analysis.Sample {
		requests, errors := 0.0, 0.0
		for place := range group.Targets() {
			n := perSecond * look.Seconds()
			requests += n
			errors += n * usual
			if place.Runs == off && place.Labels[kind] == "old" {
				errors += perSecond * (1 - usual) * min(look.Seconds(), place.For.Seconds())
			}
		}
		return analysis.Counts(uint64(errors), uint64(requests))
	}
	return analysis.Observation{At: look.End, Canary: count(look.Canary()), Baseline: count(look.Baseline())}
}

func telling(plan rollout.Plan, happens ...simulate.Happening) replay.Telling {
	old, _ := network()
	hurt := make(map[string]bool, len(old))
	for _, place := range old {
		hurt[place.Name] = true
	}
	return replay.Telling{
		Plan: plan, World: simulate.World{See: see, Happenings: happens}, Of: "of HTTP traffic", Things: "places",
		Ill: func(place, version string) bool { return version == off && hurt[place] },
	}
}

// asItWent is everywhere at once, at 08:47. It was taken back by hand at 09:11.
func asItWent() replay.Telling {
	t := telling(replay.AtOnce(change(), "the global configuration does not do gradual rollouts"),
		replay.Human(24*time.Minute, "the engineers", "it was the kill switch"))
	t.Notes = []replay.Note{{At: 3 * time.Minute, Text: "the alerts come in"}}
	return t
}

// inWaves is the same kill switch as a rollout in a hurry: half a minute for each wave,
// and no wave is left out.
func inWaves() replay.Telling {
	plan := change()
	old, young := plan.Targets[:28], plan.Targets[28:]
	plan.Waves = rollout.Explicit{
		{Targets: []rollout.Target{young[0], old[0]}}, // one of each kind
		{Targets: append(old[1:5:5], young[1:9]...)},
		{Targets: append(old[5:28:28], young[9:]...)},
	}
	plan.Gate = analysis.Gate{
		Bake: analysis.Bake{AtLeast: 30 * time.Second},
		Checks: []analysis.Check{
			{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.NotWorse{}},
		},
	}
	return telling(plan)
}
