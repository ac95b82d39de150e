package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// demo is one run: a fleet, its users, and two releases.
type demo struct {
	cfg    config
	place  place
	screen screen
	log    *slog.Logger

	fleet    *fleet
	load     *load
	deployer *deployer
	run      int
	began    time.Time
}

// run tells the whole story. It returns nil when all that was promised came
// true, and otherwise an error that says in plain words what did not.
func run(ctx context.Context, cfg config, s screen) (err error) {
	d := &demo{cfg: cfg, place: place(cfg.Dir), screen: s, began: time.Now()}
	hold, err := d.place.hold(ctx)
	if err != nil {
		return d.plainly(err)
	}
	defer hold.Close()
	if d.run, err = d.place.run(); err != nil {
		return err
	}
	logFile, err := os.OpenFile(d.place.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer logFile.Close()
	d.log = slog.New(slog.NewTextHandler(logFile, nil))
	if err := d.start(); err != nil {
		return err
	}
	defer d.stop()
	return d.tell(ctx)
}

// start brings up the servers with what they have on disk, and sends the users
// in.
func (d *demo) start() error {
	first, err := d.place.past(rolloutName(d.run, bad))
	if err != nil {
		return err
	}
	if d.fleet, err = newFleet(&d.cfg, d.place.servers()); err != nil {
		return err
	}
	if first.Phase() == rollout.Pending { // a run that begins anew
		if err := d.fleet.reset(old); err != nil {
			return err
		}
	}
	if err := d.fleet.start(); err != nil {
		return err
	}
	d.deployer = newDeployer(d.fleet)
	d.load = startLoad(d.fleet, d.cfg.Rate)
	return nil
}

func (d *demo) stop() {
	d.load.stop()
	d.deployer.client.CloseIdleConnections()
	d.fleet.stop()
}

// tell rolls out the bad version and then the good one.
func (d *demo) tell(ctx context.Context) error {
	d.intro()
	var story []chapter
	for _, version := range []string{bad, good} {
		if ctx.Err() != nil {
			return d.plainly(rollout.ErrInterrupted) // it came between two releases
		}
		// The runner takes signals by itself. Were its context to end as well, one
		// ctrl-C would count as two.
		c, err := d.release(context.WithoutCancel(ctx), version)
		if err != nil {
			return err // to be gone on with
		}
		story = append(story, c)
		if c.broken != nil {
			break
		}
		if c.asked != nil {
			d.screen.say("\n  Asked what they run, " + asked(c) + ".\n")
		}
	}
	d.screen.say(d.account(story))
	return errors.Join(story[len(story)-1].broken, d.place.finish(d.run))
}

func (d *demo) intro() {
	p := d.screen.palette()
	d.screen.say(fmt.Sprintf("%s  %d servers on loopback ports, %.0f requests a second in all.\n\n"+
		"  v1 is what they run. %s of its requests fail, as requests do.\n"+
		"  v2 is the next release. Nobody knows yet that %s of its requests fail.\n"+
		"  v3 is the one after that, and as good as v1.\n\n"+
		"%s\n\n"+
		"  To stop everything at any time:  touch %s\n",
		p.bold("tidegate quickstart:"), d.cfg.Servers, d.cfg.Rate, percent(d.cfg.Errors), percent(d.cfg.Broken), legend(p), d.place.stopFile()))
}

// chapter is how one release went.
type chapter struct {
	version string
	name    string // of the rollout
	result  rollout.Result
	answers answers
	atLeast bool // there were more answers, in a process that is gone
	// expected is what every server should run now, asked what they say; nil when
	// the next release has begun already.
	expected string
	asked    map[string]int
	// broken says which promise was not kept.
	broken error
}

// release rolls out one version, or goes on where an earlier process stopped.
// An error means that the rollout is not over.
func (d *demo) release(ctx context.Context, version string) (chapter, error) {
	c := chapter{version: version, name: rolloutName(d.run, version)}
	past, err := d.place.past(c.name)
	if err != nil {
		return c, err
	}
	runner := &rollout.Runner{
		Plan:     d.plan(c.name, version),
		Deployer: d.deployer,
		Journal:  d.place.journal(),
		Logger:   d.log,
		Signals:  rollout.InterruptSignals(),
	}
	if err := d.pickUp(ctx, runner, version, past); err != nil {
		return c, err
	}
	w := watch(d.screen, d.cfg.Bake)
	runner.Observers = append(runner.Observers, w)
	if d.cfg.Crash {
		runner.Observers = append(runner.Observers, &crasher{before: d.lastWords, began: time.Now()})
	}
	c.result, err = runner.Run(ctx) // returns at once if an earlier run has brought it to its end
	w.close()
	if !over(c.result.Phase) {
		return c, d.plainly(err)
	}
	d.check(ctx, &c)
	return c, nil
}

// over tells whether a rollout has come to its end, and nothing is left to do.
func over(phase rollout.Phase) bool {
	switch phase {
	case rollout.Completed, rollout.RolledBack, rollout.Partial, rollout.Aborted:
		return true
	}
	return false
}

// pickUp says what an earlier process has left, and gives the verbs that are
// needed to go on.
func (d *demo) pickUp(ctx context.Context, runner *rollout.Runner, version string, past *rollout.State) error {
	say := func(format string, args ...any) {
		d.screen.say("  " + fmt.Sprintf(format, args...) + "\n")
	}
	command := func(verb rollout.Kind, reason string) error {
		return runner.Command(ctx, rollout.Command{Verb: verb, Actor: "quickstart", Reason: reason})
	}
	exposed := fmt.Sprintf("wave %d, with %d of %d servers on %s", past.Wave(), past.Tally("", "").Exposed, d.cfg.Servers, version)
	switch phase := past.Phase(); {
	case phase == rollout.Pending:
		return nil
	case over(phase):
		say("%s: %s in an earlier run.", version, doing(phase))
		return nil
	case phase == rollout.Halted:
		if d.place.stopped() {
			return d.plainly(rollout.ErrHalted)
		}
		say("%s was halted in %s. The STOP file is gone: it goes on.", version, exposed)
		if err := command(rollout.Reset, "the STOP file was removed, and quickstart run again"); err != nil {
			return err
		}
		err := command(rollout.Resume, "the STOP file was removed, and quickstart run again")
		if errors.Is(err, rollout.ErrStale) {
			return nil // it was halted on its way back: that needs no Resume
		}
		return err
	case phase == rollout.RollbackIncomplete:
		say("%s could not be taken back from every server: trying again.", version)
		return command(rollout.RollBack, "quickstart was run again")
	default:
		say("An earlier run was cut short in %s. Going on from its journal.", exposed)
		return nil
	}
}

// lastWords are said before a crash.
func (d *demo) lastWords() {
	d.screen.say("\n  --crash: this process kills itself now, in the middle of wave 2.\n" +
		"  Run it again without --crash: it finds the journal, and goes on.")
}
