package planfile

import (
	"context"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// These guards ask the targets of the plan, by its deployer.

// minHealthy asks each target whether it is able to serve.
func minHealthy(s *Section) guardrails.Guard {
	s.Short("percent")
	s.Need("percent")
	g := &guardrails.MinHealthy{
		Percent: s.Percent("percent"), PerLabel: s.Text("per-label"), Settle: s.Duration("settle"),
		Every: s.Duration("every"), Timeout: s.Duration("timeout"), UndoBlind: s.Text("undo-blind"),
	}
	for _, t := range s.doc.found.targets {
		g.Targets = append(g.Targets, guardrails.Target{Name: t.Name, Labels: t.Labels})
	}
	program := programOf(s, "probe")
	switch prober, ok := s.doc.found.deployer.(rollout.Prober); {
	case program.args != nil:
		g.Probe = func(ctx context.Context, t guardrails.Target) (bool, error) {
			return answered(ctx, program.run(ctx, map[string]string{"target": t.Name}))
		}
	case ok && !s.doc.found.unseen:
		byName := fleetByName(s)
		g.Probe = func(ctx context.Context, t guardrails.Target) (bool, error) {
			return prober.Healthy(ctx, byName[t.Name])
		}
	default:
		s.Fault("probe", "is missing, and the deployer cannot tell whether a target is able to serve (exec: check)")
	}
	return g
}

// answered makes an answer of how a program ended: with an error while it still had time,
// it has said no.
func answered(ctx context.Context, err error) (bool, error) {
	if err != nil && ctx.Err() != nil {
		return false, err
	}
	return err == nil, nil
}

// drift asks each target whether it still runs what it should.
func drift(s *Section) guardrails.Guard {
	return &guardrails.Drift{Targets: fleetNames(s), Report: reporter(s), Every: s.Duration("every"), Timeout: s.Duration("timeout")}
}

// converged asks each target whether it runs the version, before a step that needs that.
func converged(s *Section) guardrails.Guard {
	s.Need("before")
	s.As("before", "Labels")
	g := &guardrails.Converged{Labels: s.Labels("before"), Want: s.Text("want"), Every: s.Duration("every"), Timeout: s.Duration("timeout")}
	if g.Targets = s.Texts("targets"); g.Targets == nil {
		g.Targets = fleetNames(s)
	}
	g.Report = reporter(s)
	return g
}

func fleetNames(s *Section) (names []string) {
	for _, t := range s.doc.found.targets {
		names = append(names, t.Name)
	}
	return names
}

func fleetByName(s *Section) map[string]rollout.Target {
	byName := make(map[string]rollout.Target, len(s.doc.found.targets))
	for _, t := range s.doc.found.targets {
		byName[t.Name] = t
	}
	return byName
}

// reporter asks a target for its version.
func reporter(s *Section) func(ctx context.Context, target string) (string, error) {
	v, ok := s.doc.found.deployer.(rollout.Versioner)
	if !ok {
		s.Fault("", "the deployer cannot tell which version a target runs (exec: version)")
		return nil
	}
	return func(ctx context.Context, target string) (string, error) {
		return v.Version(ctx, rollout.Target{Name: target})
	}
}
