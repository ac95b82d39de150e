package jsonapi

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Problems reports everything that is wrong with the settings, as the path of
// the field and what is wrong with it. It contacts no server. Observe refuses to
// work with settings that have a problem.
func (s *Source) Problems(report func(path, msg string)) {
	s.urlProblems(report)
	s.Canary.problems("Canary", report)
	zero := s.Baseline == Figures{}
	switch {
	case s.Both && s.CanaryOnly:
		report("CanaryOnly", "is set and so is Both: want one of them")
	case s.CanaryOnly && (!zero || s.BaselineURL != ""):
		report("CanaryOnly", "is set, but so is something for the baseline")
	case s.Both && s.BaselineURL != "":
		report("BaselineURL", "is set and so is Both, which asks one URL")
	case s.Both && zero:
		report("Baseline", "is empty: where one answer has Both, it must say where the baseline's figures are")
	case s.Both && s.Baseline == s.Canary:
		report("Baseline", "is the same as Canary: the canary would be compared with itself")
	}
	if !zero {
		s.Baseline.problems("Baseline", report)
		if (s.Baseline.Value != Figure{}) != (s.Canary.Value != Figure{}) {
			report("Baseline", "has a value where Canary has counts, or the other way round: they can't be compared")
		}
	}
	if p, err := newPointer(s.Refusal); err != nil {
		report("Refusal", err.Error())
	} else if s.Refusal != "" && len(p) == 0 {
		report("Refusal", errPointer.Error())
	}
	if s.TLS != nil && s.Transport != nil {
		report("TLS", "is set and so is Transport, which would ignore it: configure TLS there")
	}
	if s.Timeout < 0 {
		report("Timeout", fmt.Sprintf("is negative (%v)", s.Timeout))
	}
	if s.MaxBody < 0 {
		report("MaxBody", fmt.Sprintf("is negative (%d)", s.MaxBody))
	}
}

// urlProblems tries the URLs out on two made-up windows, to see what they depend
// on.
func (s *Source) urlProblems(report func(path, msg string)) {
	if s.URL == "" {
		report("URL", "is empty: there is nobody to ask")
		return
	}
	first := analysis.Window{
		Start: time.Unix(1893456000, 0), End: time.Unix(1893456010, 0), Wave: 1,
		Canary:   analysis.Arm{Version: "canary-version", Members: []analysis.Member{{Name: "canary-member"}}},
		Baseline: analysis.Arm{Version: "baseline-version", Members: []analysis.Member{{Name: "baseline-member"}}},
	}
	second := first
	second.Start, second.End = first.End, first.End.Add(time.Minute)

	ofCanary, ok := tryAddress("URL", s.URL, canary, first, report)
	if !ok {
		return
	}
	if later, _ := tryAddress("URL", s.URL, canary, second, ignore); later == ofCanary && s.Canary.Value == (Figure{}) {
		report("URL", "asks the same whatever the window, so every event would be counted again and again: put {{.Start}} and {{.End}} in it")
	}
	if s.Both || s.CanaryOnly {
		return
	}
	field, source := "URL", s.URL
	if s.BaselineURL != "" {
		field, source = "BaselineURL", s.BaselineURL
	}
	ofBaseline, ok := tryAddress(field, source, baseline, first, report)
	if !ok {
		return
	}
	if ofBaseline == ofCanary && (s.Baseline == Figures{} || s.Baseline == s.Canary) {
		report(field, "asks the same of the canary and of the baseline: put {{.Version}} or {{.Members \",\"}} in it, or say where in one answer Both are")
	}
	if later, _ := tryAddress(field, source, baseline, second, ignore); field == "BaselineURL" && later == ofBaseline && s.Canary.Value == (Figure{}) {
		report(field, "asks the same whatever the window, so every event would be counted again and again: put {{.Start}} and {{.End}} in it")
	}
}

func tryAddress(field, source string, about arm, w analysis.Window, report func(path, msg string)) (string, bool) {
	a, err := parseAddress(field, source)
	if err == nil {
		var url string
		if url, err = a.render(w, about); err == nil {
			if _, err := parseAddress(field, url); err == nil {
				return url, true
			}
			err = errAddress
		} else {
			err = fmt.Errorf("can't be filled in: %w", err)
		}
	}
	report(field, err.Error())
	return "", false
}

func ignore(string, string) {}

// wrong joins what Problems finds.
func (s *Source) wrong() error {
	var wrong []error
	s.Problems(func(path, msg string) {
		wrong = append(wrong, fmt.Errorf("jsonapi: Source.%s %s", path, msg))
	})
	return errors.Join(wrong...)
}
