package main

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/analysis"
)

// An arm is one side of a pair.
type arm struct {
	kind   armKind
	sample analysis.Sample // of counts, a value and buckets
	values []float64       // NaN where there is none
}

// armKind says in words what an arm has.
type armKind string

const (
	nothing armKind = "nothing"
	counts  armKind = "counts"
	value   armKind = "a value"
	buckets armKind = "a histogram"
	values  armKind = "values"
)

// armForms are the ways to write an arm.
const armForms = `{"events":n,"total":n}, {"value":x}, {"buckets":{"0.1":n,…}} or {"values":[…]}`

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
			a.sample, err = f.buckets()
		default:
			err = f.unknown("events and total, value, buckets, or values")
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
	case len(has) == 1 && has["buckets"]:
		a.kind = buckets
	case len(has) == 1 && has["values"]:
		a.kind = values
	case len(has) > 0:
		return arm{}, f.wrong(armForms)
	}
	return a, nil
}

// buckets reads a histogram, by the rules of the library.
func (f field) buckets() (s analysis.Sample, err error) {
	all, err := fields(f.path, f.value)
	if err != nil {
		return s, err
	}
	for _, b := range all {
		if _, err := b.count(); err != nil {
			return s, err
		}
	}
	text, err := json.Marshal(map[string]json.RawMessage{"buckets": f.value})
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, badf("%s: the %s", f.path, strings.TrimPrefix(err.Error(), "analysis: "))
	}
	return s, nil
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
