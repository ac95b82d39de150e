package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// fleet is the hosts as tidegate needs to see them: a rollout.Deployer that can
// say what a host runs (rollout.Versioner), and the analysis.Source of the gate.
type fleet struct {
	dir   string
	delay time.Duration // of one deploy
	log   *slog.Logger
}

func (f *fleet) host(name string) host { return host(filepath.Join(f.dir, name)) }

// targets returns the hosts. Where there are none, it makes n of them, which
// appear all at once: nobody ever takes half a fleet for the whole.
func (f *fleet) targets(n int, version string) (targets []rollout.Target, err error) {
	all := filepath.Join(f.dir, "host")
	if _, err := os.Stat(all); errors.Is(err, fs.ErrNotExist) {
		fresh, err := os.MkdirTemp(f.dir, ".host-")
		for i := 0; i < n && err == nil; i++ {
			h := host(filepath.Join(fresh, fmt.Sprintf("%02d", i+1)))
			err = errors.Join(os.Mkdir(string(h), 0o755), os.WriteFile(h.conf(), []byte(config(version)), 0o644))
		}
		if err == nil {
			err = os.Rename(fresh, all)
		}
		if err != nil {
			return nil, err
		}
	}
	hosts, err := os.ReadDir(all)
	for _, h := range hosts {
		targets = append(targets, rollout.Target{Name: "host/" + h.Name()})
	}
	return targets, err
}

// Deploy puts the config of release.To on a host. tidegate takes it back by
// another Deploy, with From and To exchanged.
func (f *fleet) Deploy(ctx context.Context, target rollout.Target, release rollout.Release) error {
	return f.host(target.Name).install(ctx, config(release.To), f.delay)
}

// Version reads back what is on a host. Whether the app comes up with it is for
// the gate to find out.
func (f *fleet) Version(_ context.Context, target rollout.Target) (string, error) {
	version, err := f.host(target.Name).load()
	if version != "" {
		return version, nil
	}
	return "", err
}

// Observe has every host load its config, and counts those that do not come up:
// among the hosts on the new version, and among those on the old one.
func (f *fleet) Observe(_ context.Context, w analysis.Window) (analysis.Observation, error) {
	down := func(arm analysis.Arm) analysis.Sample {
		n := uint64(0)
		for _, m := range arm.Members {
			if _, err := f.host(m.Name).load(); err != nil {
				f.log.Warn("a host does not come up", "host", m.Name, "error", err)
				n++
			}
		}
		return analysis.Counts(n, uint64(len(arm.Members)))
	}
	return analysis.Observation{At: w.End, Canary: down(w.Canary), Baseline: down(w.Baseline)}, nil
}

// known is a guard. It refuses a fleet that does not run the release's From: to
// take the release back would put hosts on a version that they never had.
func (f *fleet) known(ctx context.Context, act guardrails.Action) error {
	if act.Verb != guardrails.Start {
		return nil
	}
	hosts, err := f.targets(0, "")
	for _, h := range hosts {
		if runs, err := f.Version(ctx, h); err != nil || runs != act.From {
			return &guardrails.Breach{Guard: "known-version", Reason: fmt.Sprintf("%s runs %q, not %s", h.Name, runs, act.From), Err: err}
		}
	}
	return err
}
