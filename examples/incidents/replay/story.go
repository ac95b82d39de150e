package replay

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/simulate"
)

// endings are the final phases in a few words.
var endings = map[rollout.Phase]string{
	rollout.Completed:          "completed: nobody stopped it",
	rollout.Partial:            "completed in part",
	rollout.RolledBack:         "taken back",
	rollout.RollbackIncomplete: "could not be taken back: a human has to",
	rollout.Halted:             "frozen: waits for a human",
	rollout.Aborted:            "stopped, and left as it was",
	rollout.Contained:          "the domain that failed was taken back",
}

// storyteller writes the story of one rollout.
type storyteller struct {
	Telling
	state  rollout.State
	first  time.Time // the first step
	lines  []told
	failed map[rollout.Kind]int
	said   map[string]bool // breaches
	wave   int
	undone int
	last   time.Duration // the newest event
}

// told is a line of the story. Of those of one time, the lower rank comes first.
type told struct {
	at   time.Duration
	rank int
	text string
}

// The ranks of lines.
const (
	note = iota
	event
	cure
	end
)

// story tells a rollout that was played: what a reader needs to know of it, and not
// every event. cured is when the last target lost the fault, zero for never.
func (t Telling) story(trace *simulate.Trace, first time.Time, cured time.Duration) ([]string, error) {
	if first.IsZero() {
		first = trace.Events[0].At
	}
	s := storyteller{Telling: t, first: first, failed: make(map[rollout.Kind]int), said: make(map[string]bool)}
	s.Things = or(s.Things, "targets")
	for i := range trace.Events {
		ev := &trace.Events[i]
		was := s.state.Phase()
		if err := s.state.Step(*ev); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		s.tell(ev, was)
	}
	if cured > 0 {
		s.add(cured, cure, "nothing has the fault any more")
	}
	if trace.Held {
		s.held()
	}
	for _, n := range t.Notes {
		s.add(n.At, note, "%s", n.Text)
	}
	slices.SortStableFunc(s.lines, func(a, b told) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
	story := make([]string, 0, len(s.lines))
	for _, l := range s.lines {
		story = append(story, Line(l.at, l.text))
	}
	return story, nil
}

func (s *storyteller) add(at time.Duration, rank int, format string, args ...any) {
	s.lines = append(s.lines, told{at, rank, fmt.Sprintf(format, args...)})
}

// held ends the story of a rollout that was held and to which nobody said anything more.
func (s *storyteller) held() {
	for hold := range s.state.Holds() {
		s.add(s.last, end, "the end: held (%s); %s", hold.Key, s.share())
		return
	}
}

// tell writes what an event means, if it is worth a line.
func (s *storyteller) tell(ev *rollout.Event, was rollout.Phase) {
	at := ev.At.Sub(s.first)
	s.last = at
	say := func(format string, args ...any) { s.add(at, event, format, args...) }
	switch {
	case ev.Kind == rollout.Doing && s.state.Wave() > s.wave:
		s.wave = s.state.Wave()
		waves := s.state.Spec().Waves
		say("wave %d of %d begins: %d of %d %s", s.wave, len(waves), len(waves[s.wave-1].Steps), s.state.Tally("", "").Targets, s.Things)
	case ev.Kind == rollout.DoFailed, ev.Kind == rollout.UndoFailed:
		s.failure(ev, say)
	case ev.Kind == rollout.Undone:
		if s.undone++; s.undone == 1 {
			say("%s, the first, is back on %s", ev.Step, s.state.Spec().From)
		}
	case ev.Kind == rollout.Judged && !isUnwatched(ev.Decision.Reason):
		say("the gate of wave %d: %v: %s", ev.Wave, ev.Decision.Outcome, ev.Decision.Reason)
	case ev.Kind == rollout.UndoJudged:
		say("the %s gate of the rollback: %v: %s", ev.Step, ev.Decision.Outcome, ev.Decision.Reason)
		if ev.Decision.Outcome == analysis.Fail {
			say("this way back makes nothing better: it stops, and the next in the chain is tried")
		}
	case ev.Kind == rollout.Breached:
		s.breach(ev, say)
	case ev.Kind == rollout.Cleared:
		say("%s is content again", ev.Step)
		clear(s.said)
	case ev.Kind == rollout.Mitigating:
		say("%s", ev.Step)
	case ev.Kind == rollout.MitigateFailed:
		say("%s fails: %s", ev.Step, ev.Reason)
	case ev.Kind == rollout.Surveyed:
		say("%d %s are asked what they run, %d of them astray", ev.Survey.Asked, s.Things, len(ev.Survey.Astray))
	case ev.Kind.IsVerb():
		say("%s: %v, %s", ev.Actor, ev.Kind, ev.Reason)
	case ev.Kind == rollout.Ended:
		s.add(at, end, "the end: %s", or(endings[ev.Outcome], ev.Outcome.String()))
	}
	switch now := s.state.Phase(); {
	case now == was:
	case now == rollout.Gating:
		say("wave %d is deployed: %s", s.state.Wave(), s.share())
	case now == rollout.RollingBack:
		say("the change is taken back: %s", s.share())
	case now == rollout.Halted:
		say("everything is frozen: %s; %s", s.share(), s.state.Reason())
	}
}

// failure tells of the first step that failed, and of that alone.
func (s *storyteller) failure(ev *rollout.Event, say func(string, ...any)) {
	if s.failed[ev.Kind]++; s.failed[ev.Kind] > 1 {
		return
	}
	what := "cannot be changed"
	if ev.Kind == rollout.UndoFailed {
		what = "cannot be taken back"
	}
	say("%s %s: %s", ev.Step, what, ev.Reason)
}

// breach tells what a guard says, once.
func (s *storyteller) breach(ev *rollout.Event, say func(string, ...any)) {
	b := ev.Breach
	key := b.Guard + b.Reason
	if s.said[key] {
		return
	}
	s.said[key] = true
	text := b.Reason
	if b.Evidence != "" {
		text += " (" + b.Evidence + ")"
	}
	say("%s says no (%v): %s", b.Guard, b.Consequence, text)
}

// share is how much runs the new version now, or may.
func (s *storyteller) share() string {
	t := s.state.Tally("", "")
	return fmt.Sprintf("%d of %d %s (%.3g%%) run %s", t.Exposed, t.Targets, s.Things,
		100*float64(t.ExposedWeight)/float64(max(1, t.Weight)), s.state.Spec().To)
}

// Line writes a line of a story, with the time since the first change.
func Line(at time.Duration, text string) string {
	sign := ""
	if at < 0 {
		sign, at = "-", -at
	}
	at = at.Round(time.Second)
	return fmt.Sprintf("%s%d:%02d:%02d  %s", sign, int(at.Hours()), int(at.Minutes())%60, int(at.Seconds())%60, text)
}
