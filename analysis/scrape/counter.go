package scrape

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
)

// Counter picks series from a page: those with this name whose labels match.
// Their sum is what is counted.
type Counter struct {
	// Name is the metric's name as it stands on the page, such as
	// http_requests_total. The _count and _bucket lines of a histogram are
	// counters too: http_request_duration_seconds_count. Required.
	Name string
	// Match gives, for each label named, a regular expression (RE2) that its
	// whole value must match, as in Prometheus. A series without the label has
	// the empty value. Empty matches every series.
	Match map[string]string
	// Optional says that the metric, or a label in Match, may be missing from a
	// page until the first event, and counts 0 until then. Without it, that is
	// an error, since a misspelt name would look the same. Series are no
	// concern: a metric that is there but has no series that matches counts 0.
	Optional bool
}

// matcher is a Counter made ready.
type matcher struct {
	name     string
	labels   []labelMatcher // sorted by name
	optional bool
}

type labelMatcher struct {
	name    string
	pattern *regexp.Regexp
}

func (c Counter) compile() (*matcher, error) {
	m := &matcher{name: c.Name, optional: c.Optional}
	for _, label := range slices.Sorted(maps.Keys(c.Match)) {
		pattern, err := compilePattern(c.Match[label])
		if err != nil {
			return nil, err
		}
		m.labels = append(m.labels, labelMatcher{label, pattern})
	}
	return m, nil
}

// compilePattern anchors a pattern at both ends, and lets "." match newlines,
// as Prometheus does. The pattern alone comes first: "a)(b" is no pattern,
// though it would become one between parentheses.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, err
	}
	return regexp.Compile("^(?s:" + pattern + ")$")
}

func (m *matcher) matches(labels []*dto.LabelPair) bool {
	for _, want := range m.labels {
		if !want.pattern.MatchString(valueOf(labels, want.name)) {
			return false
		}
	}
	return true
}

// checkLabels finds a label that no series carries, and that must have a value.
func (m *matcher) checkLabels(family []*dto.Metric) error {
	if m.optional || len(family) == 0 {
		return nil
	}
	for _, want := range m.labels {
		if want.pattern.MatchString("") {
			continue
		}
		carries := func(series *dto.Metric) bool { return valueOf(series.GetLabel(), want.name) != "" }
		if !slices.ContainsFunc(family, carries) {
			return fmt.Errorf("no series of metric %q has a label %q", m.name, want.name)
		}
	}
	return nil
}

func valueOf(labels []*dto.LabelPair, name string) string {
	for _, l := range labels {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func (c Counter) problems(path string, report func(path, msg string)) {
	switch {
	case c.Name == "":
		report(path+"Name", `is empty: want the name of a metric, such as "http_requests_total"`)
	case !model.UTF8Validation.IsValidMetricName(c.Name):
		report(path+"Name", fmt.Sprintf("%q is no metric name", c.Name))
	}
	for _, label := range slices.Sorted(maps.Keys(c.Match)) {
		at := fmt.Sprintf("%sMatch[%s]", path, label)
		if !model.UTF8Validation.IsValidLabelName(label) || label == string(model.MetricNameLabel) {
			report(at, fmt.Sprintf("%q cannot be the name of a label to match", label))
		}
		if _, err := compilePattern(c.Match[label]); err != nil {
			report(at, fmt.Sprintf("does not compile: %v", err))
		}
	}
}
