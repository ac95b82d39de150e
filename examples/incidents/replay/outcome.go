package replay

import (
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// Outcome says what a rollout that was played came to. Every figure is taken from what
// the targets really ran, and from the journal.
func (t Telling) Outcome(trace *simulate.Trace) (Outcome, error) {
	o := Outcome{Of: or(t.Of, "of the fleet")}
	first, stopped, err := moments(trace)
	if err != nil {
		return Outcome{}, err
	}
	if first.IsZero() {
		o.Refused = true
		o.Ending = "refused: nothing was changed"
		o.Story, err = t.story(trace, time.Time{}, 0)
		return o, err
	}
	begun := first.Sub(trace.Events[0].At)
	c := t.follow(trace)
	o.Exposed = c.peak
	if !stopped.IsZero() {
		o.Detect = stopped.Sub(first)
	}
	switch {
	case stopped.IsZero(), c.ill > 0:
		o.Never = true
	case c.cured > begun+o.Detect:
		o.Recover = c.cured - begun - o.Detect
	}
	if t.Sum {
		o.Sum, o.Detect, o.Recover = true, 0, o.Detect+o.Recover
	}
	o.Ending = ending(trace)
	cured := c.cured - begun
	if c.ill > 0 {
		cured = 0 // it never was
	}
	o.Story, err = t.story(trace, first, cured)
	return o, err
}

// Refused says what became of a rollout that a guard did not let begin.
func (t Telling) Refused(no *guardrails.Breach) Outcome {
	return Outcome{
		Of: or(t.Of, "of the fleet"), Refused: true, Ending: "refused: nothing was changed",
		Story: []string{Line(0, fmt.Sprintf("%s says no (%v): %s", no.Guard, no.Consequence, no.Reason))},
	}
}

// moments are when the first step began, and when it was decided to stop; zero for what
// never came.
func moments(trace *simulate.Trace) (first, stopped time.Time, err error) {
	var state rollout.State
	for _, ev := range trace.Events {
		if err := state.Step(ev); err != nil {
			return first, stopped, fmt.Errorf("replay: %w", err)
		}
		if first.IsZero() && ev.Kind == rollout.Doing {
			first = ev.At
		}
		if state.Failure() != "" || state.Phase() == rollout.Halted {
			return first, ev.At, nil
		}
	}
	// What nobody took back may be held for good.
	if trace.Held {
		for hold := range state.Holds() {
			if !isUnwatched(hold.Reason) && (stopped.IsZero() || hold.Since.Before(stopped)) {
				stopped = hold.Since
			}
		}
	}
	return first, stopped, nil
}

// course is how the fault went through the fleet.
type course struct {
	peak  float64       // the most that had it at once, in percent
	ill   int64         // what has it in the end, by weight
	cured time.Duration // when the last target lost it, since the start
}

// follow follows the fault through everything that the targets ran.
func (t Telling) follow(trace *simulate.Trace) course {
	weights, all := make(map[string]int64), int64(0)
	for _, wave := range trace.State.Spec().Waves {
		for _, step := range wave.Steps {
			w := max(1, step.Weight)
			weights[step.ID] = w
			all += w
		}
	}
	var c course
	ill := make(map[string]bool)
	for _, change := range trace.Changes {
		was, is := ill[change.Step], t.ill(change.Step, change.Version)
		ill[change.Step] = is
		switch {
		case is && !was:
			c.ill += weights[change.Step]
		case was && !is:
			c.ill -= weights[change.Step]
			c.cured = change.At
		}
		c.peak = max(c.peak, 100*float64(c.ill)/float64(all))
	}
	return c
}

func (t Telling) ill(target, version string) bool {
	if t.Ill != nil {
		return t.Ill(target, version)
	}
	return version == t.Plan.Release.To
}

// ending is the final phase in words.
func ending(trace *simulate.Trace) string {
	phase := trace.State.Phase()
	if words, known := endings[phase]; known {
		return words
	}
	for hold := range trace.State.Holds() {
		return "held by " + hold.Key
	}
	return phase.String()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
