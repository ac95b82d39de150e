package rollout_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

func ExampleRunner() {
	targets := []rollout.Target{{Name: "web-1"}, {Name: "web-2"}, {Name: "web-3"}, {Name: "web-4"}}
	deploy := func(_ context.Context, target rollout.Target, release rollout.Release) error {
		fmt.Println(target.Name, "gets", release.To) // yours: ssh, an API call, a command
		return nil
	}
	errorRate := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
		rates := map[string]float64{"v41": 0.001, "v42": 0.2} // yours: promql, scrape, jsonapi
		return analysis.Observation{Canary: analysis.Gauge(rates[w.Canary.Version])}, nil
	})
	runner := rollout.Runner{
		Plan: rollout.Plan{
			Name:    "checkout-v42",
			Release: rollout.Release{Service: "checkout", From: "v41", To: "v42"},
			Targets: targets,
			Waves:   rollout.Percent(25, 100),
			Gate: analysis.Gate{
				Bake:   analysis.Bake{AtLeast: 5 * time.Minute, AtMost: time.Hour},
				Checks: []analysis.Check{{Name: "errors", Source: errorRate, Judge: analysis.Below(0.01)}},
			},
			Guards: []guardrails.Guard{&guardrails.KillSwitch{}},
		},
		Deployer: rollout.DeployerFunc(deploy),
		Journal:  &rollout.MemoryJournal{}, // yours: filejournal.Dir("/var/lib/tidegate")
		Logger:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	_, err := runner.Run(context.Background())
	fmt.Println(err)
	// Output:
	// web-1 gets v42
	// web-1 gets v41
	// rollout: rolled back: gate 1 failed: errors: 0.2 is above 0.01
}
