package planfile

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxCount is the most that a count may be: more is a slip of the pen.
const maxCount = 1_000_000_000

// scalar returns the text of a value with its variables filled in.
func (s *Section) scalar(n *yaml.Node, path, want string) (string, bool) {
	switch {
	case n == nil:
		return "", false
	case isNull(n):
		s.fault(n, path, "has no value: leave it out, or fill in %s", want)
		return "", false
	case n.Kind != yaml.ScalarNode:
		s.fault(n, path, "want %s, and found %s", want, nounOf(n))
		return "", false
	}
	ok := true
	text := fill(n.Value, s.doc.opts.Vars, func(msg string) {
		ok = false
		s.fault(n, path, "%s", msg)
	})
	return text, ok
}

// text is a scalar that is not one of YAML's own words.
func (s *Section) text(n *yaml.Node, path string) (string, bool) {
	if n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
		s.fault(n, path, "want text, and found %s: put it in quotes, if that is meant", n.Value)
		return "", false
	}
	text, ok := s.scalar(n, path, "text")
	if ok && text == "" {
		s.fault(n, path, "is an empty text: leave it out, or fill it in")
	}
	return text, ok && text != ""
}

// read reads a field that is a scalar, and says what is wrong with it.
func read[T any](s *Section, field, want string, parse func(text string) (T, string, error)) (v T) {
	n := s.value(field)
	text, ok := s.scalar(n, s.at(field), want)
	if !ok {
		return v
	}
	got, canonical, err := parse(text)
	if err != nil {
		s.fault(n, s.at(field), "%v", err)
		return v
	}
	s.write(field, func() *yaml.Node { return scalarNode(canonical) })
	return got
}

// Text reads a text. A number is taken as it is written, so that a version such as 1.10
// stays one.
func (s *Section) Text(field string) string {
	text, ok := s.text(s.value(field), s.at(field))
	if ok {
		s.write(field, func() *yaml.Node { return textNode(literal(text)) })
	}
	return text
}

// Path reads the path of a file. A relative one is taken from the plan file's folder.
func (s *Section) Path(field string) string { return s.doc.path(s.Text(field)) }

// Flag reads true or false.
func (s *Section) Flag(field string) bool {
	return read(s, field, "true or false", func(text string) (bool, string, error) {
		if text != "true" && text != "false" {
			return false, "", fmt.Errorf("want true or false, and found %s", brief(text))
		}
		return text == "true", text, nil
	})
}

// Duration reads a duration, such as 90s, 5m or 1h30m. Zero is a fault: it would mean
// the default, and that is what leaving the field out is for.
func (s *Section) Duration(field string) time.Duration {
	return read(s, field, "a duration, such as 5m", duration)
}

// DurationOrNone reads a duration, or the word none, which is returned as -1.
func (s *Section) DurationOrNone(field string) time.Duration {
	return read(s, field, "a duration, such as 5m, or none", func(text string) (time.Duration, string, error) {
		if text == "none" {
			return -1, text, nil
		}
		return duration(text)
	})
}

func duration(text string) (time.Duration, string, error) {
	d, err := parseDuration(text)
	switch {
	case err != nil:
		return 0, "", err
	case d == 0:
		return 0, "", fmt.Errorf("%s is no time at all: leave the field out for the default", brief(text))
	}
	return d, formatDuration(d), nil
}

// Percent reads a percentage above 0% and up to 100%, such as 33%: that is 33.
func (s *Section) Percent(field string) float64 { return s.percent(field, 100) }

// AnyPercent reads a percentage above 0% that may be more than 100%.
func (s *Section) AnyPercent(field string) float64 { return s.percent(field, math.MaxInt32) }

func (s *Section) percent(field string, most float64) float64 {
	return read(s, field, "a percentage, such as 5%", func(text string) (float64, string, error) {
		percent, _, err := percentage(text, most)
		return percent, formatPercent(percent), err
	})
}

// Share reads a percentage above 0% and up to 100% as a share of 1: 1% is 0.01.
func (s *Section) Share(field string) float64 {
	return read(s, field, "a percentage, such as 5%", share)
}

// ShareOrNone reads a Share, or the word none, which is returned as -1.
func (s *Section) ShareOrNone(field string) float64 {
	return read(s, field, "a percentage, such as 0.1%, or none", func(text string) (float64, string, error) {
		if text == "none" {
			return -1, text, nil
		}
		return share(text)
	})
}

func share(text string) (float64, string, error) {
	percent, share, err := percentage(text, 100)
	return share, formatPercent(percent), err
}

func percentage(text string, most float64) (percent, share float64, err error) {
	percent, share, err = parsePercent(text)
	switch {
	case err != nil:
		return 0, 0, err
	case percent <= 0:
		return 0, 0, fmt.Errorf("%s is nothing: want more, or leave the field out", brief(text))
	case percent > most:
		return 0, 0, fmt.Errorf("%s is more than %s", brief(text), formatPercent(most))
	}
	return percent, share, nil
}

