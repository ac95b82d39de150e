package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/execdeploy"
)

// each is the verb's flags.
type each struct {
	Targets string `required:"" placeholder:"FILE" help:"One target a line: its name, and key=value labels. - is stdin."`
	Waves   string `default:"1,10%,50%,100%" help:"How much has the change after each wave: a number of targets, or a percentage of them."`

	Parallel int           `short:"P" default:"10" help:"The most scripts at once."`
	Timeout  time.Duration `default:"10m" help:"How long one script may take, with its --check."`

	Version    string `placeholder:"V" help:"What {version} stands for. With --from, it is what makes a rollback possible without --undo."`
	From       string `placeholder:"V" help:"The version that is there now, to which a rollback goes back."`
	Undo       string `placeholder:"CMD" help:"Takes the change back from a target. Without it, CMD is run with --from for {version}."`
	Check      string `placeholder:"CMD" help:"Exits with 0 if the target is well. Asked after CMD until it is, within --timeout."`
	VersionCmd string `placeholder:"CMD" help:"Writes which version a target runs: those with --version are skipped, and every step is verified."`
	Shell      bool   `help:"Run CMD, and the commands in flags, by /bin/sh -c. Use \"$$TIDEGATE_TARGET\" in place of {target}."`

	Bake        time.Duration `placeholder:"D" help:"How long each wave is watched at least."`
	BakeAtMost  time.Duration `placeholder:"D" help:"By when a wave must have passed (default: 1h, or twice --bake)."`
	NotWorse    []string      `sep:"none" placeholder:"NAME=EVENTS/TOTAL" help:"Fail when the targets with the change have clearly more of the events than the others. May be repeated."`
	metricFlags `embed:"" group:"gate"`

	stateFlag `embed:""`
	Name      string   `placeholder:"NAME" help:"The rollout's name: it is carried out once, ever (default: made of the command line and the targets)."`
	Service   string   `placeholder:"NAME" help:"What is changed. Only one rollout of a service at a time."`
	KillFile  []string `sep:"none" placeholder:"FILE" help:"Stop everything while this file exists, as while there is the state directory's. May be repeated."`
	Guards    string   `placeholder:"FILE" help:"More guards, as JSON: see tidegate guard test --help."`
	Calendar  string   `placeholder:"FILE" help:"An iCalendar: nothing is begun, on any target, during its events. What was begun may be taken back."`
	BigBang   string   `placeholder:"REASON" help:"Why the first wave may be everything."`

	Grace     time.Duration `default:"2s" help:"The time between TERM and KILL for scripts that are to stop."`
	MaxOutput int           `placeholder:"BYTES" default:"65536" help:"How much of a script's output is kept: its beginning and its end."`
	Redact    []string      `sep:"none" placeholder:"NAME" help:"Mask the value of this environment variable in all output. @FILE: each line of the file. May be repeated."`
	Output    string        `enum:"text,json" default:"text" help:"What to report as: text, or json, which is one event a line."`

	Command []string `arg:"" name:"cmd" help:"What to run for each target, after --: a program and its arguments, with {target}, {version}, {from} and {wave}."`
}

// Help is what --help says of the verb beside its flags.
func (each) Help() string {
	return `The safe xargs: it runs a program for each target, in waves, and stops or takes everything back when something is wrong. What it does is on durable record before it is done.

  tidegate each --targets hosts -- ssh {target} sudo systemctl restart app
  tidegate each --targets hosts --version v42 --from v41 --check './healthy {target}' -- ./deploy {target} {version}
  tidegate each --targets hosts --version v42 --from v41 --bake 5m --scrape 'http://{target}:9090/metrics' --not-worse 'errors=http_requests_total{code=~"5.."}/http_requests_total' -- ./deploy {target} {version}

CMD is a list of arguments, which no shell sees. In it and in --undo, --check and --version-cmd, which are split at white space as a shell would (quotes work, nothing else does), {target}, {version}, {from} and {wave} are filled in; an undo has --from for {version}. In the environment of all are TIDEGATE_TARGET, _VERSION, _FROM, _WAVE, _FENCE (grows with each process that takes the rollout over) and _KEY (the same whenever the same step is tried again). Without --version and --from, they are "after" and "before". Nothing is on stdin.

The gate: a wave begins when all of the one before have exited with 0 and, if there are --max, --min or --not-worse, when these have passed, after --bake at least. In queries to Prometheus, {{.Arm}} stands for the targets with the change, or those without: --not-worse 'errors=http_requests_total{instance=~"{{.Arm}}",code=~"5.."}/http_requests_total{instance=~"{{.Arm}}"}'. Without any of these, the scripts' exit codes are the gate.

When a script or a gate fails, scripts that are running are stopped, and what was begun is taken back, newest wave first: by --undo, or by CMD with --from for {version}. Without either there is no way back, and everything stays as it is (exit code 5): mend it, say tidegate reset --reason …, and run the same command line again, which does the targets that are left.

Run again, the same command line with the same state directory goes on with what was interrupted, by ctrl-C or a crash, and says so. What is done is not done again; what was running is, so that CMD must be able to stand it. What has come to its end begins anew, unless it has a --name.

To stop it: ctrl-C or TERM starts nothing more, gives what runs ten seconds, and leaves the rest for the next time; a second one stops it at once. tidegate kill stops everything that uses the state directory, within a second.

What the scripts write is kept in the state directory, in output/ROLLOUT/TARGET.log, and its end is shown when they fail.

Exit codes: 0 done; 2 bad usage; 3 refused, nothing was run; 4 rolled back; 5 halted, or interrupted; 6 rollback incomplete; 7 partial or aborted; 1 internal error.`
}

