package guardrails

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// icsEvent is a VEVENT as it is written.
type icsEvent struct {
	line                         int
	start, end, duration, repeat *icsLine
	except                       []icsLine
	summary                      string
	seen                         map[string]bool
	cancelled                    bool
}

// take takes a line of the event.
func (e *icsEvent) take(l icsLine) error {
	if e.seen == nil {
		e.seen = map[string]bool{}
	}
	again := e.seen[l.name]
	e.seen[l.name] = true
	switch l.name {
	case "DTSTART":
		e.start = &l
	case "DTEND":
		e.end = &l
	case "DURATION":
		e.duration = &l
	case "RRULE":
		e.repeat = &l
	case "EXDATE":
		e.except = append(e.except, l)
		return nil
	case "SUMMARY":
		e.summary = plainText(icsText.Replace(l.value))
	case "STATUS":
		switch strings.ToUpper(l.value) {
		case "CONFIRMED":
		case "CANCELLED":
			e.cancelled = true
		default:
			return fmt.Errorf("is %q, which is neither yes nor no: want CONFIRMED or CANCELLED", l.value)
		}
	default:
		if !isSilent(l.name) {
			return errors.New("it is not understood")
		}
		return nil
	}
	if again {
		return errors.New("it is there twice")
	}
	return nil
}

// icsText takes the escapes out of a text.
var icsText = strings.NewReplacer(`\\`, `\`, `\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";")

// icsTime is a DATE or a DATE-TIME.
type icsTime struct {
	day, second int
	zone        *time.Location
	date        bool // it is a DATE
	utc         bool
}

func (t icsTime) instant() time.Time { return instant(t.zone, t.day, t.second) }

// icsZones loads time zones, each once.
type icsZones struct {
	local  string
	loaded map[string]*time.Location
}

func (z *icsZones) load(name string) (*time.Location, error) {
	if zone := z.loaded[name]; zone != nil {
		return zone, nil
	}
	zone, err := zoneNamed(name)
	if err != nil {
		return nil, err
	}
	if z.loaded == nil {
		z.loaded = map[string]*time.Location{}
	}
	z.loaded[name] = zone
	return zone, nil
}

