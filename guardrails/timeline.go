package guardrails

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"
)

const (
	// calendarHorizon is how far a Calendar looks ahead.
	calendarHorizon = 400 * day
	// maxSpans bounds how often all windows of a Calendar may come within it.
	maxSpans = 200_000
)

// span is a time from its first moment to before its last, and the event that it is
// of; in a timeline's free spans, the event whose time zone to speak of it in.
type span struct {
	from, to time.Time
	event    *event
}

// timeline is when a Calendar is open, from some moment to the horizon.
type timeline struct {
	from, to time.Time
	free     []span // in order, apart from each other
	frozen   []span // in order of their beginnings
}

// newTimeline lays out the windows. Without an open window all time is open.
func newTimeline(open, frozen []*event, from time.Time) (*timeline, error) {
	t := &timeline{from: from, to: from.Add(calendarHorizon)}
	allowed := []span{{from: t.from, to: t.to}}
	if len(open) > 0 {
		var err error
		if allowed, err = layOut(open, t.from, t.to); err != nil {
			return nil, err
		}
	}
	var err error
	if t.frozen, err = layOut(frozen, t.from, t.to); err != nil {
		return nil, err
	}
	t.free = without(joined(allowed), joined(t.frozen))
	return t, nil
}

// layOut returns the spans of all events, in order of their beginnings.
func layOut(events []*event, from, to time.Time) (all []span, err error) {
	for _, e := range events {
		if all = e.spans(all, from, to); len(all) > maxSpans {
			return nil, fmt.Errorf("the windows come more than %d times in %d days", maxSpans, calendarHorizon/day)
		}
	}
	slices.SortStableFunc(all, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	return all, nil
}

// joined makes one of spans that overlap or touch.
func joined(spans []span) (all []span) {
	for _, s := range spans {
		if n := len(all); n > 0 && !s.from.After(all[n-1].to) {
			if s.to.After(all[n-1].to) {
				// What ends there is the later one; only its end is asked for.
				all[n-1].to = s.to
			}
			continue
		}
		all = append(all, s)
	}
	return all
}

// without takes the frozen spans out of the open ones. Both are joined.
func without(open, frozen []span) (all []span) {
	for _, o := range open {
		for len(frozen) > 0 && !frozen[0].to.After(o.from) {
			frozen = frozen[1:]
		}
		for _, f := range frozen {
			if !f.from.Before(o.to) {
				break
			}
			if f.from.After(o.from) {
				all = append(all, span{o.from, f.from, o.event})
			}
			if o.from = f.to; o.event == nil {
				o.event = f.event
			}
		}
		if o.from.Before(o.to) {
			all = append(all, o)
		}
	}
	return all
}

// next returns the first moment from at on when it is open and stays so for long
// enough, and until when it then does. Without one before the horizon ok is false.
func (t *timeline) next(at time.Time, long time.Duration) (s span, ok bool) {
	i := sort.Search(len(t.free), func(i int) bool { return t.free[i].to.After(at) })
	for _, s := range t.free[i:] {
		if s.from.Before(at) {
			s.from = at
		}
		if s.to.Sub(s.from) >= long {
			return s, true
		}
	}
	return span{}, false
}

// frozenAt returns the names of what is frozen.
func (t *timeline) frozenAt(at time.Time) (names []string) {
	for _, f := range t.frozen {
		if f.from.After(at) {
			break
		}
		if at.Before(f.to) {
			names = append(names, cmp.Or(f.event.name, "a freeze without a name"))
		}
	}
	return names
}
