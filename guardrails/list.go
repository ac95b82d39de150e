package guardrails

import (
	"fmt"
	"strings"
)

// list is what is said of some targets, of which only the first few are shown.
type list struct {
	n     int
	shown []string
}

// maxListed is how many are shown.
const maxListed = 5

func (l *list) add(format string, args ...any) {
	if l.n++; l.n <= maxListed {
		l.shown = append(l.shown, plainText(fmt.Sprintf(format, args...)))
	}
}

// String lists them, and says how many more there are.
func (l *list) String() string {
	s := strings.Join(l.shown, "; ")
	if more := l.n - len(l.shown); more > 0 {
		s += fmt.Sprintf("; and %d more", more)
	}
	return s
}
