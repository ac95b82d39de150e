package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
)

// figures are an outcome in words.
type figures struct{ exposed, stopped, gone string }

// none stands for what there is nothing to be said of.
const none = "-"

func figuresOf(o replay.Outcome) figures {
	if o.Refused {
		return figures{"refused", none, none}
	}
	f := figures{percent(o.Exposed), span(o.Detect), span(o.Recover)}
	switch {
	case o.Sum:
		f.stopped, f.gone = "*", span(o.Recover)+"*"
	case o.Never:
		f.gone = "by hand"
	}
	return f
}

func percent(p float64) string { return fmt.Sprintf("%.3g%%", p) }

// span writes how long something took, in its two largest units.
func span(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d <= 0:
		return none
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return two(d/time.Minute, "m", d%time.Minute/time.Second, "s")
	case d < 48*time.Hour:
		return two(d/time.Hour, "h", d%time.Hour/time.Minute, "m")
	}
	return two(d/(24*time.Hour), "d", d%(24*time.Hour)/time.Hour, "h")
}

func two(a time.Duration, unit string, b time.Duration, smaller string) string {
	if b == 0 {
		return fmt.Sprintf("%d%s", a, unit)
	}
	return fmt.Sprintf("%d%s %d%s", a, unit, b, smaller)
}

// wrap breaks a text into lines, the first and the others with what they begin with.
func wrap(first, others, text string) string {
	var b strings.Builder
	line, empty := first, true
	for _, word := range strings.Fields(text) {
		if !empty && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line, empty = others, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	b.WriteString(line + "\n")
	return b.String()
}
