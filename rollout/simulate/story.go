package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// Story tells what happened, one line for each event, with the times since the start;
// in between, what no journal knows: crashes, other hands, what a target refused. The
// violation comes last.
func Story(t *Trace) string {
	var b strings.Builder
	asides := t.asides
	aside := func(upTo int) {
		for len(asides) > 0 && asides[0].after <= upTo {
			fmt.Fprintf(&b, "      %9s   -- %s\n", clockFace(asides[0].at), asides[0].text)
			asides = asides[1:]
		}
	}
	for n := range t.Events {
		aside(n)
		ev := &t.Events[n]
		fmt.Fprintf(&b, "%4d  %9s  %s\n", n+1, clockFace(since(ev.At)), line(ev))
	}
	aside(len(t.Events))
	return b.String()
}

// clockFace writes a time since the start.
func clockFace(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d:%02d:%02d", sign, int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// line tells one event.
func line(ev *rollout.Event) string {
	s := ev.Kind.String()
	if ev.Wave > 0 {
		s += fmt.Sprintf(" wave %d", ev.Wave)
	}
	if ev.Step != "" {
		s += " " + ev.Step
	}
	switch {
	case ev.Spec != nil:
		for w, wave := range ev.Spec.Waves {
			ids := make([]string, 0, len(wave.Steps))
			for _, step := range wave.Steps {
				ids = append(ids, step.ID)
			}
			s += fmt.Sprintf("; wave %d: %s", w+1, strings.Join(ids, " "))
		}
	case ev.Decision != nil:
		s += ": " + ev.Decision.Outcome.String()
	case ev.Check != nil:
		s += " by " + ev.Check.Name + ": " + ev.Check.Verdict.Outcome.String()
		if ev.Check.Observation.Err != "" {
			s += ", " + ev.Check.Observation.Err
		}
	case ev.Breach != nil:
		s += fmt.Sprintf(" by %s, %v: %s", ev.Breach.Guard, ev.Breach.Consequence, ev.Breach.Reason)
	case ev.Survey != nil:
		s += fmt.Sprintf(": %d asked", ev.Survey.Asked)
		for _, a := range ev.Survey.Astray {
			s += fmt.Sprintf(", %s runs %q", a.Step, a.Runs)
		}
	case ev.Kind == rollout.Ended:
		s += ": " + ev.Outcome.String()
	}
	if ev.Reason != "" {
		s += " (" + ev.Reason + ")"
	}
	if ev.Kind == rollout.Started || ev.Kind == rollout.Resumed {
		s += fmt.Sprintf(" [epoch %d]", ev.Epoch)
	}
	return s
}
