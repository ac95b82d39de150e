// Configpush rolls a config file out to a fleet with tidegate, in waves, and
// takes it back when the hosts do not come up with it.
//
//	go run ./examples/configpush
//
// Kill it at any moment and run it again: see README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

var (
	dir     = flag.String("dir", "", "the `folder` of hosts and journal (default: a new one)")
	hosts   = flag.Int("hosts", 16, "how many hosts a new fleet gets")
	version = flag.String("version", "both", "the config: good (v1 to v2), bad (v2 to v3), or first the one, then the other")
	delay   = flag.Duration("delay", 100*time.Millisecond, "how long one deploy takes")
	bake    = flag.Duration("bake", 300*time.Millisecond, "how long a wave is watched at least")
	reset   = flag.String("reset", "", "go on after a halt, and the `reason` why that is safe")
	quiet   = flag.Bool("quiet", false, "say nothing but errors")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "configpush:", err)
		os.Exit(exitCode(err))
	}
}

func run() (err error) {
	if *dir == "" {
		*dir, err = os.MkdirTemp("", "configpush-")
	}
	if err = errors.Join(err, os.MkdirAll(*dir, 0o755)); err != nil {
		return err
	}
	switch *version {
	case "good":
		return push("v1", "v2")
	case "bad":
		return push("v2", "v3")
	case "both":
		if err := push("v1", "v2"); err != nil {
			return err
		}
		if err := push("v2", "v3"); !errors.Is(err, rollout.ErrRolledBack) {
			return errors.Join(errors.New("v3 was not taken back"), err)
		}
		return nil
	}
	return fmt.Errorf("-version %s: want good, bad or both", *version)
}

// push rolls a version out, or goes on where an earlier process stopped or was
// killed: that is the same call.
func push(from, to string) error {
	log := slog.Default()
	if *quiet {
		log = slog.New(slog.DiscardHandler)
	}
	log.Info("to stop everything: touch " + filepath.Join(*dir, "stop"))
	f := &fleet{dir: *dir, delay: *delay, log: log}
	targets, err := f.targets(*hosts, from)
	if err != nil {
		return err
	}
	noneDown := analysis.Below(0)
	noneDown.MinSamples = 1 // one host that does not come up is enough
	runner := &rollout.Runner{
		Plan: rollout.Plan{
			Name:    "app-conf-" + to,
			Release: rollout.Release{Service: "app-conf", From: from, To: to},
			Targets: targets,
			Waves:   rollout.OneThenDouble(),
			Gate: analysis.Gate{
				Bake:     analysis.Bake{AtLeast: *bake, AtMost: *bake + time.Minute},
				Interval: *bake/2 + time.Millisecond,
				Checks:   []analysis.Check{{Name: "hosts-down", Source: f, Judge: noneDown, Timeout: 10 * time.Second}},
			},
			Guards: []guardrails.Guard{guardrails.Func(f.known), &guardrails.KillSwitch{
				Sources: []guardrails.SwitchSource{guardrails.File(filepath.Join(*dir, "stop"))},
				Every:   20 * time.Millisecond,
			}},
		},
		Deployer: f,
		Journal:  filejournal.Dir(filepath.Join(*dir, "journal")),
		Logger:   log,
		Signals:  rollout.InterruptSignals(),
	}
	if *reset != "" {
		for _, verb := range []rollout.Kind{rollout.Reset, rollout.Resume} {
			err := runner.Command(context.Background(), rollout.Command{Verb: verb, Actor: "operator", Reason: *reset})
			if err != nil && !errors.Is(err, rollout.ErrStale) { // a rollback needs no Resume
				return err
			}
		}
	}
	result, err := runner.Run(context.Background())
	log.Info(result.String())
	return err
}

// exitCodes tell scripts what went on; 0 is that all is on the new version, and
// verified.
var exitCodes = []struct {
	code int
	errs []error
}{
	{3, []error{rollout.ErrHeld, rollout.ErrInvalidPlan, rollout.ErrPlanChanged, guardrails.ErrBreach}}, // refused: nothing was touched
	{4, []error{rollout.ErrRolledBack}},                                          // all is on the old version, and verified
	{5, []error{rollout.ErrHalted}},                                              // frozen, until -reset
	{6, []error{rollout.ErrRollbackIncomplete}},                                  // some hosts are for a human to mend
	{7, []error{rollout.ErrInterrupted, rollout.ErrPartial, rollout.ErrAborted}}, // in between; after an interrupt, run it again
}

func exitCode(err error) int {
	for _, e := range exitCodes {
		if slices.ContainsFunc(e.errs, func(target error) bool { return errors.Is(err, target) }) {
			return e.code
		}
	}
	return 1
}
