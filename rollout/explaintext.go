package rollout

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidegate-go/tidegate/rollback"
)

// explainWidth is how many characters a line of a runbook has at most: what fits into a
// terminal beside something else.
const explainWidth = 100

// explainer writes a plan's runbook.
type explainer struct {
	p      *Plan
	c      *compiled
	bounds Bounds
	policy rollback.Policy // with its defaults
	text   strings.Builder
}

// title begins a section.
func (x *explainer) title(text string) {
	if x.text.Len() > 0 {
		x.text.WriteByte('\n')
	}
	x.wrap("", "", strings.ToUpper(text[:1])+text[1:])
}

// say writes a paragraph.
func (x *explainer) say(format string, args ...any) { x.wrap("  ", "  ", fmt.Sprintf(format, args...)) }

// item writes an entry of a list.
func (x *explainer) item(format string, args ...any) { x.entry("-", 5, fmt.Sprintf(format, args...)) }

// entry writes a mark and its text, which stands in a column of its own.
func (x *explainer) entry(mark string, column int, text string) {
	x.wrap(fmt.Sprintf("%-*s", column, "  "+mark), strings.Repeat(" ", column), text)
}

// line writes one line that is laid out already.
func (x *explainer) line(format string, args ...any) {
	fmt.Fprintf(&x.text, "%s\n", strings.TrimRight(printable(fmt.Sprintf(format, args...)), " "))
}

// wrap writes words into lines of explainWidth. A word that is longer than a line is cut
// into pieces.
func (x *explainer) wrap(first, hang, text string) {
	line, width, empty := first, utf8.RuneCountInString(first), true
	end := func() {
		x.text.WriteString(strings.TrimRight(line, " "))
		x.text.WriteByte('\n')
		line, width, empty = hang, utf8.RuneCountInString(hang), true
	}
	for _, word := range strings.Fields(printable(text)) {
		n := utf8.RuneCountInString(word)
		if !empty && width+1+n > explainWidth {
			end()
		}
		if !empty {
			line, width = line+" ", width+1
		}
		for width+n > explainWidth {
			runes := []rune(word)
			line += string(runes[:explainWidth-width])
			word, n = string(runes[explainWidth-width:]), n-(explainWidth-width)
			end()
		}
		line, width, empty = line+word, width+n, false
	}
	if !empty {
		end()
	}
}

// printable takes out what would move the cursor of whoever reads it: names come from
// other systems.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
