package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// latestWave is the last wave in which the bad version must be caught.
const latestWave = 2

// check looks whether a release went as promised: how it ended, how far it got,
// and what the servers themselves say.
func (d *demo) check(ctx context.Context, c *chapter) {
	c.answers, c.atLeast = d.load.of(c.version), false
	if c.result.Resumed {
		c.answers, c.atLeast = d.seen(c.name), true
	}
	c.expected = good
	if c.version == bad {
		c.expected = old
	}
	switch r := c.result; {
	case c.version == good && r.Phase != rollout.Completed:
		c.broken = fmt.Errorf("v3 is healthy, and should have got to every server, but is %v: %s", r.Phase, r.Reason)
		return
	case c.version == bad && r.Phase != rollout.RolledBack:
		c.broken = fmt.Errorf("v2 is bad, and should have been rolled back, but is %v: %s", r.Phase, r.Reason)
		return
	case c.version == bad && r.Wave > latestWave:
		c.broken = fmt.Errorf("v2 was rolled back, but only in wave %d: it should never get past wave %d", r.Wave, latestWave)
	}
	if c.version == bad {
		next, err := d.place.past(rolloutName(d.run, good))
		if err != nil || next.Phase() != rollout.Pending {
			return // some servers have got v3 since
		}
	}
	c.asked = d.deployer.ask(ctx)
	if n := c.asked[c.expected]; n != d.cfg.Servers {
		c.broken = fmt.Errorf("every server should be on %s, but asked they say: %v", c.expected, c.asked)
	}
}

// seen is what the gate saw of a release: the part of its requests that the
// journal knows of.
func (d *demo) seen(name string) answers {
	var a answers
	for ev, err := range d.place.journal().Read(name) {
		if err == nil && ev.Kind == rollout.Observed && ev.Check != nil {
			canary := ev.Check.Verdict.Canary
			a = answers{All: int(canary.Total), Bad: int(canary.Events)}
		}
	}
	return a
}

// plainly says why a rollout is not over, and what to do.
func (d *demo) plainly(err error) error {
	again := "Run it again, and it goes on where it stopped"
	switch breach, held := (*guardrails.Breach)(nil), (*rollout.HeldError)(nil); {
	case errors.As(err, &held):
		return fmt.Errorf("another quickstart is at work in %s (%s). Wait until it is done, or give this one a folder of its own with --dir", d.place, held.Holder)
	case errors.Is(err, rollout.ErrInterrupted):
		return fmt.Errorf("stopped in good order, as asked; nothing was taken back. %s", again)
	case errors.Is(err, rollout.ErrHalted):
		return fmt.Errorf("halted: nothing is started any more, and every server stays as it is. To go on:  rm %s  and run it again", d.place.stopFile())
	case errors.As(err, &breach):
		return fmt.Errorf("not started: %s. To go on:  rm %s  and run it again", breach.Reason, d.place.stopFile())
	case errors.Is(err, rollout.ErrRollbackIncomplete):
		return fmt.Errorf("%w. %s", err, again)
	case errors.Is(err, rollout.ErrPlanChanged):
		return fmt.Errorf("%w. To begin anew:  rm -r %s", err, d.place)
	}
	return err
}

// percent writes a rate for people.
func percent(rate float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*rate), ".0") + "%"
}
