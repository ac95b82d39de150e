package frontdoor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/examples/incidents/replay"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Incident is 29 October 2025.
func Incident() replay.Incident {
	return replay.Incident{
		Name: "frontdoor", Title: "Azure Front Door", When: "29 Oct 2025",
		Source:    "https://azure.status.microsoft/status/history/?trackingId=YKYN-BWZ",
		Fault:     "Metadata that crashed the edge about five minutes after it was applied: the gates had passed, and it was the last known good one by then.",
		Guardrail: "a bake longer than the slowest effect, and a way back proved for longer",
		Without:   without,
		With:      with,
	}
}

const (
	service   = "edge-metadata"
	good, bad = "metadata-1", "metadata-2"
	// slowest is how long the metadata takes to do harm.
	slowest = 5 * time.Minute
	// whole is how long it all was: 15:41 to 00:05.
	whole = 8*time.Hour + 24*time.Minute
)

// bakes is the rollout with a gate of that length, on an edge that is made up: a hundred
// sites of the same size. A site that has crashed answers nothing.
func bakes(length time.Duration) replay.Telling {
	return replay.Telling{
		Of: "of the edge", Things: "sites",
		Plan: rollout.Plan{
			Name:    "edge-metadata-2025-10-29",
			Release: rollout.Release{Service: service, From: good, To: bad},
			Targets: replay.Fleet("site", 100),
			Waves:   rollout.Percent(1, 10, 50, 100),
			Gate: analysis.Gate{
				Bake: analysis.Bake{AtLeast: length},
				Checks: []analysis.Check{
					{Name: "errors", Source: simulate.Unasked{}, Judge: analysis.NotWorse{}},
				},
			},
		},
		World: simulate.World{Signals: map[string]simulate.Signal{
			"errors": {PerSecond: 200, Old: 0.0001, New: 1, After: slowest},
		}},
	}
}

// asItWent has gates, and they are content before the fault is there.
func asItWent() replay.Telling { return bakes(time.Minute) }

// baked looks for longer than anything takes to show.
func baked() replay.Telling { return bakes(2 * slowest) }

// without trusts a version that the whole edge has run for as long as the gate looks.
func without() (replay.Outcome, error) {
	o, known, err := tell(asItWent(), time.Minute)
	if known == bad {
		o.Never, o.Sum, o.Recover = false, true, whole
		o.Ending = "all gates passed; the way back led to the same fault, and it was mended by hand"
	}
	return o, err
}

// with tells of the longer bake, and then of the registry of versions alone.
func with() (replay.Outcome, error) {
	o, _, err := tell(baked(), rollback.DefaultGoodAfter)
	if err != nil {
		return o, err
	}
	again, _, err := tell(asItWent(), rollback.DefaultGoodAfter)
	o.Story = append(o.Story, "", "And had the gates been as short as they were, there would still have been a way back:")
	o.Story = append(o.Story, again.Story[max(0, len(again.Story)-3):]...)
	return o, err
}

// tell plays the rollout, and then asks what is known to be good: that which the whole
// edge has run for so long.
func tell(t replay.Telling, goodAfter time.Duration) (o replay.Outcome, known string, err error) {
	trace, err := simulate.Play(&t.Plan, t.World, 1)
	if err != nil {
		return o, "", err
	}
	late := slowest + time.Minute
	if trace.State.Phase() == rollout.Completed {
		t.Notes = []replay.Note{{At: slowest, Text: "the first site crashes, and the others after it"}}
	}
	if known, err = lastKnownGood(trace, late, goodAfter); err != nil {
		return o, "", err
	}
	t.Notes = append(t.Notes, replay.Note{At: late, Text: "the way back leads to " + known + ", the last that is known to be good"})
	o, err = t.Outcome(trace)
	return o, known, err
}

// lastKnownGood is what the registry of versions says so long after the start.
func lastKnownGood(trace *simulate.Trace, late, goodAfter time.Duration) (known string, err error) {
	dir, err := os.MkdirTemp("", "frontdoor")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx := context.Background()
	versions := &rollback.Registry{Path: filepath.Join(dir, "versions"), Bake: goodAfter}

	start := trace.Events[0].At
	if err := versions.Deployed(ctx, service, good, "the-week-before", start.AddDate(0, 0, -7)); err != nil {
		return "", err
	}
	if trace.State.Phase() == rollout.Completed {
		if err := versions.Deployed(ctx, service, bad, "edge-metadata-2025-10-29", start.Add(trace.Took)); err != nil {
			return "", err
		}
	}
	all, err := versions.KnownGood(ctx, service, start.Add(late))
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fmt.Errorf("no version of %s is known to be good", service)
	}
	return all[0].ID, nil
}
