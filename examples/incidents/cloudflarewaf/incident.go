package cloudflarewaf

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Incident is 2 July 2019.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "cloudflarewaf", Title: "Cloudflare, a firewall rule", When: "2 Jul 2019",
		Source:    "https://blog.cloudflare.com/details-of-the-cloudflare-outage-on-july-2-2019",
		Fault:     "A regular expression in a firewall rule, sent to the whole network within seconds, used up all processor time.",
		Guardrail: "rules in waves as software has them, and the processors in the gate",
		Without:   func() (replay.Outcome, error) { return asItWent().Tell() },
		With:      with,
	}
}

// change is the new rules, for a network that is made up: a hundred places of the same
// size.
func change() rollout.Plan {
	return rollout.Plan{
		Name:    "waf-rules-2019-07-02",
		Release: rollout.Release{Service: "waf-rules", From: "rules-1", To: "rules-2"},
		Targets: replay.Fleet("edge", 100),
	}
}

// network is the world: with the new rules, every processor is busy.
func network() simulate.World {
	spread := func(*rand.Rand, string) simulate.Outcome {
		return simulate.Outcome{Takes: 2290 * time.Millisecond} // 99% of the machines had a change by then
	}
	return simulate.World{
		Model:   simulate.Model{Do: spread, Undo: spread},
		Signals: map[string]simulate.Signal{"cpu": {Old: 0.4, New: 1}},
	}
}

// asItWent is everything at once. The page came after three minutes; but the way to the
// switch led through the network that was down, and it was found after 25.
func asItWent() replay.Telling {
	world := network()
	world.Happenings = []simulate.Happening{
		replay.Human(25*time.Minute, "the engineers", "the firewall is switched off everywhere"),
	}
	return replay.Telling{
		Plan:  replay.AtOnce(change(), "rules are not staged, so that a new attack is stopped within seconds"),
		World: world, Of: "of the edge", Things: "places",
		Notes: []replay.Note{
			{At: 3 * time.Minute, Text: "the first page; the dashboard and the API are behind what is down"},
		},
	}
}

// inWaves is the same change as a rollout.
func inWaves() replay.Telling {
	plan := change()
	plan.Waves = rollout.Percent(1, 10, 50, 100)
	busy := analysis.Below(0.8)
	busy.Failures, busy.Consecutive = 2, true // a moment of work is no fault
	plan.Gate = analysis.Gate{
		Bake:   analysis.Bake{AtLeast: time.Minute},
		Checks: []analysis.Check{{Name: "cpu", Source: simulate.Unasked{}, Judge: busy}},
	}
	return replay.Telling{Plan: plan, World: network(), Of: "of the edge", Things: "places"}
}

// switched has no waves and no gate, but a kill switch that needs nothing of the network,
// so that it is thrown when the page comes.
func switched() (replay.Telling, error) {
	kill := &guardrails.KillSwitch{Mode: guardrails.Rollback}
	if err := kill.Trip("the engineer on call", "the processors are busy everywhere"); err != nil {
		return replay.Telling{}, err
	}
	no := guardrails.Check(context.Background(), []guardrails.Guard{kill}, guardrails.Action{Verb: guardrails.Bake})
	no.Evidence = "" // the time of day at which this is played
	telling := asItWent()
	telling.World.Happenings = []simulate.Happening{{At: 3 * time.Minute, Breach: no}}
	telling.Notes = []replay.Note{{At: 3 * time.Minute, Text: "the first page"}}
	return telling, nil
}

// with tells of the waves, and then of the switch alone.
func with() (replay.Outcome, error) {
	o, err := inWaves().Tell()
	if err != nil {
		return o, err
	}
	telling, err := switched()
	if err != nil {
		return o, err
	}
	again, err := telling.Tell()
	o.Story = append(o.Story, "", "And had there been no waves, but a kill switch that does not pass through what is broken:")
	o.Story = append(o.Story, again.Story...)
	return o, err
}
