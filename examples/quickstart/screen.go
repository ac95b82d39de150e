package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/tidegate-go/tidegate/rollout"
)

// screen is where the demo is shown.
type screen interface {
	// say writes lines that stay.
	say(text string)
	// event shows what has happened, refresh only what time does to a view.
	event(v view, ev rollout.Event)
	refresh(v view)
	// leave ends a rollout's picture, and lets it stand.
	leave()
	palette() palette
}

// newScreen returns a live screen for a terminal, and plain lines for anything
// else.
func newScreen(out *os.File) screen {
	if isTerminal(out) {
		return &live{out: out, colors: palette{color: os.Getenv("NO_COLOR") == ""}}
	}
	return &lines{out: out}
}

// live draws a rollout in a few lines of a terminal, again and again over each
// other.
type live struct {
	mu     sync.Mutex
	out    io.Writer
	colors palette
	last   []string // what is drawn now
}

func (l *live) palette() palette { return l.colors }

func (l *live) event(v view, _ rollout.Event) { l.refresh(v) }

func (l *live) refresh(v view) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw("", frame(v, l.colors))
}

func (l *live) say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw(text+"\n", l.last)
}

func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = nil
}

// draw wipes the picture out, writes text that stays, and the next picture
// below it. It is one write, so that nothing flickers, and a process that is
// killed leaves the terminal as it was.
func (l *live) draw(text string, picture []string) {
	const (
		up       = "\x1b[%dA"
		wipe     = "\r\x1b[J"
		cutLines = "\x1b[?7l" // a line that is too long for the terminal is cut,
		endCut   = "\x1b[?7h" // and not continued on the next
	)
	var b bytes.Buffer
	if n := len(l.last); n > 0 {
		fmt.Fprintf(&b, up, n)
	}
	b.WriteString(wipe + text + cutLines)
	for _, line := range picture {
		b.WriteString(line + "\n")
	}
	b.WriteString(endCut)
	_, _ = l.out.Write(b.Bytes())
	l.last = picture
}
