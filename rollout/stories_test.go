package rollout

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is so now")

// TestStories runs the text files in testdata/core: each tells the story of a
// rollout as the core sees it, one command a paragraph, with what follows from
// it below the line of dashes.
//
//	plan waves=1,2,4 concurrency=2 …    begin; the steps are named w1.1, w2.1, w2.2 …
//	doing w1.1                          an event; every kind is a command
//	tick 5m                             let time pass
//	wants                               the effects that should be in flight now
//	undo-judged canary fail             what a gate on the way back decides
//	surveyed w1.1:v3 w1.2:              who runs something else, or does not say
//	steps                               the status of every step
//	replay                              the journal so far, folded anew, gives the same state
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/core/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var s story
			got := s.tell(string(data))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			require.Equal(t, string(data), got)
		})
	}
}

const rule = "----"

type story struct {
	state  State
	events []Event
	at     time.Time
}

// tell runs every command of a story and returns the story with the answers as
// they are. Text before a command that starts with # is kept.
func (s *story) tell(text string) string {
	var out strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		lines := strings.Split(paragraph, "\n")
		if end := slices.Index(lines, rule); end >= 0 {
			lines = lines[:end]
		}
		answer := ""
		for _, line := range lines {
			out.WriteString(line + "\n")
			if !strings.HasPrefix(line, "#") {
				answer += s.do(line)
			}
		}
		if answer != "" {
			out.WriteString(rule + "\n" + answer)
		}
	}
	return out.String()
}

func (s *story) do(line string) string {
	words := strings.Fields(line)
	args := make(map[string]string)
	var plain []string
	for _, w := range words[1:] {
		if k, v, ok := strings.Cut(w, "="); ok {
			args[k] = v
		} else {
			plain = append(plain, w)
		}
	}
	switch words[0] {
	case "plan":
		*s = story{at: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
		return s.step(Event{Kind: Started, Spec: planOf(args)})
	case "tick":
		d, err := time.ParseDuration(plain[0])
		if err != nil {
			return err.Error() + "\n"
		}
		s.at = s.at.Add(d)
		return ""
	case "wants":
		return s.wants()
	case "steps":
		return s.steps()
	case "replay":
		return s.replay()
	}
	ev, err := eventOf(words[0], plain, args, s.at)
	if err != nil {
		return err.Error() + "\n"
	}
	return s.step(ev)
}

func (s *story) step(ev Event) string {
	ev.At = s.at
	if err := s.state.Step(ev); err != nil {
		return err.Error() + "\n"
	}
	s.events = append(s.events, ev)
	line := s.state.Phase().String() + fmt.Sprintf(", wave %d", s.state.Wave())
	for h := range s.state.Holds() {
		line += fmt.Sprintf(", held by %s", h.Key)
	}
	if s.state.Phase().Final() {
		line += ": " + s.state.Reason()
	} else if f := s.state.Failure(); f != "" {
		line += ": " + f
	}
	return line + "\n"
}

func (s *story) wants() string {
	var lines []string
	for e := range s.state.Wants() {
		line := e.Key()
		if e.Kind == Analyze {
			line += fmt.Sprintf(" wave %d", e.Wave)
		}
		if e.Link > 0 {
			line += " to " + e.Version
		}
		if e.Begun {
			line += " (begun)"
		}
		if e.Kind == Timer {
			line += " in " + e.Due.Sub(s.at).String()
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return "nothing\n"
	}
	return strings.Join(lines, "\n") + "\n"
}

func (s *story) steps() string {
	var words []string
	for id, status := range s.state.Steps() {
		words = append(words, id+" "+status.String())
	}
	t := s.state.Tally("", "")
	return strings.Join(words, ", ") + fmt.Sprintf("\nexposed %d of %d, unproven %d\n", t.Exposed, t.Targets, t.Unproven)
}

func (s *story) replay() string {
	var again State
	for _, ev := range s.events {
		if err := again.Step(ev); err != nil {
			return err.Error() + "\n"
		}
	}
	if fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", s.state) {
		return "a different state\n"
	}
	return "the same state\n"
}

func planOf(args map[string]string) *Spec {
	number := func(key string, def int) int {
		if v, ok := args[key]; ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				panic(err)
			}
			return n
		}
		return def
	}
	span := func(key string) time.Duration {
		d, _ := time.ParseDuration(args[key])
		return d
	}
	spec := &Spec{
		Rollout: "story", Service: "checkout", From: "v1", To: "v2",
		Concurrency: number("concurrency", 2), MaxDown: number("maxdown", 0),
		WaveFailures: number("wavefailures", 0), Failures: number("failures", 0),
		HoldAtMost: span("holdatmost"),
		Guarded:    args["guarded"] != "",
		Undo:       SpecUndo{Batch: number("batch", 2), Parallel: number("parallel", 2), Deadline: span("deadline")},
	}
	list := func(key string) []string {
		if args[key] == "" {
			return nil
		}
		return strings.Split(args[key], ",")
	}
	u := &spec.Undo
	u.Ramp, u.Canary, u.Verify = args["ramp"] != "", args["canary"] != "", args["verify"] != ""
	u.Survey, u.Page, u.Rehearse = args["survey"] != "", args["page"] != "", args["rehearse"] != ""
	u.Fast, u.Older, u.Fallback = list("fast"), list("older"), list("fallback")
	u.RTO, u.RevertWindow, u.Domain = span("rto"), span("window"), args["domain"]
	if args["onfailure"] == "freeze" {
		spec.OnFailure = Freeze
	}
	for w, size := range strings.Split(args["waves"], ",") {
		wave := SpecWave{}
		if n, ok := strings.CutSuffix(size, "u"); ok {
			size, wave.Ungated = n, "the story says so"
		}
		if n, ok := strings.CutSuffix(size, "a"); ok {
			size, wave.Approval = n, true
		}
		if args["ondeadline"] == "wait" {
			wave.OnDeadline = analysis.WaitAtDeadline
		}
		n, _ := strconv.Atoi(size)
		for i := range n {
			step := SpecStep{ID: fmt.Sprintf("w%d.%d", w+1, i+1)}
			step.Irreversible = step.ID == args["irreversible"]
			if label := args["domain"]; label != "" {
				step.Labels = map[string]string{label: fmt.Sprintf("d%d", w+1)}
			}
			wave.Steps = append(wave.Steps, step)
		}
		spec.Waves = append(spec.Waves, wave)
	}
	return spec
}

