package replay

import (
	"fmt"
	"time"
)

// Diary writes the story of an incident that was no rollout, with a clock of its own.
// The zero Diary begins at zero.
type Diary struct {
	now   time.Duration
	lines []string
}

// Wait lets time pass.
func (d *Diary) Wait(by time.Duration) { d.now += by }

// Now is the time since the beginning.
func (d *Diary) Now() time.Duration { return d.now }

// Say writes a line.
func (d *Diary) Say(format string, args ...any) {
	d.lines = append(d.lines, Line(d.now, fmt.Sprintf(format, args...)))
}

// Story is all that was written.
func (d *Diary) Story() []string { return d.lines }
