package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/execdeploy"
)

// reporter tells the user how a rollout goes. That it can't be heard stops nothing.
type reporter interface {
	rollout.Observer
	// interrupted is told of each signal to stop, from 1.
	interrupted(n int)
	// end is told how Run came out.
	end(result rollout.Result, err error)
}

// jsonReport writes every event as one line of JSON.
type jsonReport struct {
	mu   sync.Mutex
	out  io.Writer
	skip int // that many events were reported by an earlier process
}

func (r *jsonReport) Observe(ev rollout.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.skip--; r.skip >= 0 {
		return
	}
	line, err := json.Marshal(ev)
	if err != nil {
		return // what the journal has taken can be written
	}
	_, _ = r.out.Write(append(line, '\n'))
}

func (*jsonReport) interrupted(int) {}

func (*jsonReport) end(rollout.Result, error) {}

// textReport writes a line for what matters.
type textReport struct {
	job      job
	output   string // the folder of the scripts' output
	parallel int
	grace    time.Duration // after an interrupt
	began    time.Time

	mu    sync.Mutex
	out   io.Writer
	state rollout.State
	seen  int // events
	wave  int // that was announced
	phase rollout.Phase
}

func (r *textReport) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// Observe takes in an event.
func (r *textReport) Observe(ev rollout.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.Step(ev) != nil {
		return // the journal has it: it can't be wrong here
	}
	if r.seen++; r.seen <= r.job.past {
		r.wave, r.phase = r.state.Wave(), r.state.Phase()
		return
	}
	r.tell(ev)
	phase := r.state.Phase()
	if phase != r.phase && phase == rollout.RollingBack {
		r.say("taking it back: %s", r.state.Failure())
	}
	if wave := r.state.Wave(); wave > r.wave && phase == rollout.Deploying {
		r.wave = wave
		n := len(r.state.Spec().Waves[wave-1].Steps)
		r.say("wave %d of %d: %s", wave, len(r.state.Spec().Waves), count(n, "target"))
	}
	r.phase = phase
}

// tell says what an event means.
func (r *textReport) tell(ev rollout.Event) {
	switch ev.Kind {
	case rollout.Started:
		r.started(ev.Spec)
	case rollout.Resumed:
		result := r.state.Result()
		again := ""
		if n := r.state.InFlight(); n > 0 {
			again = fmt.Sprintf("; %s cut short, and run again", count(n, "script"))
		}
		r.say("%s: resumed in wave %d of %d: %d of %d targets done%s", r.job.name, r.state.Wave(), result.Waves, result.Updated, result.Targets, again)
	case rollout.DoFailed:
		r.say("%s failed: %s", ev.Step, ev.Reason)
		r.quote(ev.Step)
	case rollout.UndoFailed:
		r.say("%s could not be taken back: %s", ev.Step, ev.Reason)
		r.quote(ev.Step)
	case rollout.Judged:
		r.say("gate %d: %v: %s", ev.Wave, ev.Decision.Outcome, ev.Decision.Reason)
	case rollout.Breached:
		what := map[guardrails.Consequence]string{guardrails.Hold: "holds", guardrails.Rollback: "takes it back", guardrails.Halt: "halts"}
		r.say("%s %s: %s", ev.Breach.Guard, what[ev.Breach.Consequence], ev.Breach.Reason)
	case rollout.Cleared:
		r.say("%s is content again", ev.Step)
	default:
		if ev.Kind.IsVerb() {
			r.say("%v by %s: %s", ev.Kind, ev.Actor, ev.Reason)
		}
	}
}

func (r *textReport) started(spec *rollout.Spec) {
	sizes := make([]string, len(spec.Waves))
	n := 0
	for i, w := range spec.Waves {
		sizes[i] = fmt.Sprint(len(w.Steps))
		n += len(w.Steps)
	}
	if r.job.skipped > 0 {
		r.say("%s are done already, by %s", count(r.job.skipped, "target"), r.job.before)
	}
	r.say("%s: %s in %s (%s), %d at once", r.job.name, count(n, "target"), count(len(sizes), "wave"), strings.Join(sizes, ", "), r.parallel)
}

// maxQuoted is how much of a script's output is shown, in bytes and lines.
const (
	maxQuoted      = 4 << 10
	maxQuotedLines = 10
)

// quote shows the end of what a target's script wrote.
func (r *textReport) quote(target string) {
	path := execdeploy.OutputPath(r.output, target)
	f, err := os.Open(path)
	if err != nil {
		return // it wrote nothing
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxQuoted {
		_, _ = f.Seek(-maxQuoted, io.SeekEnd)
	}
	text, _ := io.ReadAll(io.LimitReader(f, maxQuoted))
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	lines = lines[max(0, len(lines)-maxQuotedLines):]
	for _, line := range lines {
		r.say("  | %s", strings.Map(printable, strings.ToValidUTF8(string(line), "?")))
	}
	r.say("  (all of it is in %s)", path)
}

// interrupted says that ctrl-C was heard.
func (r *textReport) interrupted(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case n > 2:
	case n == 2:
		r.say("stopping what runs")
	case r.state.Phase() == rollout.RollingBack:
		r.say("the rollback goes on to its end; once more stops it")
	default:
		r.say("nothing more is begun, and what runs has %v to come to its end; once more stops it at once", r.grace)
	}
}

// end tells how it came out.
func (r *textReport) end(result rollout.Result, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen <= r.job.past {
		r.say("%s came to its end before, and is carried out once", r.job.name)
	}
	took := time.Since(r.began).Round(time.Millisecond)
	switch {
	case err == nil:
		r.say("done: all %s, in %v", count(result.Targets, "target"), took)
		return
	case errors.Is(err, rollout.ErrInterrupted):
		r.say("interrupted: %d of %d targets done; run the same command line again to go on", result.Updated, result.Targets)
		return
	case errors.Is(err, rollout.ErrRolledBack):
		r.say("rolled back: %s taken back, %d never touched: %s", count(result.Undone, "target"), result.Untouched, result.Reason)
		return
	}
	r.say("%v: %d of %d targets done, %d untouched, %d taken back: %s", result.Phase, result.Updated, result.Targets, result.Untouched, result.Undone, result.Reason)
	if n := len(result.InDoubt); n > 0 {
		const most = 20
		more := ""
		if n > most {
			more = fmt.Sprintf(" and %d more", n-most)
		}
		r.say("in doubt, for they failed or were cut short: %s%s", strings.Join(result.InDoubt[:min(n, most)], " "), more)
	}
	if errors.Is(err, rollout.ErrHalted) {
		r.say("when it is safe to go on: tidegate reset --reason …, and the same command line again")
	}
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// printable keeps a script's output from moving the cursor about.
func printable(r rune) rune {
	if r != '\t' && !unicode.IsPrint(r) {
		return ' '
	}
	return r
}
