package promql

import (
	"math"
	"time"
)

// forgetAfter is how long a series is remembered that brings no samples while others
// of its target do.
const forgetAfter = time.Hour

// mark is the sample up to which a series has been counted.
type mark struct {
	at     time.Time
	value  float64
	target string
}

// marks are those of the series of one selector, by their labels.
type marks map[string]mark

// tally is how far the series of one selector have been counted.
type tally struct {
	selector string
	marks    marks
}

// targetOf tells from which target a series was scraped, empty if it does not say.
func targetOf(s Series) string {
	if s.Labels["instance"] == "" {
		return ""
	}
	return s.Labels["job"] + "\x00" + s.Labels["instance"]
}

// standing is how long a target with samples has been there.
type standing uint8

const (
	newcomer standing = iota // since the window began
	present                  // before the window began
	counted                  // in the last window, which counted some series of it
)

// standings are those of the targets of an arm.
type standings map[string]standing

// add notes from where the series of a result are. Last is how far they were counted
// in the last window.
func (all standings) add(r reply, last tally, start time.Time) {
	for _, s := range r.result {
		if target := targetOf(s); target != "" {
			all[target] = max(all[target], newcomer)
			if _, ok := last.marks.before(s, start); ok {
				all[target] = max(all[target], present)
			}
		}
	}
	for _, m := range last.marks {
		if _, here := all[m.target]; here && last.selector == r.text {
			all[m.target] = counted
		}
	}
}

// before returns the last sample at or before the window's start, or up to which the
// series has been counted. It is false if there is neither.
func (m marks) before(s Series, start time.Time) (mark, bool) {
	from, ok := m[s.String()]
	if ok {
		return from, true
	}
	for _, p := range s.Points {
		if p.At.After(start) {
			break
		}
		if !math.IsNaN(p.Value) {
			from, ok = mark{at: p.At, value: p.Value}, true
		}
	}
	return from, ok
}

// from returns the sample from which on a series counts. It is NaN if that is the
// first one to come.
func (m marks) from(s Series, start time.Time, of standing) mark {
	if _, ok := m[s.String()]; !ok && of == counted {
		return mark{} // it would have been seen in the last window
	}
	from, ok := m.before(s, start)
	if !ok && of == newcomer {
		from.value = math.NaN()
	}
	return from
}

// count returns how far the series of a reply moved in the window, by the value of a
// label, and the tally to go on with. Last is that of the last window, which stays as
// it is. Series that the selector no longer matches, or whose target brings no
// samples, are forgotten: they have been out of the arm, or out of sight for long.
func (last tally) count(r reply, start, end time.Time, by string, targets standings) (values, tally, error) {
	here := make(map[string]bool, len(r.result))
	for _, s := range r.result {
		here[s.String()] = true
	}
	next := tally{selector: r.text, marks: make(marks)}
	for name, m := range last.marks {
		_, seen := targets[m.target]
		if here[name] || seen && last.selector == r.text && end.Sub(m.at) <= forgetAfter {
			next.marks[name] = m
		}
	}
	all, err := next.marks.count(r.result, start, end, by, targets)
	return all, next, err
}

// count returns how far the series of a result moved in the window, by the value of a
// label, and moves their marks.
func (m marks) count(result []Series, start, end time.Time, by string, targets standings) (values, error) {
	if len(result) == 0 {
		return nil, errNoSeries
	}
	bySlice := map[string][]Series{"": result}
	if by != "" {
		var err error
		if bySlice, err = group(result, by); err != nil {
			return nil, err
		}
	}
	all := make(values, len(bySlice))
	for name, series := range bySlice {
		all[name] = 0
		for _, s := range series {
			moved, to := advance(s.Points, m.from(s, start, targets[targetOf(s)]), end)
			all[name] += moved
			if !math.IsNaN(to.value) {
				to.target = targetOf(s)
				m[s.String()] = to
			}
		}
	}
	return all, nil
}

// advance returns how far a counter moved from a mark on, and the mark of its last
// sample up to the end. A value that is lower than the one before is a restart, and
// counts from zero.
func advance(points []Point, from mark, end time.Time) (moved float64, to mark) {
	for _, p := range points {
		switch {
		case !p.At.After(from.at) || p.At.After(end) || math.IsNaN(p.Value):
			continue
		case math.IsNaN(from.value):
		case p.Value < from.value:
			moved += p.Value
		default:
			moved += p.Value - from.value
		}
		from = mark{at: p.At, value: p.Value}
	}
	return moved, from
}
