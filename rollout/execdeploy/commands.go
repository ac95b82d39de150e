package execdeploy

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/internal/procgroup"
	"github.com/tidegate-go/tidegate/rollout"
)

// Defaults of Commands.
const (
	// DefaultGrace is the time between TERM and KILL.
	DefaultGrace = procgroup.DefaultGrace
	// DefaultMaxOutput is how much of one run's output is kept, in bytes.
	DefaultMaxOutput = 64 << 10
)

// Commands are the programs that deploy to a target and look at it: lists of
// arguments, with the placeholders of the package's documentation. Set the fields,
// then call Deployer.
type Commands struct {
	// Deploy puts a version on a target. Required.
	Deploy []string
	// Undo takes it back. Empty means Deploy, which then gets the old version.
	Undo []string
	// Check tells whether a target is able to serve: with 0 it is. It is run again
	// and again after a Deploy, until it is, or the step's time is up. Empty means
	// that a target is able to when its Deploy has ended well.
	Check []string
	// Version writes to standard output which version a target runs. With it, targets
	// that are there already are skipped, and each step and each undo is verified.
	// Empty means that a Deploy that ends well is believed.
	Version []string
	// Shell has every command run by /bin/sh -c: the first argument is the line, which
	// sees the others as $1, $2 and so on. Placeholders in the line are refused, since
	// a target's name could break out of it: it has "$TIDEGATE_TARGET" and the others.
	Shell bool

	// Dir is where the programs run. Empty means the current directory.
	Dir string
	// Env is their environment, as NAME=value, besides TIDEGATE_…. Nil means this
	// process's own.
	Env []string
	// Owner tells whose the programs are: the journal of the rollout, such as the
	// absolute path of its directory. If it is set, what an earlier runner with the same
	// Owner has left of the same rollout is stopped before anything is run (on Linux). It
	// is in the programs' environment as TIDEGATE_OWNER.
	Owner string
	// Grace is the time between TERM and KILL for a program that is not wanted any
	// more. Zero means DefaultGrace.
	Grace time.Duration

	// OutputDir is the folder, which must exist, of the files with what the programs
	// wrote: OutputPath tells which is whose. Empty means that only the last words are
	// kept, in the error.
	OutputDir string
	// MaxOutput is how much of one run's output is kept, in bytes: half of it from the
	// beginning, half from the end. Zero means DefaultMaxOutput.
	MaxOutput int
	// Redact are secrets that are masked in all that is kept.
	Redact []string
}

// Deployer returns what a rollout.Runner needs: a Deployer and Prober, and a
// Versioner if Version is set. It is safe for concurrent use. The error has all
// Problems.
func (c Commands) Deployer() (rollout.Deployer, error) {
	wrong := &rollout.PlanError{}
	c.Problems(func(path, msg string) {
		wrong.Problems = append(wrong.Problems, &rollout.FieldError{Path: "Commands." + path, Msg: msg})
	})
	if len(wrong.Problems) > 0 {
		return nil, wrong
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	if len(c.Undo) == 0 {
		c.Undo = c.Deploy
	}
	if c.MaxOutput == 0 {
		c.MaxOutput = DefaultMaxOutput
	}
	d := &deployer{Commands: c, found: make(map[string]string)}
	for _, args := range [][]string{c.Deploy, c.Undo, c.Check, c.Version} {
		if len(args) > 0 {
			if path, err := c.find(args[0]); err == nil && path != "" {
				d.found[args[0]] = path
			}
		}
	}
	if len(c.Version) == 0 {
		return d, nil
	}
	return versioned{d}, nil
}

// Problems reports everything that is wrong with the settings, as the path of the
// field and what is wrong with it. It runs nothing.
func (c Commands) Problems(report func(path, msg string)) {
	if len(c.Deploy) == 0 {
		report("Deploy", "is empty: want a program and its arguments")
	}
	for _, one := range []struct {
		path string
		args []string
		can  []string
	}{
		{"Deploy", c.Deploy, placeholders}, {"Undo", c.Undo, placeholders},
		{"Check", c.Check, []string{"{target}", "{version}", "{from}", "{wave}"}}, {"Version", c.Version, []string{"{target}"}},
	} {
		c.argProblems(one.path, one.args, one.can, report)
	}
	if c.Grace < 0 {
		report("Grace", fmt.Sprintf("is negative (%v)", c.Grace))
	}
	if c.MaxOutput < 0 {
		report("MaxOutput", fmt.Sprintf("is negative (%d)", c.MaxOutput))
	}
	if slices.Contains(c.Redact, "") {
		report("Redact", "has an empty secret: it would mask nothing")
	}
	if c.OutputDir != "" {
		if info, err := os.Stat(c.OutputDir); err != nil {
			report("OutputDir", err.Error())
		} else if !info.IsDir() {
			report("OutputDir", c.OutputDir+" is no folder")
		}
	}
}