// times reads the value of a DTSTART, DTEND or EXDATE: one or several times.
func (z *icsZones) times(l *icsLine) (all []icsTime, err error) {
	date := false
	for name, value := range l.params {
		switch {
		case name == "TZID":
		case name == "VALUE" && strings.EqualFold(value, "DATE"):
			date = true
		case name == "VALUE" && strings.EqualFold(value, "DATE-TIME"):
		default:
			return nil, fmt.Errorf("its parameter %s=%s is not understood", name, value)
		}
	}
	for _, text := range strings.Split(l.value, ",") {
		t, err := parseICSTime(text)
		if err != nil {
			return nil, err
		}
		tzid, zoned := l.params["TZID"]
		switch {
		case t.date != date:
			return nil, fmt.Errorf("%q does not fit its VALUE: want VALUE=DATE with a date, and only there", text)
		case zoned && (t.utc || t.date):
			return nil, fmt.Errorf("%q does not go with a TZID", text)
		case t.utc:
			t.zone = time.UTC
		case zoned:
			if t.zone, err = z.load(strings.TrimPrefix(tzid, "/")); err != nil {
				return nil, fmt.Errorf("its TZID is %q: %w", tzid, err)
			}
		default:
			if t.zone, err = z.load(z.local); err != nil {
				return nil, fmt.Errorf("%q has no time zone, and that of the calendar is %q: %w", text, z.local, err)
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// parseICSTime reads 20260701, 20260701T120000 or 20260701T120000Z.
func parseICSTime(text string) (t icsTime, err error) {
	bad := fmt.Errorf("%q is no date and no time", text)
	date, clock, timed := strings.Cut(text, "T")
	on, err := time.Parse("20060102", date)
	if err != nil || len(date) != 8 || on.Year() < 1970 || on.Year() > lastYear {
		return t, fmt.Errorf("%w from 1970 to %d", bad, lastYear)
	}
	t.day, t.date = dayOf(on.Date()), !timed
	if !timed {
		return t, nil
	}
	clock, t.utc = strings.CutSuffix(clock, "Z")
	at, err := time.Parse("150405", clock)
	if err != nil || len(clock) != 6 {
		return t, bad
	}
	t.second = at.Hour()*3600 + at.Minute()*60 + at.Second()
	return t, nil
}

// parseICSDuration reads P1W, P1D, PT8H or P1DT8H30M: whole days, and what is on top.
func parseICSDuration(text string) (days int, more time.Duration, err error) {
	bad := fmt.Errorf("%q is no duration such as P1D, PT8H or P1W", text)
	rest, ok := strings.CutPrefix(strings.TrimPrefix(text, "+"), "P")
	date, clock, timed := strings.Cut(rest, "T")
	if !ok || rest == "" || timed && clock == "" {
		return 0, 0, bad
	}
	take := func(s *string, unit string) int {
		digits, after, ok := strings.Cut(*s, unit)
		if !ok {
			return 0
		}
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || n > 1_000_000 {
			*s = "?"
			return 0
		}
		*s = after
		return int(n)
	}
	weeks := take(&date, "W")
	if weeks > 0 && (date != "" || timed) {
		return 0, 0, bad
	}
	days = 7*weeks + take(&date, "D")
	more = time.Duration(take(&clock, "H"))*time.Hour + time.Duration(take(&clock, "M"))*time.Minute + time.Duration(take(&clock, "S"))*time.Second
	if date != "" || clock != "" {
		return 0, 0, bad
	}
	return days, more, nil
}

// longestRepeated is how long an event that comes again and again may be.
const longestRepeated = 366 * day

// compile understands the event. It is nil if it was cancelled, after all else was
// understood.
func (e *icsEvent) compile(zones *icsZones) (*event, error) {
	fail := func(l *icsLine, property string, err error) (*event, error) {
		line := e.line
		if l != nil {
			line = l.number
		}
		return nil, &ICalendarError{Line: line, Property: property, Msg: err.Error()}
	}
	if e.start == nil {
		return fail(nil, "DTSTART", errors.New("the event has none"))
	}
	start, err := zones.one(e.start)
	if err != nil {
		return fail(e.start, "DTSTART", err)
	}
	ev := &event{name: e.summary, zone: start.zone, start: start.instant(), beginAt: start.second, endAt: start.second}
	l, property := e.end, "DTEND"
	if e.duration != nil {
		l, property = e.duration, "DURATION"
	}
	if err := ev.setEnd(start, e, zones); err != nil {
		return fail(l, property, err)
	}
	if e.repeat != nil {
		if err := ev.setRule(start, e.repeat); err != nil {
			return fail(e.repeat, "RRULE", err)
		}
	}
	if err := ev.setExcept(start, e.except, zones); err != nil {
		return nil, err
	}
	if e.cancelled {
		return nil, nil
	}
	return ev, nil
}

// one reads a value that is a single time.
func (z *icsZones) one(l *icsLine) (icsTime, error) {
	all, err := z.times(l)
	if err != nil {
		return icsTime{}, err
	}
	if len(all) != 1 {
		return icsTime{}, errors.New("it has several values")
	}
	return all[0], nil
}

// setEnd finds out how long the event is. With a DTEND it is as long each time, by the
// second; with a DURATION in days, and all day, it is up to the same time of day.
func (ev *event) setEnd(start icsTime, e *icsEvent, zones *icsZones) error {
	switch {
	case e.end != nil && e.duration != nil:
		return errors.New("the event has a DTEND too")
	case e.end != nil:
		end, err := zones.one(e.end)
		if err != nil {
			return err
		}
		if end.date != start.date {
			return errors.New("it is a date where DTSTART is a time, or the other way round")
		}
		if end.date {
			ev.days = end.day - start.day
		} else {
			ev.longer = end.instant().Sub(ev.start)
		}
	case e.duration != nil:
		var err error
		if len(e.duration.params) > 0 {
			return errors.New("its parameters are not understood")
		}
		if ev.days, ev.longer, err = parseICSDuration(e.duration.value); err != nil {
			return err
		}
		if start.date && ev.longer != 0 {
			return errors.New("an event of whole days lasts whole days")
		}
	case start.date:
		ev.days = 1
	default:
		return errors.New("the event has none, and no DURATION")
	}
	ev.end = instant(ev.zone, start.day+ev.days, start.second).Add(ev.longer)
	if !ev.start.Before(ev.end) {
		return errors.New("the event does not end after it begins")
	}
	return nil
}

func (ev *event) setRule(start icsTime, l *icsLine) error {
	if len(l.params) > 0 {
		return errors.New("its parameters are not understood")
	}
	r, err := parseRule(l.value)
	if err != nil {
		return err
	}
	if ev.end.Sub(ev.start) > longestRepeated {
		return fmt.Errorf("an event that repeats may last %d days at most", longestRepeated/day)
	}
	if r.untilText != "" {
		until, err := parseICSTime(r.untilText)
		switch {
		case err != nil:
			return fmt.Errorf("UNTIL: %w", err)
		case until.date != start.date:
			return errors.New("UNTIL is a date where DTSTART is a time, or the other way round")
		case !until.date && !until.utc:
			return errors.New("UNTIL is not in UTC: it has to end in Z")
		}
		until.zone = ev.zone
		if until.utc {
			until.zone = time.UTC
		}
		r.until = until.instant()
		if r.until.Before(ev.start) {
			return errors.New("UNTIL is before DTSTART")
		}
	}
	if err := r.begin(start.day, r.count); err != nil {
		return err
	}
	ev.rule = &r.recurrence
	return nil
}

func (ev *event) setExcept(start icsTime, except []icsLine, zones *icsZones) error {
	for i := range except {
		fail := func(msg string) error {
			return &ICalendarError{Line: except[i].number, Property: "EXDATE", Msg: msg}
		}
		if ev.rule == nil {
			return fail("the event has no RRULE that it could except from")
		}
		all, err := zones.times(&except[i])
		if err != nil {
			return fail(err.Error())
		}
		for _, t := range all {
			if t.date != start.date {
				return fail("it is a date where DTSTART is a time, or the other way round")
			}
			if ev.except == nil {
				ev.except = map[int64]bool{}
			}
			ev.except[t.instant().Unix()] = true
		}
	}
	return nil
}