// Figure reads a number, or a percentage as a share of 1: 250 is 250, and 95% is 0.95.
// It is nil if the field is not there.
func (s *Section) Figure(field string) *float64 {
	return read(s, field, "a number, such as 250, or a percentage, such as 95%", func(text string) (*float64, string, error) {
		if strings.HasSuffix(text, "%") {
			percent, share, err := parsePercent(text)
			return &share, formatPercent(percent), err
		}
		v, canonical, err := number(text)
		return &v, canonical, err
	})
}

// Number reads a number.
func (s *Section) Number(field string) float64 { return read(s, field, "a number", number) }

func number(text string) (float64, string, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || strings.ContainsAny(text, "xX_") {
		return 0, "", fmt.Errorf("want a number, such as 2 or 0.5, and found %s", brief(text))
	}
	return v, formatNumber(v), nil
}

// Count reads a whole number, which may not be less than least.
func (s *Section) Count(field string, least int) int {
	return read(s, field, "a whole number", func(text string) (int, string, error) { return count(text, least) })
}

func count(text string, least int) (int, string, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > maxCount {
		return 0, "", fmt.Errorf("want a whole number from %d to %d, and found %s", least, maxCount, brief(text))
	}
	return n, strconv.Itoa(n), nil
}

// Whole reads a whole number of any size, such as one that counts releases.
func (s *Section) Whole(field string) uint64 {
	return read(s, field, "a whole number", func(text string) (uint64, string, error) {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return 0, "", fmt.Errorf("want a whole number, 0 or more, and found %s", brief(text))
		}
		return n, strconv.FormatUint(n, 10), nil
	})
}

// Time reads a time, such as 2026-07-01T12:00:00Z (RFC 3339).
func (s *Section) Time(field string) time.Time {
	return read(s, field, "a time, such as 2026-07-01T12:00:00Z", func(text string) (time.Time, string, error) {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil || t.IsZero() {
			return time.Time{}, "", fmt.Errorf("want a time with its zone, such as 2026-07-01T12:00:00Z, and found %s", brief(text))
		}
		return t, t.Format(time.RFC3339Nano), nil
	})
}

// Word reads one of the words.
func (s *Section) Word(field string, words ...string) string {
	return read(s, field, "one of "+strings.Join(words, ", "), func(text string) (string, string, error) {
		if !slices.Contains(words, text) {
			return "", "", fmt.Errorf("%s is not one of %s", brief(text), strings.Join(words, ", "))
		}
		return text, text, nil
	})
}

// wordOf reads a word of a type that knows its own.
func wordOf(s *Section, field string, into encoding.TextUnmarshaler, words ...string) {
	if word := s.Word(field, words...); word != "" {
		if err := into.UnmarshalText([]byte(word)); err != nil {
			s.Fault(field, "%v", err)
		}
	}
}

// Texts reads a list of texts.
func (s *Section) Texts(field string) (all []string) {
	for i, n := range s.list(field) {
		at := fmt.Sprintf("%s[%d]", field, i)
		s.doc.places.add(s.plan+"."+planName(at), s.at(at), n)
		if text, ok := s.text(n, s.at(at)); ok {
			all = append(all, text)
		}
	}
	if all != nil {
		s.write(field, func() *yaml.Node { return textsNode(all) })
	}
	return all
}

// TextOrTexts reads a list of texts, or one that stands for itself.
func (s *Section) TextOrTexts(field string) []string {
	if n := s.lookup(field); n != nil && n.Kind == yaml.ScalarNode {
		if text := s.Text(field); text != "" {
			return []string{text}
		}
		return nil
	}
	return s.Texts(field)
}

// Program reads a program and its arguments: a list, which no shell ever sees. It is
// returned as it is written.
func (s *Section) Program(field string) []string {
	if n := s.value(field); n != nil && n.Kind == yaml.ScalarNode && !isNull(n) {
		s.Fault(field, "want a program and its arguments as a list, [./deploy.sh, \"{target}\"], and found %s", nounOf(n))
		return nil
	}
	return s.Texts(field)
}

// Labels reads names with a text each.
func (s *Section) Labels(field string) map[string]string {
	n := s.value(field)
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.MappingNode:
		s.Fault(field, "want names with a value each, {region: eu-1}, and found %s", nounOf(n))
		return nil
	}
	all := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		if text, ok := s.text(n.Content[i+1], under(s.at(field), name)); ok {
			all[name] = text
		}
	}
	if len(all) == 0 {
		return nil
	}
	s.write(field, func() *yaml.Node {
		out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			out.Content = append(out.Content, textNode(name), textNode(literal(all[name])))
		}
		return out
	})
	return all
}

func scalarNode(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }
