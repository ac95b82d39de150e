package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// execute is the verb exec's flags.
type execute struct {
	metricFlags `embed:"" group:"watch"`

	Timeout time.Duration `placeholder:"D" help:"How long CMD may take."`
	Undo    string        `placeholder:"CMD" help:"Takes back what CMD has done, when it fails or is stopped."`
	Shell   bool          `help:"Run CMD, and --undo, by /bin/sh -c."`

	stateFlag `embed:""`
	KillFile  []string      `sep:"none" placeholder:"FILE" help:"Stop when this file exists, as when there is the state directory's. May be repeated."`
	Guards    string        `placeholder:"FILE" help:"More guards, as JSON: see tidegate guard test --help."`
	Calendar  string        `placeholder:"FILE" help:"An iCalendar: CMD is not begun during its events."`
	Grace     time.Duration `default:"10s" help:"The time between TERM and KILL when CMD is to stop."`
	Output    string        `enum:"text,json" default:"text" help:"How to tell on stderr how it came out: text, or json, which is one line."`

	Command []string `arg:"" name:"cmd" help:"What to run, after --: a program and its arguments."`
}

// Help is what --help says of the verb beside its flags.
func (execute) Help() string {
	return `It runs one program, such as a cron job or a migration, and stops it when something is wrong: a kill file appears, a metric leaves its limits, or time is up. CMD has the input and output of tidegate, but nothing to read where that is a terminal.

  tidegate exec -- ./nightly
  tidegate exec --prometheus http://prometheus:9090 --max 'errors=sum(rate(http_requests_total{code=~"5.."}[1m]))<5' --undo './migrate down' -- ./migrate up
  tidegate exec --scrape http://localhost:9090/metrics --max 'errors=http_requests_total{code=~"5.."}/http_requests_total<1%' -- ./reindex

Before it begins, every guard has to agree, and every metric has to be there. While it runs, metrics are looked at each --interval, and once more after its end. When one leaves its limits, CMD gets TERM, and KILL after --grace, with all that it has started, and then --undo is run. So it is when CMD fails by itself, or takes too long. When metrics cannot be seen for three looks, and when a kill file appears or ctrl-C is pressed, CMD is stopped and nothing is undone: that is for a human to say. tidegate kill --mode rollback stops and undoes.

The undo is on disk before CMD begins. Where it was not run, also after a crash of tidegate, tidegate unwind FILE runs it, and the same command line is refused until then.

Exit codes: 0 CMD exited with 0; 2 bad usage; 3 refused, nothing was run; 4 CMD failed or was stopped, and --undo has taken it back; 5 CMD was stopped, and nothing was undone; 6 --undo failed; 7 CMD failed by itself or took too long, and there is no --undo (its own exit code is told on stderr: it could be any of these); 1 internal error.`
}

// errTimeUp is why a program that takes longer than --timeout is stopped.
var errTimeUp = errors.New("its time is up")

// run runs the program. It returns what to exit with.
func (e execute) run(stdin io.Reader, stdout, stderr io.Writer) (code int, err error) {
	checks, undo, err := e.check()
	if err != nil {
		return 0, err
	}
	dir, err := e.dir()
	if err != nil {
		return 0, err
	}
	guards := killSwitches(append([]string{dir.killFile()}, e.KillFile...))
	guards = append(guards, freezes(e.Calendar, guardrails.Start)...)
	more, err := readGuards(e.Guards)
	if err != nil {
		return 0, err
	}
	guards = append(guards, more...)
	ctx, stop := signal.NotifyContext(context.Background(), rollout.InterruptSignals()...)
	defer stop()
	interrupted := ctx
	var metrics *metricWatch
	if len(checks) > 0 {
		metrics = newMetricWatch(checks, e.Interval)
		if err := metrics.preflight(ctx); err != nil {
			return 0, refused{err.Error()}
		}
		guards = append(guards, metrics)
	}
	way, err := e.wayBack(dir, undo)
	if err != nil {
		return 0, err
	}
	defer way.close()
	if e.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.Timeout, errTimeUp)
		defer cancel()
	}
	args := shellLine(e.Shell, e.Command)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = unlessTerminal(stdin), stdout, stderr
	guarded := guardrails.Guarded{
		Guards: guards, Every: killEvery, Grace: e.Grace,
		Action: guardrails.Action{Rollout: "exec", Service: e.Command[0]},
		Log:    slog.New(slog.DiscardHandler),
	}
	err = guarded.Run(ctx, cmd)
	if err == nil && metrics != nil {
		err = metrics.lastLook(interrupted)
	}
	return e.report(stderr, e.outcome(interrupted, err, way))
}

