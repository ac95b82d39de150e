package crowdstrike

import (
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Incident is the outage, told twice.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "crowdstrike", Title: "CrowdStrike channel file 291", When: "19 Jul 2024",
		Source: "https://www.crowdstrike.com/en-us/blog/falcon-content-update-preliminary-post-incident-report/",
		Fault: "A content file with one field more than the sensor's code supplied made Windows hosts crash and not boot again. " +
			"Content went to every sensor at once: waves were for software.",
		Guardrail: "waves for content as for software, and silence fails the gate",
		Without:   without().Tell,
		With:      with().Tell,
	}
}

// plan is what both have in common: 8.5 million hosts, in groups of ten thousand.
func plan() rollout.Plan {
	fleet := replay.Fleet("group", 850)
	for i := range fleet {
		fleet[i].Weight = 10_000
	}
	return rollout.Plan{
		Name:    "channel-file-291",
		Release: rollout.Release{Service: "falcon-content", From: "content-290", To: "content-291"},
		Targets: fleet,
		// A host that does not boot cannot be reached: one try tells.
		Rollback: rollback.Policy{Attempts: 1},
	}
}

// world has hosts that get the file and fall silent for good.
func world() simulate.World {
	return simulate.World{
		See: see,
		Model: simulate.Model{Undo: func(*rand.Rand, string) simulate.Outcome {
			return simulate.Outcome{Takes: time.Second, Err: "no answer: the hosts do not boot"}
		}},
	}
}

// see is what the checks see: of what does not report, there is nothing to be seen.
func see(_ *rand.Rand, look *simulate.Look) analysis.Observation {
	var alive int64
	for target := range look.Canary().Targets() {
		if target.Runs != "content-291" {
			alive += target.Weight
		}
	}
	o := analysis.Observation{At: look.End}
	if alive > 0 {
		o.Canary = analysis.Counts(0, uint64(alive))
	}
	return o
}

// without is how it went: everywhere at once, and taken back after 78 minutes.
func without() replay.Telling {
	world := world()
	world.Happenings = []simulate.Happening{
		replay.Human(78*time.Minute, "CrowdStrike", "05:27 UTC, the file is reverted"),
	}
	return replay.Telling{
		Plan:  replay.AtOnce(plan(), "content was not staged, software was"),
		World: world, Of: "of 8.5 million hosts", Things: "groups of 10,000 hosts",
		Notes: []replay.Note{
			{At: 0, Text: "04:09 UTC: the file goes out to every Windows sensor"},
			{At: 10 * 24 * time.Hour, Text: "29 July: about 99% of the sensors are back, mended by hand"},
		},
	}
}

// with is the same file in waves. Every host that is up sends a heartbeat, so one that
// sends none is down: the check may fail on no data, where others could only wait.
func with() replay.Telling {
	p := plan()
	p.Waves = rollout.OneThenDouble()
	p.Gate = analysis.Gate{
		Bake: analysis.Bake{AtLeast: 10 * time.Minute},
		Checks: []analysis.Check{
			{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.Below(0.01)},
			{
				Name: "heartbeats", Source: simulate.Unasked{}, Judge: analysis.Below(0.01), Critical: true,
				NoData: analysis.FailOnNoData, NoDataAfter: 3,
			},
		},
	}
	return replay.Telling{Plan: p, World: world(), Of: "of 8.5 million hosts", Things: "groups of 10,000 hosts"}
}