// run carries the rollout out. It returns what to exit with.
func (e each) run(stdin io.Reader, stdout, stderr io.Writer) (code int, err error) {
	waves, checks, commands, err := e.check()
	if err != nil {
		return 0, err
	}
	targets, err := readTargets(e.Targets, stdin)
	if err != nil {
		return 0, err
	}
	dir, err := e.dir()
	if err != nil {
		return 0, err
	}
	job, err := e.choose(dir, targets)
	if err != nil {
		return 0, err
	}
	if len(job.targets) == 0 {
		fmt.Fprintf(stdout, "all %d targets are done already, by %s\n", len(targets), job.before)
		return exitDone, nil
	}
	commands.OutputDir, commands.Owner = dir.output(job.name), string(dir)
	if err := os.MkdirAll(commands.OutputDir, 0o700); err != nil {
		return 0, refusedf("%v", err)
	}
	deployer, err := commands.Deployer()
	if err != nil {
		return 0, refused{err.Error()}
	}
	more, err := readGuards(e.Guards)
	if err != nil {
		return 0, err
	}
	plan := e.plan(job, waves, checks, append([]string{dir.killFile()}, e.KillFile...))
	plan.Guards = append(plan.Guards, more...)
	report := e.reporter(stdout, job, commands.OutputDir)
	runner := rollout.Runner{
		Plan: plan, Deployer: deployer, Journal: dir.journal(),
		Observers: []rollout.Observer{report},
		Logger:    slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Signals:   rollout.InterruptSignals(),
		Grace:     e.patience(),
	}
	defer outliveReader()()
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	defer acknowledge(func(n int) {
		interrupt() // the runner may not listen to signals yet; if it does, that is one interrupt
		report.interrupted(n)
	})()
	result, err := runner.Run(ctx)
	if failed := (*rollout.Error)(nil); err == nil || errors.As(err, &failed) {
		report.end(result, err)
		return exitCodeOf(err), nil
	}
	return 0, err
}

// patience is how long what runs has after an interrupt, and to heed that it is to
// stop, before it is given up.
func (e each) patience() time.Duration { return max(rollout.DefaultGrace, 4*e.Grace) }

// versions are those of the release. Where nobody gave any they say what they are.
func (e each) versions() (from, to string) {
	from, to = "before", "after"
	if e.From != "" {
		from = e.From
	}
	if e.Version != "" {
		to = e.Version
	}
	return from, to
}

// wayBack tells whether the change can be taken back.
func (e each) wayBack() bool { return e.Undo != "" || e.From != "" }

// check finds what is wrong with the flags, and reads those that have a form.
func (e each) check() (w waves, checks checkList, c execdeploy.Commands, err error) {
	if w, err = parseWaves(e.Waves); err != nil {
		return w, nil, c, err
	}
	if checks, err = e.checks(e.NotWorse); err != nil {
		return w, nil, c, err
	}
	if c, err = e.commands(); err != nil {
		return w, nil, c, err
	}
	from, to := e.versions()
	switch {
	case e.Parallel < 1:
		err = badf("--parallel is %d: want 1 or more", e.Parallel)
	case e.Timeout <= 0:
		err = badf("--timeout is %v: want more", e.Timeout)
	case e.Grace <= 0:
		err = badf("--grace is %v: want more", e.Grace)
	case e.MaxOutput < 2:
		err = badf("--max-output is %d: want 2 bytes or more", e.MaxOutput)
	case e.Bake < 0 || e.BakeAtMost < 0 || e.Interval <= 0:
		err = badf("--bake, --bake-at-most and --interval must not be negative, and --interval not be 0")
	case e.Scrape != "" && !strings.Contains(e.Scrape, "{target}"):
		err = badf("--scrape %s has no {target}: each target has a page of its own", e.Scrape)
	case len(checks) == 0 && (e.Bake > 0 || e.BakeAtMost > 0):
		err = badf("--bake without a gate would only pass the time: add --max, --min or --not-worse")
	case e.From != "" && e.Version == "":
		err = badf("--from needs --version")
	case from == to:
		err = badf("--version and --from are both %q", to)
	case e.VersionCmd != "" && (e.Version == "" || e.From == ""):
		err = badf("--version-cmd needs --version and --from: there is nothing to compare with")
	case e.Version != "" && e.From != "" && e.Undo == "" && !e.Shell && !slices.ContainsFunc(e.Command, mentions("{version}")):
		err = badf("a rollback would run CMD with --from for {version}, but CMD has no {version}: add it, or --undo")
	}
	w.ungated = "the scripts' exit codes are the gate"
	if len(checks) > 0 {
		w.ungated = ""
	}
	return w, checks, c, err
}
