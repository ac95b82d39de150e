package main

import (
	"fmt"
	"strings"
)

// width is how wide everything is, but for long addresses.
const width = 100

// table puts all incidents side by side: what they came to as they went, and what with
// the guardrail.
func table(all []told) string {
	var b strings.Builder
	b.WriteString(wrap("", "", fmt.Sprintf("%d outages that a change caused, each told twice: the same fault in the same fleet, as it "+
		"went (then) and with a guardrail of this library (now). All of it is played, in virtual time: what is taken from "+
		"history is the fault, and when people acted.", len(all))))
	fmt.Fprintf(&b, "\n%-43s%14s%19s%21s\n", "", "EXPOSED", "STOPPED AFTER", "GONE AFTER THAT")
	b.WriteString(row("", figures{"then", "then", "then"}, figures{"now", "now", "now"}))
	line := strings.Repeat("-", width) + "\n"
	b.WriteString(line)
	for _, t := range all {
		b.WriteString(row(t.Title, figuresOf(t.without), figuresOf(t.with)))
		fmt.Fprintf(&b, "  %s, %s: %s\n", t.Name, t.When, headline(t.Guardrail))
	}
	b.WriteString(line)
	b.WriteString(wrap("", "", "EXPOSED is the most that had the fault at once. REFUSED: the faulty change was never made. BY HAND: it did "+
		"not go away by itself. A star marks the whole outage, where nobody has told when it was noticed. To read one line "+
		"by line: go run ./examples/incidents NAME"))
	b.WriteString("\nSources\n")
	for _, t := range all {
		fmt.Fprintf(&b, "  %-18s%s\n", t.Name, t.Source)
	}
	return b.String()
}

// headline is the first clause of a text: the rest is for the story.
func headline(text string) string {
	if i := strings.IndexByte(text, ';'); i > 0 {
		text = text[:i]
	}
	return text
}

// row is one line of the table.
func row(title string, then, now figures) string {
	s := fmt.Sprintf("%-43s%9s%9s%10s%9s%10s%10s", title,
		then.exposed, now.exposed, then.stopped, now.stopped, then.gone, now.gone)
	return strings.TrimRight(s, " ") + "\n"
}
