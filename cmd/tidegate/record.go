package main

import (
	"encoding/json"
	"slices"
	"time"
)

// A record is what one line says.
type record struct {
	trial string
	time  *time.Time
	pair
	err     string
	slices  []namedPair
	metrics []namedPair
	config  json.RawMessage // nil without one
	before  bool
	has     map[string]bool // by the names of fields
}

const recordFields = "time, trial, canary, baseline, slices, before, error, metrics or config"

// parse reads a line.
func parse(text []byte) (record, error) {
	r := record{pair: pair{arm{kind: nothing}, arm{kind: nothing}}, has: map[string]bool{}}
	all, err := document(text)
	if err != nil {
		return r, err
	}
	for _, f := range all {
		r.has[f.name] = true
		switch f.name {
		case "time":
			r.time, err = f.time()
		case "trial":
			r.trial, err = f.text()
		case "canary":
			r.canary, err = f.arm()
		case "baseline":
			r.baseline, err = f.arm()
		case "slices":
			r.slices, err = f.slices()
		case "before":
			r.before, err = f.flag()
		case "error":
			r.err, err = f.text()
		case "metrics":
			r.metrics, err = f.metrics()
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

// forJudges says which judge takes the fields that not all of them do.
var forJudges = map[string]string{
	"slices":  "slices are for --judge notworse, above, below and within",
	"before":  "before is for --judge notworse only",
	"metrics": "metrics are for --judge kayenta with a canary config only",
	"config":  "config is for --judge kayenta only",
}

// only refuses a record with a field that the judge does not take.
func (r record) only(taken ...string) error {
	for _, name := range []string{"slices", "before", "metrics", "config"} {
		if r.has[name] && !slices.Contains(taken, name) {
			return badf("%s", forJudges[name])
		}
	}
	return nil
}

func (f field) time() (*time.Time, error) {
	var t time.Time
	if s, err := f.text(); err != nil || t.UnmarshalText([]byte(s)) != nil {
		return nil, f.wrong(`an RFC 3339 time, such as "2026-01-02T15:04:05Z"`)
	}
	return &t, nil
}
