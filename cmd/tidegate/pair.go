package main

import (
	"encoding/json"
	"slices"
	"strconv"
)

// A pair is what both sides of a comparison have.
type pair struct{ canary, baseline arm }

// A namedPair is that of a slice or a metric.
type namedPair struct {
	name string
	pair
}

// A namedArm is an arm with what it is called.
type namedArm struct {
	name string
	arm
}

func (p pair) arms() []namedArm {
	return []namedArm{{"canary", p.canary}, {"baseline", p.baseline}}
}

// slices reads an array of {"name":…,"canary":{…},"baseline":{…}}.
func (f field) slices() (all []namedPair, err error) {
	var list []json.RawMessage
	if f.value[0] != '[' || json.Unmarshal(f.value, &list) != nil {
		return nil, f.wrong(`an array of {"name":…,"canary":{…},"baseline":{…}}`)
	}
	seen := map[string]bool{}
	for i, value := range list {
		one, err := field{path: f.path + "[" + strconv.Itoa(i) + "]", value: value}.slice()
		switch {
		case err != nil:
			return nil, err
		case one.name == "":
			return nil, badf("%s[%d] has no name", f.path, i)
		case seen[one.name]:
			return nil, badf("%s[%d] is the second with the name %s", f.path, i, strconv.Quote(short(one.name)))
		}
		seen[one.name] = true
		all = append(all, one)
	}
	return all, nil
}

func (f field) slice() (one namedPair, err error) {
	all, err := fields(f.path, f.value)
	if err != nil {
		return one, err
	}
	for i, f := range all {
		if f.name == "name" {
			if one.name, err = f.text(); err != nil {
				return one, err
			}
			all = slices.Delete(all, i, i+1)
			break
		}
	}
	one.pair, err = pairOf(all, "name, canary or baseline")
	return one, err
}

// metrics reads {"name":{"canary":{…},"baseline":{…}},…}.
func (f field) metrics() (all []namedPair, err error) {
	metrics, err := fields(f.path, f.value)
	if err != nil {
		return nil, err
	}
	for _, m := range metrics {
		sides, err := fields(m.path, m.value)
		if err != nil {
			return nil, err
		}
		one := namedPair{name: m.name}
		if one.pair, err = pairOf(sides, "canary or baseline"); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// pairOf reads the arms among the fields, beside which there may be nothing.
func pairOf(all []field, known string) (p pair, err error) {
	p = pair{arm{kind: nothing}, arm{kind: nothing}}
	for _, f := range all {
		switch f.name {
		case "canary":
			p.canary, err = f.arm()
		case "baseline":
			p.baseline, err = f.arm()
		default:
			err = f.unknown(known)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}
