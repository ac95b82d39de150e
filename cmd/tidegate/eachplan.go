package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/execdeploy"
)

// checkList are what a gate asks.
type checkList []analysis.Check

// job is what is to be carried out: a new rollout, or one to go on with.
type job struct {
	name, service string
	targets       []rollout.Target
	past          int    // how many events are on record
	before        string // the rollout whose work is left out of this one
	skipped       int    // how many targets it has done
}

// choose finds the rollout of this command line that is to go on, or a new one.
func (e each) choose(dir stateDir, targets []rollout.Target) (job, error) {
	if e.Name != "" {
		p, err := dir.read(e.Name)
		if err != nil {
			return job{}, refusedf("%v", err)
		}
		service := e.Service
		if service == "" {
			service = e.Name
		}
		return job{name: e.Name, service: service, targets: targets, past: p.events}, nil
	}
	base, err := e.base(targets)
	if err != nil {
		return job{}, err
	}
	p, err := dir.latest(base)
	if err != nil {
		return job{}, refusedf("%v", err)
	}
	j := job{service: base, targets: targets, past: p.events}
	if e.Service != "" {
		j.service = e.Service
	}
	switch p.state.Phase() {
	case rollout.Aborted:
		done, err := dir.done(base, p)
		if err != nil {
			return job{}, refusedf("%v", err)
		}
		j.before, j.skipped = p.name, len(done)
		j.targets = slices.DeleteFunc(slices.Clone(targets), func(t rollout.Target) bool { return done[t.Name] })
		fallthrough
	case rollout.Completed, rollout.Partial, rollout.RolledBack:
		p.number, j.past = p.number+1, 0
	}
	j.name = fmt.Sprintf("%s-%d", base, max(p.number, 1))
	return j, nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// base names the rollouts of this command line on these targets.
func (e each) base(targets []rollout.Target) (string, error) {
	program := e.Command[0]
	if e.Shell {
		program = "sh"
	}
	if strings.ContainsRune(program, filepath.Separator) {
		abs, err := filepath.Abs(program)
		if err != nil {
			return "", refusedf("%v", err)
		}
		program = abs
	}
	defining, err := json.Marshal([]any{
		program, e.Command, e.Version, e.From, e.Undo, e.Check, e.VersionCmd, e.Shell,
		e.Waves, e.NotWorse, e.Max, e.Min, e.Prometheus, e.Scrape, e.Bake, e.Service, targets,
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(defining)
	name := strings.Trim(notInNames.ReplaceAllString(filepath.Base(program), "-"), "-._")
	if name == "" {
		name = "each"
	}
	return name[:min(len(name), 40)] + "-" + hex.EncodeToString(sum[:6]), nil
}

// commands are the programs to run.
func (e each) commands() (c execdeploy.Commands, err error) {
	c = execdeploy.Commands{Deploy: e.Command, Shell: e.Shell, Grace: e.Grace, MaxOutput: e.MaxOutput}
	for _, one := range []struct {
		flag, line string
		to         *[]string
	}{{"--undo", e.Undo, &c.Undo}, {"--check", e.Check, &c.Check}, {"--version-cmd", e.VersionCmd, &c.Version}} {
		switch {
		case one.line == "":
		case e.Shell:
			*one.to = []string{one.line}
		default:
			if *one.to, err = splitWords(one.line); err != nil {
				return c, badf("%s: %v", one.flag, err)
			}
			if len(*one.to) == 0 {
				return c, badf("%s has no program", one.flag)
			}
		}
	}
	if err := e.unknown(c); err != nil {
		return c, err
	}
	if c.Redact, err = secrets(e.Redact); err != nil {
		return c, err
	}
	var wrong []string
	c.Problems(func(path, msg string) { wrong = append(wrong, problemFlag(path)+" "+msg) })
	if len(wrong) > 0 {
		return c, badf("%s", strings.Join(wrong, "; "))
	}
	return c, nil
}

// unknown finds placeholders that nothing is known for.
func (e each) unknown(c execdeploy.Commands) error {
	for _, one := range []struct {
		flag         string
		args         []string
		placeholder  string
		needs, given string
	}{
		{"CMD", c.Deploy, "{version}", "--version", e.Version}, {"CMD", c.Deploy, "{from}", "--from", e.From},
		{"--check", c.Check, "{version}", "--version", e.Version}, {"--check", c.Check, "{from}", "--from", e.From},
		{"--undo", c.Undo, "{version}", "--from", e.From}, {"--undo", c.Undo, "{from}", "--version", e.Version},
	} {
		if one.given == "" && slices.ContainsFunc(one.args, mentions(one.placeholder)) {
			return badf("%s has %s, which needs %s", one.flag, one.placeholder, one.needs)
		}
	}
	return nil
}

// problemFlag is the flag that a problem of the commands goes by.
func problemFlag(path string) string {
	name, _, _ := strings.Cut(path, "[") // the number of an argument says little here
	switch name {
	case "Deploy":
		return "CMD"
	case "Version":
		return "--version-cmd"
	}
	return flagName(name)
}

func mentions(placeholder string) func(string) bool {
	return func(arg string) bool { return strings.Contains(arg, placeholder) }
}

// secrets are what --redact names.
func secrets(names []string) (all []string, err error) {
	for _, name := range names {
		file, ok := strings.CutPrefix(name, "@")
		if !ok {
			value := os.Getenv(name)
			if value == "" {
				return nil, badf("--redact %s: there is no such environment variable, or it is empty", name)
			}
			all = append(all, value)
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, badf("--redact: %v", err)
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" {
				all = append(all, line)
			}
		}
		_ = f.Close()
		if err := lines.Err(); err != nil {
			return nil, badf("--redact @%s: %v", file, err)
		}
	}
	return all, nil
}

// plan is the rollout of a job.
func (e each) plan(j job, w waves, checks checkList, killFiles []string) rollout.Plan {
	p := rollout.Plan{
		Name: j.name, Targets: j.targets, Waves: w, Concurrency: e.Parallel, StepTimeout: e.Timeout,
		Guards:       append(killSwitches(killFiles), freezes(e.Calendar, guardrails.Start, guardrails.Deploy)...),
		Rollback:     rollback.Policy{Timeout: e.Timeout, Deadline: max(rollback.DefaultDeadline, 6*e.Timeout)},
		AllowBigBang: e.BigBang,
	}
	p.Release.Service = j.service
	p.Release.From, p.Release.To = e.versions()
	if !e.wayBack() {
		p.OnFailure = rollout.Freeze
	}
	if len(j.targets) == 1 {
		p.AllowBigBang = "there is one target"
	}
	if len(checks) > 0 {
		p.Gate = analysis.Gate{
			Checks: checks, Interval: e.Interval,
			Bake: analysis.Bake{AtLeast: e.Bake, AtMost: e.BakeAtMost},
		}
		if p.Gate.Deadline() < 3*e.Interval {
			p.Gate.Bake.AtMost = 3 * e.Interval
		}
	}
	return p
}

// reporter returns who tells the user how it goes.
func (e each) reporter(stdout io.Writer, j job, output string) reporter {
	if e.Output == "json" {
		return &jsonReport{out: stdout, skip: j.past}
	}
	return &textReport{out: stdout, job: j, output: output, parallel: e.Parallel, grace: e.patience(), began: time.Now()}
}
