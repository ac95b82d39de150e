package main

import (
	"fmt"
	"strings"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
)

// story tells one incident line by line.
func story(t told) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n\n", t.Title, t.When)
	b.WriteString(wrap("  The fault      ", "                 ", t.Fault))
	b.WriteString(wrap("  The guardrail  ", "                 ", t.Guardrail))
	fmt.Fprintf(&b, "  Source         %s\n", t.Source)
	b.WriteString("\nAS IT WENT\n\n")
	b.WriteString(telling(t.without))
	b.WriteString("\nWITH THE GUARDRAIL\n\n")
	b.WriteString(telling(t.with))
	return b.String()
}

// telling is one of both: the lines with their times, and what it came to.
func telling(o replay.Outcome) string {
	var b strings.Builder
	for _, line := range o.Story {
		at, text, timed := strings.Cut(line, "  ")
		switch {
		case line == "":
			b.WriteString("\n")
		case !timed:
			b.WriteString(wrap("  ", "  ", line))
		default:
			b.WriteString(wrap(fmt.Sprintf("%11s  ", at), strings.Repeat(" ", 13), text))
		}
	}
	b.WriteString("\n")
	b.WriteString(wrap("  => ", "     ", sum(o)))
	return b.String()
}

// sum is what an outcome came to, in a sentence.
func sum(o replay.Outcome) string {
	f := figuresOf(o)
	switch {
	case o.Refused:
		return o.Ending
	case o.Sum:
		return fmt.Sprintf("%s %s, for %s in all; %s", f.exposed, o.Of, span(o.Recover), o.Ending)
	}
	s := fmt.Sprintf("%s %s", f.exposed, o.Of)
	if f.stopped != none {
		s += ", stopped after " + f.stopped
	}
	switch {
	case o.Never:
		s += ", and mended by hand"
	case f.gone != none:
		s += ", gone after another " + f.gone
	}
	return s + "; " + o.Ending
}
