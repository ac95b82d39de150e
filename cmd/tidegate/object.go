package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A field is one field of a JSON object.
type field struct {
	name  string
	path  string // from the top, such as canary.events
	value json.RawMessage
}

// document reads the fields of the one object that data is.
func document(data []byte) ([]field, error) {
	if !utf8.Valid(data) {
		return nil, badf("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	var all json.RawMessage
	switch err := dec.Decode(&all); {
	case errors.Is(err, io.EOF):
		return nil, badf("empty: want an object")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, badf("not JSON: it ends too soon")
	case err != nil:
		return nil, badf("not JSON: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badf("something is behind the end of the object")
	}
	return fields("", all)
}

// fields reads the fields of an object, in order. Unlike encoding/json it takes
// names as they are written, and none twice.
func fields(path string, object json.RawMessage) (all []field, err error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, wrong(path, object, "an object")
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		f := field{name: name, path: name}
		if path != "" {
			f.path = path + "." + name
		}
		if seen[name] {
			return nil, badf("%s is there twice", shown(f.path))
		}
		seen[name] = true
		if err := dec.Decode(&f.value); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// wrong is the error of a value that is not what is wanted.
func wrong(path string, value json.RawMessage, want string) error {
	if path != "" {
		path = shown(path) + " "
	}
	return badf("%sis %s: want %s", path, shown(string(value)), want)
}

func (f field) wrong(want string) error { return wrong(f.path, f.value, want) }

func (f field) unknown(known string) error {
	return badf("unknown field %s: want %s", strconv.Quote(short(f.path)), known)
}

// text reads a string.
func (f field) text() (s string, err error) {
	if f.value[0] != '"' || json.Unmarshal(f.value, &s) != nil {
		return "", f.wrong("text")
	}
	return s, nil
}

// flag reads a bool.
func (f field) flag() (bool, error) {
	switch string(f.value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, f.wrong("true or false")
}

// count reads a whole number.
func (f field) count() (uint64, error) {
	n, err := strconv.ParseUint(string(f.value), 10, 64)
	if err != nil {
		return 0, f.wrong("a whole number, 0 or more")
	}
	return n, nil
}

// number reads a number. There is none for NaN and the infinities.
func (f field) number() (float64, error) {
	if c := f.value[0]; c == '-' || c >= '0' && c <= '9' {
		if v, err := strconv.ParseFloat(string(f.value), 64); err == nil {
			return v, nil
		}
	}
	return 0, f.wrong("a finite number")
}

// shown makes what comes from outside fit to be read: short, and on one line.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, short(s))
}

func short(s string) string {
	const most = 60
	if r := []rune(s[:min(len(s), utf8.UTFMax*(most+1))]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
