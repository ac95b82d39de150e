package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
)

// maxShown is how much is shown of what a program printed, in bytes.
const maxShown = 120

// errSilent means that the program had nothing to say.
var errSilent = fmt.Errorf("%w: the program printed nothing", analysis.ErrNoData)

// parseNumber reads the one number that was printed.
func parseNumber(out []byte) (float64, error) {
	text := string(bytes.TrimSpace(out))
	if text == "" {
		return 0, errSilent
	}
	value, err := strconv.ParseFloat(text, 64)
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("%w: the program printed %s, which is no number (a division by zero?)", analysis.ErrNoData, excerpt(out))
	}
	if err != nil || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, fmt.Errorf("the program printed %s: want one number", excerpt(out))
	}
	return value, nil
}

// parseReport reads the one report that was printed. It is strict: encoding/json
// passes over what it does not know, and a misspelt field would be no error.
func parseReport(out []byte) (analysis.Observation, error) {
	var o analysis.Observation
	if len(bytes.TrimSpace(out)) == 0 {
		return o, errSilent
	}
	var printed struct{ Canary, Baseline json.RawMessage }
	if err := fields(out, map[string]*json.RawMessage{canary: &printed.Canary, baseline: &printed.Baseline}); err != nil {
		return o, fmt.Errorf(`the program printed %s: %w; want {"canary":…,"baseline":…}`, excerpt(out), err)
	}
	var err error
	if o.Canary, err = parseSample(printed.Canary); err != nil {
		return analysis.Observation{}, fmt.Errorf("the canary: %w", err)
	}
	if o.Baseline, err = parseSample(printed.Baseline); err != nil {
		return analysis.Observation{}, fmt.Errorf("the baseline: %w", err)
	}
	switch {
	case o.Canary.Kind == analysis.NoData:
		return analysis.Observation{}, fmt.Errorf("%w: the report has nothing on the canary", analysis.ErrNoData)
	case o.Baseline.Kind != analysis.NoData && o.Baseline.Kind != o.Canary.Kind:
		return analysis.Observation{}, errors.New("the report has a count for one arm and a value for the other, which can't be compared")
	}
	return o, nil
}

// parseSample reads what was printed about one arm, which may be nothing.
func parseSample(text json.RawMessage) (analysis.Sample, error) {
	if text == nil || string(text) == "null" {
		return analysis.Sample{}, nil
	}
	var ignored json.RawMessage
	if err := fields(text, map[string]*json.RawMessage{"events": &ignored, "total": &ignored, "value": &ignored}); err != nil {
		return analysis.Sample{}, fmt.Errorf(`%s: %w; want {"events":n,"total":n} or {"value":x}`, excerpt(text), err)
	}
	var s analysis.Sample
	if err := json.Unmarshal(text, &s); err != nil {
		return analysis.Sample{}, err
	}
	return s, nil
}

// fields reads an object that has some of the known fields, each once, and is
// followed by nothing.
func fields(text []byte, known map[string]*json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return errors.New("no JSON object")
	}
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return fmt.Errorf("malformed JSON: %w", err)
		}
		name, _ := token.(string)
		field, ok := known[name]
		switch {
		case !ok:
			return fmt.Errorf("unknown field %s", excerpt([]byte(name)))
		case seen[name]:
			return fmt.Errorf("the field %q is there twice", name)
		}
		seen[name] = true
		if err := dec.Decode(field); err != nil {
			return fmt.Errorf("malformed JSON: %w", err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("malformed JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more after the JSON object")
	}
	return nil
}

// excerpt quotes the start of what was printed, on one line.
func excerpt(text []byte) string {
	text = bytes.TrimSpace(text)
	if len(text) > maxShown {
		return strconv.Quote(string(text[:maxShown])) + "…"
	}
	return strconv.Quote(string(text))
}
