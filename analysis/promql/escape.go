package promql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// text is a value that stands for itself between the quotes of a query. It
// prints escaped.
type text string

// String returns the text escaped for a string of PromQL.
func (t text) String() string { return escape(string(t)) }

// pattern is a regular expression for the quotes after =~. It prints escaped.
type pattern string

// String returns the pattern escaped for a string of PromQL.
func (p pattern) String() string { return escape(string(p)) }

// literally returns the pattern that matches t and nothing else.
func literally(t text) pattern { return pattern(regexp.QuoteMeta(string(t))) }

// anyOf returns the pattern that matches the names and nothing else. There must
// be one.
func anyOf(names []string) pattern {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	if len(quoted) == 1 {
		return pattern(quoted[0])
	}
	return pattern("(?:" + strings.Join(quoted, "|") + ")")
}

// checkName refuses a name or label that cannot be asked about. An empty one
// would match every series that lacks the label.
func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty: it would match series that have nothing to do with it", what)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %q is not UTF-8, so no label can have it as its value", what, name)
	}
	return nil
}

// escape makes a value fit for a string in single or double quotes, of
// Prometheus as of VictoriaMetrics: no quote and no line break is left in it.
// (Between backticks PromQL knows no escapes, which is why Problems refuses
// them.)
func escape(value string) string {
	var b strings.Builder
	for _, r := range value {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '"' || r == '\'' || r == '`' || r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// duration writes a duration in PromQL's notation, to the millisecond.
func duration(d time.Duration) string { return model.Duration(d.Round(time.Millisecond)).String() }

// unixSeconds writes a time as the API and @ want it, to the millisecond.
func unixSeconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
