package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// flagsOf are the flags that each judge knows, by their fields.
var flagsOf = map[string][]string{
	"notworse":    {"Detect", "Tolerate", "Negligible", "Alpha", "Beta", "Horizon", "LowerIsWorse", "PerSlice"},
	"above":       {"Limit", "Failures", "Consecutive", "MinSamples", "PerSlice"},
	"below":       {"Limit", "Failures", "Consecutive", "MinSamples", "PerSlice"},
	"within":      {"Min", "Max", "Failures", "Consecutive", "MinSamples", "PerSlice"},
	"kayenta":     {"Config", "Pass", "Marginal"},
	"mannwhitney": {"Alpha", "Alternative"},
}

// groups are the headings of the flags in --help.
var groups = kong.ExplicitGroups([]kong.Group{
	{Key: "notworse", Title: "notworse"},
	{Key: "limits", Title: "above, below, within"},
	{Key: "slices", Title: "notworse, above, below, within"},
	{Key: "prometheus", Title: "in place of FILE"},
	{Key: "ranks", Title: "kayenta, mannwhitney"},
})

// checkFlags refuses flags that the judge would not look at, and zeros that the
// library would take for a default.
func (a analyze) checkFlags() error {
	if err := a.checkInput(); err != nil {
		return err
	}
	v := reflect.ValueOf(a)
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		if field.Kind() != reflect.Pointer || field.IsNil() {
			continue
		}
		if !slices.Contains(flagsOf[a.Judge], name) {
			return badf("%s is not for --judge %s, which has %s", flagName(name), a.Judge, flagNames(flagsOf[a.Judge]))
		}
		if field.Elem().IsZero() && slices.Contains([]string{"Detect", "Tolerate", "Alpha", "Beta", "Horizon", "MinSamples"}, name) {
			return badf("%s is 0: want more", flagName(name))
		}
	}
	return nil
}

// checkInput wants one place from which the series come.
func (a analyze) checkInput() error {
	p := reflect.ValueOf(a.Prometheus)
	for i := range p.NumField() {
		if name := p.Type().Field(i).Name; a.Prometheus.URL == nil && !p.Field(i).IsZero() {
			return badf("%s is for --from-prometheus", flagName(name))
		}
	}
	switch {
	case a.File != "" && a.Prometheus.URL != nil:
		return badf("there is a FILE and --from-prometheus: want one of them")
	case a.File == "" && a.Prometheus.URL == nil:
		return badf("want a FILE (- is stdin), or --from-prometheus")
	}
	return nil
}

// flagName is the flag of a field, such as --min-samples.
func flagName(field string) string {
	var b strings.Builder
	b.WriteString("-")
	for _, r := range field {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func flagNames(fields []string) string {
	var names []string
	for _, f := range fields {
		names = append(names, flagName(f))
	}
	return strings.Join(names, ", ")
}

// flagProblems makes an error of all problems of a judge, nil if there are none.
// Rename says by which flag a setting goes, where it isn't its own.
func flagProblems(judge interface {
	Problems(report func(path, msg string))
}, rename string) error {
	var all []string
	judge.Problems(func(path, msg string) {
		if rename != "" && (path == "Min" || path == "Max") {
			path = rename
		}
		all = append(all, flagName(path)+" "+msg)
	})
	if len(all) == 0 {
		return nil
	}
	return badf("%s", strings.Join(all, "; "))
}
