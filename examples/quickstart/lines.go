package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/tidegate-go/tidegate/rollout"
)

// lines tells a rollout in plain lines, one whenever something has changed: for
// logs, and for programs that read along.
type lines struct {
	mu   sync.Mutex
	out  io.Writer
	told told
}

// told is what the last lines said.
type told struct {
	version    string
	wave       int
	undoing    bool
	harm, safe int // filled cells of the bars
	total      uint64
}

func (l *lines) palette() palette { return palette{} }

func (l *lines) refresh(view) {}

func (l *lines) leave() {}

func (l *lines) say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.out, text)
}

func (l *lines) event(v view, ev rollout.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told.version != v.To {
		l.told = told{version: v.To}
	}
	if line := l.line(v, ev); line != "" {
		fmt.Fprintf(l.out, "%8s  %s  %s\n", seconds(v.Elapsed), v.To, line)
	}
}

// line says what an event changes; nothing for one that changes little.
func (l *lines) line(v view, ev rollout.Event) string {
	switch ev.Kind {
	case rollout.Started:
		return fmt.Sprintf("begins: %d servers in %d waves", v.Fleet, len(v.Waves))
	case rollout.Resumed:
		return fmt.Sprintf("goes on in wave %d of %d (%s), %d of %d servers on %s", v.Wave, len(v.Waves), doing(v.Phase), v.Exposed, v.Fleet, v.To)
	case rollout.Doing:
		if l.told.wave == v.Wave {
			return ""
		}
		l.told.wave = v.Wave
		return fmt.Sprintf("wave %d of %d: %s, %s it already",
			v.Wave, len(v.Waves), gets(len(v.Waves[v.Wave-1]), v.To), has(before(v)))
	case rollout.Observed:
		return l.observed(v)
	case rollout.Judged:
		return fmt.Sprintf("gate %d: %v, %s", ev.Wave, ev.Decision.Outcome, ev.Decision.Reason)
	case rollout.Breached:
		return fmt.Sprintf("guard %s says %v: %s", ev.Breach.Guard, ev.Breach.Consequence, ev.Breach.Reason)
	case rollout.Cleared:
		return fmt.Sprintf("guard %s is content again", ev.Step)
	case rollout.Undoing:
		if l.told.undoing {
			return ""
		}
		l.told.undoing = true
		return fmt.Sprintf("taking %s back from %s", v.To, count(v.Exposed))
	case rollout.DoFailed, rollout.UndoFailed:
		return fmt.Sprintf("%v on %s: %s", ev.Kind, ev.Step, ev.Reason)
	case rollout.Interrupted:
		return "stopped, and can go on"
	case rollout.Ended:
		return fmt.Sprintf("%s: %d of %d servers on %s", doing(ev.Outcome), v.Exposed, v.Fleet, v.To)
	}
	if ev.Kind.IsVerb() {
		return fmt.Sprintf("%v by %s: %s", ev.Kind, ev.Actor, ev.Reason)
	}
	return ""
}

// observed tells the figures, as often as a bar has grown or shrunk.
func (l *lines) observed(v view) string {
	e := v.Verdict.Evidence
	harm, safe := filled(e.Harm, e.HarmNeeded), filled(e.Safe, e.SafeNeeded)
	seen := v.Verdict.Canary.Total > 0
	if l.told.total > 0 && harm == l.told.harm && safe == l.told.safe || !seen {
		return ""
	}
	l.told.harm, l.told.safe, l.told.total = harm, safe, v.Verdict.Canary.Total
	return fmt.Sprintf("canary %s, baseline %s; evidence that it is worse: %s, that it is fine: %s",
		arm(v.To, v.Verdict.Canary), arm(v.From, v.Verdict.Baseline), weight(e.Harm, e.HarmNeeded), weight(e.Safe, e.SafeNeeded))
}

// before counts the servers of the waves before this one.
func before(v view) int {
	n := 0
	for _, wave := range v.Waves[:v.Wave-1] {
		n += len(wave)
	}
	return n
}

func count(servers int) string {
	if servers == 1 {
		return "1 server"
	}
	return fmt.Sprintf("%d servers", servers)
}

func gets(servers int, version string) string {
	if servers == 1 {
		return "1 server gets " + version
	}
	return fmt.Sprintf("%d servers get %s", servers, version)
}

func has(servers int) string {
	switch servers {
	case 0:
		return "none has"
	case 1:
		return "1 has"
	}
	return fmt.Sprintf("%d have", servers)
}