// check finds what is wrong with the flags, and reads those that have a form.
func (e execute) check() (checks checkList, undo []string, err error) {
	if checks, err = e.checks(nil); err != nil {
		return nil, nil, err
	}
	switch {
	case e.Undo == "":
	case e.Shell:
		undo = shellLine(true, []string{e.Undo})
	default:
		if undo, err = splitWords(e.Undo); err != nil {
			return nil, nil, badf("--undo: %v", err)
		}
	}
	switch {
	case e.Undo != "" && len(undo) == 0:
		err = badf("--undo has no program")
	case e.Timeout < 0:
		err = badf("--timeout is negative (%v)", e.Timeout)
	case e.Grace <= 0 || e.Interval <= 0:
		err = badf("--grace and --interval have to be more than 0")
	case strings.Contains(e.Scrape, "{target}"):
		err = badf("--scrape has {target}, and there is none: give the address of a page")
	}
	return checks, undo, err
}

// ending is how it came out.
type ending struct {
	Code    int    `json:"code"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Undo    string `json:"undo,omitempty"` // the file of what was not undone
}

// outcome does what follows from how the program ended.
func (e execute) outcome(ctx context.Context, err error, way *wayBack) ending {
	breach := (*guardrails.Breach)(nil)
	isBreach := errors.As(err, &breach)
	switch {
	case err == nil:
		if err := way.commit(); err != nil {
			return ending{exitInternal, "done", err.Error(), way.path}
		}
		return ending{Code: exitDone, Outcome: "done"}
	case errors.Is(err, guardrails.ErrRefused):
		return ending{exitRefused, "refused", errors.Join(err, way.commit()).Error(), ""}
	case isBreach && breach.Consequence != guardrails.Rollback:
		return ending{exitHalted, "halted", err.Error(), way.path}
	case !isBreach && ctx.Err() != nil:
		return ending{exitHalted, "interrupted", err.Error(), way.path}
	case way.path == "" && isBreach:
		return ending{exitHalted, "halted", err.Error(), ""}
	case way.path == "":
		return ending{exitPartial, "failed", err.Error(), ""}
	}
	if undoing := way.unwind(); undoing != nil {
		return ending{exitIncomplete, "rollback-incomplete", err.Error() + "; " + undoing.Error(), way.path}
	}
	return ending{exitRolledBack, "rolled-back", err.Error(), ""}
}

// report tells how it came out.
func (e execute) report(stderr io.Writer, end ending) (code int, err error) {
	if e.Output == "json" {
		line, err := json.Marshal(end)
		if err != nil {
			return 0, err
		}
		fmt.Fprintf(stderr, "%s\n", line)
		return end.Code, nil
	}
	if end.Code != exitDone {
		fmt.Fprintf(stderr, "tidegate: %s: %s: %s\n", end.Outcome, e.Command[0], end.Reason)
	}
	if end.Undo != "" {
		fmt.Fprintf(stderr, "tidegate: what it has done is not undone: tidegate unwind %s\n", end.Undo)
	}
	return end.Code, nil
}

// shellLine is what to run for a command, by the shell if that was said.
func shellLine(shell bool, command []string) []string {
	if !shell {
		return command
	}
	return append([]string{"/bin/sh", "-c", command[0], "sh"}, command[1:]...)
}

// unlessTerminal keeps a program from being stopped by the system for reading from a
// terminal whose foreground it does not have.
func unlessTerminal(in io.Reader) io.Reader {
	f, ok := in.(*os.File)
	if !ok {
		return in
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 {
		return nil
	}
	return f
}
