package planfile

import (
	"errors"
	"strings"

	"github.com/tidegate-go/tidegate/analysis/promql"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// Options is what a file cannot say itself. The zero Options will do for a file without
// variables, and without a fleet that a program has to tell.
type Options struct {
	// Vars are the values of the variables in the file, ${name}.
	Vars map[string]string
	// Registry says what may stand in the file by name. The zero Registry is Standard().
	Registry Registry
	// ReadFile reads a file of targets. Nil means that of the operating system.
	ReadFile func(path string) ([]byte, error)
	// Run runs the program that writes the targets, and returns what it has written. Nil
	// means that a file which wants that is refused, so that merely to look at a file runs
	// nothing. See RunProgram.
	Run func(args []string) ([]byte, error)
	// History is for guards that go by what has been, rate and breaker; such as a
	// filejournal.Dir. Nil means that a file with such a guard is refused.
	History guardrails.History
}

// File is what a plan file says.
type File struct {
	Plan rollout.Plan
	// Deployer is nil for a plan that needs none: its waves shift traffic.
	Deployer rollout.Deployer
	// Runner is what is left for who runs the plan.
	Runner Runner

	top *Section
}

// found is what sections need to know of others.
type found struct {
	targets  []rollout.Target
	deployer rollout.Deployer
	// unseen says that the deployer believes every target to be able to serve.
	unseen bool
	server *promql.Server
	bake   bakeOfPreset
	// bigBang is why the preset all-at-once is right.
	bigBang   string
	killFiles []string
}

// Decode reads a plan file, YAML or JSON. The name is for faults, and relative paths in
// the file are taken from its folder. The error is an *Error with every fault: of the
// file, and of the plan that it makes (rollout.Plan, Validate). Decoding touches
// nothing and asks nobody but Options' functions, and the file system for the files that
// are named and programs that are to be run.
func Decode(name string, data []byte, opts Options) (*File, error) {
	if opts.Registry.isZero() {
		opts.Registry = Standard()
	}
	d := &document{name: name, opts: opts}
	root := d.parse(data)
	if root == nil {
		return nil, d.err()
	}
	top := d.section(root, "", "")
	f := &File{top: top}
	f.read(top)
	for _, s := range d.sections {
		s.finish()
	}
	if len(d.faults) <= maxShown {
		d.validate(&f.Plan)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// read reads the whole file.
func (f *File) read(s *Section) {
	p, known := &f.Plan, &s.doc.found
	s.Need("name", "release", "waves")
	p.Name = s.Text("name")
	p.Release = release(s.Section("release"))
	known.targets = targets(s)
	p.Targets = known.targets
	f.Deployer = kinds[rollout.Deployer](s.doc.opts.Registry.Deployers).one(s, "deployer", "deployer")
	known.deployer = f.Deployer
	if s.Has("prometheus") {
		known.server = server(s, "prometheus")
	}
	p.Waves = waves(s)
	p.Gate = gate(s.Section("gate"))
	known.bake.into(&p.Gate)
	p.Guards = kinds[guardrails.Guard](s.doc.opts.Registry.Guards).list(s, "guards", "guard")
	p.Rollback = policy(s.Section("rollback"))
	p.Floor = s.Percent("floor")
	p.Failures = failures(s.Section("failures"))
	p.Concurrency = s.Count("concurrency", 1)
	p.StepTimeout = s.Duration("step-timeout")
	p.HoldAtMost = s.Duration("hold-at-most")
	p.GuardInterval = s.Duration("guard-interval")
	wordOf(s, "on-failure", &p.OnFailure, "take-back", "freeze")
	p.Locks = s.TextOrTexts("locks")
	p.AllowBigBang = s.Text("allow-big-bang")
	if p.AllowBigBang == "" {
		p.AllowBigBang = known.bigBang
	}
	f.Runner = runnerOf(s.Section("runner"))
	f.Runner.KillFiles = known.killFiles
	if len(p.Targets) > 0 || s.Has("targets") {
		s.Need("deployer")
	}
}

// validate makes faults of what the plan finds wrong with itself, where they are not the
// consequence of another.
func (d *document) validate(p *rollout.Plan) {
	var wrong *rollout.PlanError
	if !errors.As(p.Validate(), &wrong) {
		return
	}
	before := d.faults
	for _, problem := range wrong.Problems {
		at, rest := d.places.find(problem.Path)
		path := under(at.path, fileName(rest))
		// A fault in a small section, such as a judge, makes a problem of what is left of it.
		// In a large one, such as rollback, the one has nothing to do with the other.
		near := path
		if strings.ContainsAny(at.path, ".[") {
			near = at.path
		}
		if follows(near, problem.Path, before) {
			continue
		}
		d.fault(at.line, at.column, path, "%s", d.places.say(problem.Msg))
	}
}

// follows tells whether a problem of the plan may be there for a fault of the file alone.
func follows(path, problem string, faults []*Fault) bool {
	for _, f := range faults {
		if f.Path == "" || within(f.Path, path) || within(path, f.Path) || within(planName(f.Path), planName(problem)) {
			return true
		}
		// What is wrong with targets or waves makes wrong what is reckoned of them.
		if field, _, _ := strings.Cut(problem, "."); within(f.Path, "targets") || within(f.Path, "waves") {
			switch field {
			case "Waves", "Targets", "Floor", "Guards":
				return true
			}
			if strings.HasPrefix(problem, "wave ") || problem == "Rollback.RTO" {
				return true
			}
		}
	}
	return false
}

// within tells whether a path is another, or part of it.
func within(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && of != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