func eventOf(word string, plain []string, args map[string]string, at time.Time) (Event, error) {
	var ev Event
	if err := ev.Kind.UnmarshalText([]byte(word)); err != nil {
		return ev, err
	}
	if len(plain) > 0 {
		ev.Step = plain[0]
	}
	ev.Reason = strings.ReplaceAll(args["because"], "_", " ")
	ev.Wave, _ = strconv.Atoi(args["wave"])
	if ev.Kind.IsVerb() {
		ev.Actor = args["by"]
		if d, err := time.ParseDuration(args["for"]); err == nil {
			ev.Until = at.Add(d)
		}
	}
	switch ev.Kind {
	case UndoJudged:
		ev.Decision = &analysis.Decision{Reason: ev.Reason}
		if err := ev.Decision.Outcome.UnmarshalText([]byte(plain[1])); err != nil {
			return ev, err
		}
	case Surveyed:
		ev.Step, ev.Survey = "", &Survey{Asked: len(plain)}
		for _, word := range plain {
			step, runs, _ := strings.Cut(word, ":")
			ev.Survey.Astray = append(ev.Survey.Astray, Astray{Step: step, Runs: runs})
		}
	case Judged:
		ev.Step = ""
		ev.Decision = &analysis.Decision{Reason: ev.Reason}
		if err := ev.Decision.Outcome.UnmarshalText([]byte(plain[0])); err != nil {
			return ev, err
		}
	case Breached:
		ev.Step = ""
		ev.Breach = &guardrails.Breach{Guard: plain[0], Reason: ev.Reason, Cap: args["cap"] != ""}
		if err := ev.Breach.Consequence.UnmarshalText([]byte(plain[1])); err != nil {
			return ev, err
		}
	}
	return ev, nil
}
