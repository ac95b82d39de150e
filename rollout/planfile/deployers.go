package planfile

import (
	"context"
	"errors"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/execdeploy"
)

// execDeployer reads the programs that deploy.
func execDeployer(s *Section) rollout.Deployer {
	s.Need("deploy")
	c := execdeploy.Commands{
		Deploy: s.Program("deploy"), Undo: s.Program("undo"), Check: s.Program("check"), Version: s.Program("version"),
		Shell: s.Flag("shell"), Dir: s.Path("dir"), Env: s.Texts("env"), Owner: s.Text("owner"), Grace: s.Duration("grace"),
		OutputDir: s.Path("output-dir"), MaxOutput: s.Count("max-output", 1), Redact: s.Texts("redact"),
	}
	if c.Dir == "" {
		for _, args := range []*[]string{&c.Deploy, &c.Undo, &c.Check, &c.Version} {
			if !c.Shell {
				*args = s.doc.program(*args)
			}
		}
	}
	s.doc.found.unseen = len(c.Check) == 0
	d, err := c.Deployer()
	var wrong *rollout.PlanError
	if errors.As(err, &wrong) {
		for _, problem := range wrong.Problems {
			s.problem(strings.TrimPrefix(problem.Path, "Commands."), problem.Msg)
		}
	} else if err != nil {
		s.Fault("", "%v", err)
	}
	if err != nil {
		return nil
	}
	return d
}

// problem makes a fault of what is wrong with a setting, by its name in Go, unless there
// is one already.
func (s *Section) problem(goPath, msg string) {
	at, rest := s.doc.places.find(strings.TrimPrefix(s.plan, ".") + "." + goPath)
	for _, f := range s.doc.faults {
		if within(f.Path, at.path) {
			return
		}
	}
	s.doc.fault(at.line, at.column, under(at.path, fileName(rest)), "%s", s.doc.places.say(msg))
}

// execShifter reads a program that shifts traffic, with {percent} among its arguments.
func execShifter(s *Section) rollout.Shifter {
	s.Short("run")
	s.Need("run")
	run := programOf(s, "run")
	if run.args != nil && !strings.Contains(strings.Join(run.args, " "), "{percent}") {
		s.Fault("run", "has no {percent}, which tells it how much of the traffic to shift")
	}
	return rollout.ShifterFunc(func(ctx context.Context, percent float64) error {
		return run.run(ctx, map[string]string{"percent": formatNumber(percent)})
	})
}
