package main

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// A record is what one line says.
type record struct {
	trial            string
	time             *time.Time
	canary, baseline arm
	err              string
	config           json.RawMessage // nil without one
}

// An arm is one side of a record.
type arm struct {
	kind   armKind
	sample analysis.Sample // of counts and of a value
	values []float64       // NaN where there is none
}

// A namedArm is an arm with what it is called.
type namedArm struct {
	name string
	arm
}

func (r record) arms() []namedArm {
	return []namedArm{{"canary", r.canary}, {"baseline", r.baseline}}
}

// armKind says in words what an arm has.
type armKind string

const (
	nothing armKind = "nothing"
	counts  armKind = "counts"
	value   armKind = "a value"
	values  armKind = "values"
)

const (
	recordFields = "time, trial, canary, baseline, error or config"
	armForms     = `{"events":n,"total":n}, {"value":x} or {"values":[…]}`
)

// parse reads a line.
func parse(text []byte) (record, error) {
	r := record{canary: arm{kind: nothing}, baseline: arm{kind: nothing}}
	all, err := document(text)
	if err != nil {
		return r, err
	}
	for _, f := range all {
		switch f.name {
		case "time":
			r.time, err = f.time()
		case "trial":
			r.trial, err = f.text()
		case "canary":
			r.canary, err = f.arm()
		case "baseline":
			r.baseline, err = f.arm()
		case "error":
			r.err, err = f.text()
		case "config":
			r.config = f.value
		default:
			err = f.unknown(recordFields)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

func (f field) time() (*time.Time, error) {
	var t time.Time
	if s, err := f.text(); err != nil || t.UnmarshalText([]byte(s)) != nil {
		return nil, f.wrong(`an RFC 3339 time, such as "2026-01-02T15:04:05Z"`)
	}
	return &t, nil
}

func (f field) arm() (arm, error) {
	all, err := fields(f.path, f.value)
	if err != nil {
		return arm{}, err
	}
	var events, total uint64
	var v float64
	a := arm{kind: nothing}
	has := map[string]bool{}
	for _, f := range all {
		switch f.name {
		case "events":
			events, err = f.count()
		case "total":
			total, err = f.count()
		case "value":
			v, err = f.number()
		case "values":
			a.values, err = f.values()
		case "buckets":
			err = badf("%s: buckets are not supported yet by the judges: want %s", f.path, armForms)
		default:
			err = f.unknown("events and total, value, or values")
		}
		if err != nil {
			return arm{}, err
		}
		has[f.name] = true
	}
	switch {
	case len(has) == 2 && has["events"] && has["total"]:
		if events > total {
			return arm{}, badf("%s has %d events among a total of %d", f.path, events, total)
		}
		a.kind, a.sample = counts, analysis.Counts(events, total)
	case len(has) == 1 && has["value"]:
		a.kind, a.sample = value, analysis.Gauge(v)
	case len(has) == 1 && has["values"]:
		a.kind = values
	case len(has) > 0:
		return arm{}, f.wrong(armForms)
	}
	return a, nil
}

// values reads an array of numbers and nulls.
func (f field) values() ([]float64, error) {
	if f.value[0] != '[' {
		return nil, f.wrong("an array of numbers, with null for NaN")
	}
	all := []float64{}
	for s := range elements(f.value) {
		if s == "null" {
			all = append(all, math.NaN())
			continue
		}
		e := field{path: f.path + "[" + strconv.Itoa(len(all)) + "]", value: json.RawMessage(s)}
		v, err := e.number()
		if err != nil {
			return nil, e.wrong("a finite number, or null for NaN")
		}
		all = append(all, v)
	}
	return all, nil
}

// elements yields the elements of a JSON array as they are written, up to the first
// one that has a comma inside.
func elements(array json.RawMessage) iter.Seq[string] {
	return func(yield func(string) bool) {
		rest := bytes.TrimSpace(array[1 : len(array)-1])
		for len(rest) > 0 {
			before, after, _ := bytes.Cut(rest, []byte(","))
			if !yield(strings.TrimSpace(string(before))) {
				return
			}
			rest = after
		}
	}
}
