package promql

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// linter finds what is wrong with the templates of a source, by trying them on
// windows that nobody has.
type linter struct {
	report     func(path, msg string)
	counting   bool
	buckets    bool // are what the query gives
	selecting  bool // is all that the query may do
	canaryOnly bool
	said       map[string]bool
}

// What stands for the values in a trial window. A version and a label have
// a dot, which shows whether they were made a pattern.
const (
	markName    = "tidegate-trial-name"
	markVersion = "tidegate.trial.version"
	markLabel   = "tidegate.trial.label"
)

// templateLabel finds the labels that a template asks for.
var templateLabel = regexp.MustCompile("\\.Label\\s+[\"`]([^\"`]*)[\"`]")

// check tries the templates of one setting, for the canary and the baseline.
func (l linter) check(path, source, otherPath, other string) {
	before := other
	if strings.TrimSpace(other) == "" {
		otherPath, other = path, source
	}
	if !l.parses(path, source) || before != "" && !l.parses(otherPath, other) {
		return
	}
	canaryQueries, ok := l.trials(path, source, canary)
	if !ok {
		return
	}
	if l.canaryOnly {
		if before != "" {
			l.report(otherPath, "is set, but CanaryOnly says not to ask about the baseline")
		}
		return
	}
	baselineQueries, ok := l.trials(otherPath, other, baseline)
	if ok && canaryQueries[0] == baselineQueries[0] {
		l.report(path, "asks the same of the canary and of the baseline: refer to the arm, as in {pod=~\"{{.Arm}}\"}, or set CanaryOnly")
	}
}

// fresh tries the template of a Fresh.
func (l linter) fresh(source string) {
	if source != "" && l.parses("Fresh", source) {
		l.counting, l.buckets = false, false
		l.trials("Fresh", source, canary)
	}
}

func (l linter) parses(path, source string) bool {
	if strings.TrimSpace(source) == "" {
		l.report(path, "is empty: want a query, in PromQL")
		return false
	}
	if _, err := compile(path, source); err != nil {
		l.report(path, fmt.Sprintf("is not a template: %v", err))
		return false
	}
	return true
}

// trials renders a template for some windows, and reports what is wrong with it.
func (l linter) trials(path, source string, a arm) (queries []string, ok bool) {
	q, _ := compile(path, source)
	var labels []string
	for _, found := range templateLabel.FindAllStringSubmatch(source, -1) {
		labels = append(labels, found[1])
	}
	for _, w := range trialWindows(labels) {
		query, err := q.render(w, w.End.Sub(w.Start), a)
		if err != nil {
			l.once(path, fmt.Sprintf("does not work as a template: %v", err))
			return nil, false
		}
		queries = append(queries, query)
		for _, msg := range l.mistakes(query) {
			l.once(path, msg)
		}
	}
	if l.selecting && queries[0] != queries[1] {
		l.once(path, "selects other counters for another window: leave out .Window, .Start and .End")
	}
	if l.counting && queries[0] == queries[1] {
		l.once(path, "asks the same whatever the window, so windows that overlap would count events twice: use [{{.Window}}] for the range")
	}
	return queries, true
}

// once reports a mistake, unless another window or arm has shown it already.
func (l linter) once(path, msg string) {
	if !l.said[path+" "+msg] {
		l.said[path+" "+msg] = true
		l.report(path, msg)
	}
}

// trialWindows are alike but for the first two, of which the second is longer;
// the others have other waves and more members.
func trialWindows(labels []string) []analysis.Window {
	side := func(name string, members int) (a analysis.Arm) {
		a.Version = markVersion + "." + name
		for i := range members {
			m := analysis.Member{Name: fmt.Sprint(markName, "-", name, i), Labels: make(map[string]string)}
			for _, label := range labels {
				m.Labels[label] = fmt.Sprint(markLabel, ".", name, i)
			}
			a.Members = append(a.Members, m)
		}
		return a
	}
	end := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	window := func(length time.Duration, wave, members int) analysis.Window {
		return analysis.Window{Start: end.Add(-length), End: end, Wave: wave, Canary: side("canary", members), Baseline: side("baseline", members)}
	}
	return []analysis.Window{window(10*time.Second, 1, 1), window(20*time.Second, 1, 1), window(10*time.Second, 2, 2)}
}

var (
	confidentZero = regexp.MustCompile(`(?i)\bor\s+((on|ignoring)\s*\([^)]*\)\s*)?(vector\s*\(\s*)?[-+]?[0-9.]|\bdefault\s+[-+]?[0-9.]`)
	perSecond     = regexp.MustCompile(`(?i)\b(rate|irate|deriv|sum_rate|rate_over_sum)\s*\(`)
	ofBuckets     = regexp.MustCompile(`(?i)\bhistogram_\w+\s*\(`)
	selector      = regexp.MustCompile(`^\s*([a-zA-Z_:][\w:]*\s*)?(\{[^{}()]*\})?\s*$`)
	boundary      = regexp.MustCompile(`\ble\b`)
)

// mistakes says what is wrong with a trial query.
func (l linter) mistakes(query string) (all []string) {
	say := func(msg string) { all = append(all, msg) }
	var outside strings.Builder
	operator := ""
	for _, t := range split(query) {
		name, literal := strings.Contains(t.text, markName), strings.Contains(t.text, markVersion) || strings.Contains(t.text, markLabel)
		quotedPattern := name || strings.Contains(t.text, `tidegate\\.trial`)
		marked := quotedPattern || literal
		switch {
		case t.quote == 0:
			if marked {
				say(`puts a name, label or version outside of quotes, where it would be read as PromQL: write {pod=~"{{.Arm}}"}`)
			}
			outside.WriteString(t.text)
			trimmed := strings.TrimSpace(t.text)
			operator = trimmed[max(0, len(trimmed)-2):]
			continue
		case t.quote == '`' && marked:
			say("puts a name, label or version between backticks, where PromQL knows no escapes: use double quotes")
		case quotedPattern && strings.HasSuffix(operator, "=") && operator != "=~":
			say("compares by = or != with a pattern: .Arm, .Canary, .Baseline and .Label want =~ or !~")
		case literal && !quotedPattern && strings.HasSuffix(operator, "~"):
			say("compares by =~ or !~ with a version, in which a dot would match anything: write {{regex .Version}}")
		}
		outside.WriteString(`""`)
	}
	code := outside.String()
	if confidentZero.MatchString(code) {
		say("ends in a number where there is no data (or vector(0)): a gate would take missing data for a good figure. Leave it out; for errors that have no series before the first, set EventsOptional")
	}
	if l.selecting && !selector.MatchString(code) {
		say("is more than a selector of counters: leave out functions, ranges and offsets, as in http_requests_total{pod=~\"{{.Arm}}\"}")
	}
	switch {
	case l.buckets && ofBuckets.MatchString(code):
		say("gives one figure of a histogram, not its buckets: want sum by (le) (increase(…_bucket{…}[{{.Window}}]))")
	case l.buckets && !boundary.MatchString(code):
		say("does not keep the label le, the boundaries of the buckets: want sum by (le) (…)")
	}
	if l.counting && perSecond.MatchString(code) {
		say("is a rate per second, not a count: use increase()")
	}
	return all
}
