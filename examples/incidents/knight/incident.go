package knight

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// What a server runs: the router's code, and whether the flag is set that the new code
// means by "RLP", and the old code by "Power Peg".
const (
	flagOff     = "flag-off"      // whatever the code
	flagOn      = "flag-on"       // on the code that the server has
	uninstalled = "old-code+flag" // the new code taken off again, and the flag left on
)

// missed is the server that never got the new code.
const missed = "server-8"

// Incident is the outage, told twice.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "knight", Title: "Knight Capital", When: "1 Aug 2012",
		Source: "https://www.sec.gov/litigation/admin/2013/34-70694.pdf",
		Fault: "New code was copied to seven of eight servers. A flag that it used again woke long-unused code on the " +
			"eighth, and taking the new code off the seven woke it there as well.",
		Guardrail: "no flag before every server reports the version; and a way back that tastes its first server",
		Without:   without().Tell,
		With:      tell,
	}
}

// installed is the code on each server, as the server itself reports it.
func installed(_ context.Context, server string) (string, error) {
	if server == missed {
		return "old-code", nil
	}
	return "rlp-code", nil
}

// powerPeg tells which servers send orders that nobody wants.
func powerPeg(server, runs string) bool {
	return runs == uninstalled || (runs == flagOn && server == missed)
}

// plan turns the flag on, on all servers at once: markets open everywhere at 9:30.
func plan() rollout.Plan {
	return replay.AtOnce(rollout.Plan{
		Name:    "rlp-activation",
		Release: rollout.Release{Service: "smars", From: flagOff, To: flagOn},
		Targets: replay.Fleet("server", 8),
	}, "the market opens at once")
}

func telling(p rollout.Plan) replay.Telling {
	return replay.Telling{Plan: p, Of: "of eight servers", Things: "servers", Ill: powerPeg}
}

// without is how it went. When the new code was taken off is not on record, only that it
// was, within the 45 minutes: here it is half way.
func without() replay.Telling {
	t := telling(plan())
	t.Sum = true
	t.Plan.Rollback = rollback.Policy{Jitter: -1} // the flag is off everywhere at once
	t.World.Undo = func(*rand.Rand, string) simulate.Outcome { return simulate.Outcome{} }
	for _, server := range t.Plan.Targets {
		if server.Name != missed {
			t.World.Happenings = append(t.World.Happenings,
				simulate.Happening{At: 22 * time.Minute, Target: server.Name, Version: uninstalled})
		}
	}
	t.World.Happenings = append(t.World.Happenings, replay.Human(45*time.Minute, "Knight", "the orders are stopped"))
	t.Notes = []replay.Note{
		{At: -89 * time.Minute, Text: `08:01: the first of 97 e-mails that say "Power Peg disabled"; nobody reads them`},
		{At: 0, Text: "09:30: the market opens"},
		{At: 22 * time.Minute, Text: "when exactly is not on record: the new code is taken off the seven servers that had it, and now it is all eight"},
		{At: 45 * time.Minute, Text: "4 million executions for 212 orders; more than 460 million dollars are lost"},
	}
	return t
}

// with asks the servers what they run before the flag is turned on.
func with() replay.Telling {
	p := plan()
	converged := &guardrails.Converged{
		Before: func(guardrails.Action) bool { return true }, // each step turns the flag on
		Want:   "rlp-code", Report: installed,
	}
	for _, server := range p.Targets {
		converged.Targets = append(converged.Targets, server.Name)
	}
	p.Guards = []guardrails.Guard{converged}
	return telling(p)
}

// forced is the second line: the flag is on in spite of all, and the responders take the
// new code off. The first server that is taken back shows that this makes it worse, so
// the rollback does not go on with it, but to what has been known to be good.
func forced() replay.Telling {
	p := rollout.Plan{
		Name:    "rlp-code",
		Release: rollout.Release{Service: "smars", From: uninstalled, To: flagOn},
		Targets: replay.Fleet("server", 8),
		Waves:   rollout.Percent(100), Gate: replay.Unwatched(), AllowBigBang: "it was forced",
		Rollback: rollback.Policy{
			Older: []string{flagOff},
			Canary: analysis.Gate{Checks: []analysis.Check{
				{Name: "orders without a parent", Source: simulate.Unasked{}, Judge: analysis.Below(0.01)},
			}},
		},
	}
	// Server 8 is the first of the list, so that a healthy one is the first to be undone.
	p.Targets[0], p.Targets[7] = p.Targets[7], p.Targets[0]
	t := telling(p)
	t.World = simulate.World{
		Signals: map[string]simulate.Signal{
			"orders without a parent": {PerSecond: 50, Old: 0.9, Versions: map[string]float64{flagOff: 0}},
		},
		Happenings: []simulate.Happening{replay.Human(22*time.Minute, "Knight", "take the new code off again")},
	}
	return t
}
