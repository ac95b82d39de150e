package googlecloud

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Incident is 12 June 2025.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "googlecloud", Title: "Google Cloud", When: "12 Jun 2025",
		Source:    "https://status.sync.zebra.com/incidents/0sh156jy9lkg",
		Fault:     "A row of policy data with blank fields, in all regions within seconds, crashed code that nothing had exercised since it was deployed.",
		Guardrail: "data region by region, past a gate that has to see the new path used",
		Without:   func() (replay.Outcome, error) { return tell(asItWent()) },
		With:      with,
	}
}

// largest is the region that took longest, and first the one that the waves begin with.
const largest, first = "us-central1", "europe-north1"

// fleet is made up: 120 tasks in the largest region, and 40 in each of nine others.
func fleet() (all []rollout.Target) {
	for _, region := range []string{
		first, "asia-east1", "asia-northeast1", "asia-south1", "australia-southeast1",
		"europe-west1", "europe-west4", "us-east1", "us-west1", largest,
	} {
		tasks := 40
		if region == largest {
			tasks = 120
		}
		for _, task := range replay.Fleet(region, tasks) {
			task.Labels = map[string]string{"region": region}
			all = append(all, task)
		}
	}
	return all
}

// change is the new row.
func change() rollout.Plan {
	return rollout.Plan{
		Name:    "policy-row-2025-06-12",
		Release: rollout.Release{Service: "quota-policy", From: "policy-1", To: "policy-2"},
		Targets: fleet(),
	}
}

// telling is a plan, and the database that the tasks read when they restart.
type telling struct {
	replay.Telling
	restarts *restarts
}

// in has the plan happen: a task that has the row fails all that it is asked.
func in(plan rollout.Plan) telling {
	db := newRestarts(plan.Targets)
	return telling{replay.Telling{
		Plan: plan, Of: "of all tasks", Things: "tasks",
		World: simulate.World{
			Model:       simulate.Model{Undo: db.restart},
			Check:       db.follow,
			UndoTimeout: time.Hour,
			Signals: map[string]simulate.Signal{
				// It meets the row with the next request that asks for it.
				"quota checks": {PerSecond: 5, Old: 0.0001, New: 1, After: time.Second},
			},
		},
	}, db}
}

// asItWent is everywhere at once. The cause was known after ten minutes; but there was
// no flag for the new code, and the button that turned it off was out after forty. Then
// the tasks restarted as fast as they could.
func asItWent() telling {
	plan := replay.AtOnce(change(), "policy data is replicated globally, within seconds")
	plan.Rollback = rollback.Policy{Batch: 100, Jitter: -1}
	t := in(plan)
	t.World.Happenings = []simulate.Happening{replay.Human(40*time.Minute, "the engineers", "the new code is off")}
	t.Notes = []replay.Note{{At: 10 * time.Minute, Text: "the cause is known; the button that turns the code off has to be rolled out"}}
	return t
}

// gate wants to have seen the new path at work: it counts the requests that went through
// it, and passes nothing that was never tried.
func gate() analysis.Gate {
	return analysis.Gate{
		Bake: analysis.Bake{AtLeast: 10 * time.Minute, AtMost: time.Hour, Samples: 10_000},
		Checks: []analysis.Check{
			{Name: "quota checks", Source: simulate.Unasked{}, Judge: analysis.NotWorse{}},
		},
	}
}

// ramp takes the change back a few tasks at a time, and no two of them at the same
// moment.
func ramp() rollback.Policy {
	return rollback.Policy{Batch: 5, Parallel: 5, Jitter: 10 * time.Second}
}

// byRegion is the same row as a rollout.
func byRegion() telling {
	plan := change()
	plan.Waves = rollout.ByLabel("region", first)
	plan.Concurrency = 120 // within a region, a row is everywhere at once
	plan.Gate, plan.Rollback = gate(), ramp()
	return in(plan)
}

// tell plays it, and adds how hard the restarts were on the database.
func tell(t telling) (replay.Outcome, error) {
	o, err := t.Tell()
	if err == nil {
		o.Ending += fmt.Sprintf("; up to %d tasks restarted at once", t.restarts.most)
	}
	return o, err
}

// unexercised is the rollout of the code, two weeks before, behind the same gate: it does
// go by region, but no request takes the new path.
func unexercised() replay.Telling {
	t := byRegion().Telling
	t.Plan.Name = "quota-code-2025-05-29"
	t.Plan.Release = rollout.Release{Service: "quota-code", From: "code-1", To: "code-2"}
	t.World.See = func(_ *rand.Rand, look *simulate.Look) analysis.Observation {
		return analysis.Observation{At: look.End, Canary: analysis.Counts(0, 0), Baseline: analysis.Counts(0, 0)}
	}
	return t
}

// with tells of the row, and then of the code that it woke.
func with() (replay.Outcome, error) {
	o, err := tell(byRegion())
	if err != nil {
		return o, err
	}
	before, err := unexercised().Tell()
	o.Story = append(o.Story, "", "And two weeks before, the code itself would not have passed that gate, for nothing had exercised it:")
	o.Story = append(o.Story, before.Story...)
	return o, err
}
