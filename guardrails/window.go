package guardrails

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var errNoZone = errors.New("want the name of a time zone, such as Europe/Berlin or UTC")

// A Window is a span of time for a Calendar: once (From, To), every week (Days, Begin,
// End, Zone), or whatever ParseICalendar found. It begins with its first moment and
// ends before its last. The zero Window is none, and Problems of the Calendar says so.
type Window struct {
	// Name says what it is, such as "end of year freeze".
	Name string
	// From and To bound a window that is there once.
	From, To time.Time
	// Days are the weekdays on which a weekly window begins.
	Days []time.Weekday
	// Begin and End are what a clock on the wall of the Zone shows, such as "09:00",
	// on days with a change of summer time too. "24:00" is midnight at the end
	// of the day. An End that is not after Begin is on the next day.
	Begin, End string
	// Zone is the IANA name of the time zone of a weekly window.
	Zone string

	event *event // set by ParseICalendar
}

// event is a window that is understood: a beginning, and again on the days of rule.
type event struct {
	name string
	zone *time.Location
	// Once: from start to end.
	start, end time.Time
	// Again and again: from the second beginAt of a day of rule to the second endAt of
	// the day so many days later, and for so much longer.
	rule           *recurrence
	beginAt, endAt int
	days           int
	longer         time.Duration
	except         map[int64]bool // beginnings that are left out, in Unix time
}

// compile understands a window.
func (w Window) compile() (*event, error) {
	isWeekly := len(w.Days) > 0 || w.Begin != "" || w.End != "" || w.Zone != ""
	isDated := !w.From.IsZero() || !w.To.IsZero()
	switch {
	case w.event != nil:
		if isWeekly || isDated {
			return nil, errors.New("comes from an iCalendar, and must be left as it is")
		}
		return w.event, nil
	case isWeekly && isDated:
		return nil, errors.New("is both once (From, To) and weekly (Days, Begin, End, Zone)")
	case isWeekly:
		return w.compileWeekly()
	case !isDated:
		return nil, errors.New("has no times: want From and To, or Days, Begin, End and Zone")
	case w.From.IsZero() || !w.From.Before(w.To):
		return nil, fmt.Errorf("goes from %v to %v: want both, and To after From", w.From, w.To)
	}
	return &event{name: plainText(w.Name), zone: w.From.Location(), start: w.From, end: w.To}, nil
}

func (w Window) compileWeekly() (*event, error) {
	begin, err := clock(w.Begin)
	if err != nil || begin == secondsADay {
		return nil, fmt.Errorf("begins at %q: want a time of day, such as 09:00", w.Begin)
	}
	end, err := clock(w.End)
	if err != nil {
		return nil, fmt.Errorf("ends at %q: want a time of day, such as 17:00", w.End)
	}
	zone, err := zoneNamed(w.Zone)
	if err != nil {
		return nil, fmt.Errorf("has the zone %q: %w", w.Zone, err)
	}
	r := &recurrence{freq: weekly, interval: 1, weekStart: time.Monday}
	for _, d := range w.Days {
		if d < time.Sunday || d > time.Saturday {
			return nil, fmt.Errorf("has the weekday %d, which does not exist", d)
		}
		r.weekdays = append(r.weekdays, nthWeekday{weekday: d})
	}
	if len(r.weekdays) == 0 {
		return nil, errors.New("names no weekday")
	}
	first := 0
	for weekdayOf(first) != w.Days[0] {
		first++
	}
	if err := r.begin(first, 0); err != nil {
		return nil, err
	}
	e := &event{name: plainText(w.Name), zone: zone, rule: r, beginAt: begin, endAt: end}
	if end <= begin {
		e.days = 1
	}
	return e, nil
}

// clock reads a time of day, in seconds.
func clock(text string) (int, error) {
	hours, minutes, ok := strings.Cut(text, ":")
	if !ok || len(hours) != 2 || len(minutes) != 2 {
		return 0, errors.New("want HH:MM")
	}
	h, err := strconv.ParseUint(hours, 10, 8)
	m, err2 := strconv.ParseUint(minutes, 10, 8)
	if err != nil || err2 != nil || h > 24 || m > 59 || h == 24 && m > 0 {
		return 0, errors.New("want 00:00 to 24:00")
	}
	return int(h)*3600 + int(m)*60, nil
}

// spans appends when the event is, as far as it touches the time between from and to.
func (e *event) spans(dst []span, from, to time.Time) []span {
	touches := func(s span) bool { return s.to.After(from) && s.from.Before(to) && s.from.Before(s.to) }
	if e.rule == nil {
		if s := (span{e.start, e.end, e}); touches(s) {
			dst = append(dst, s)
		}
		return dst
	}
	before := e.days + int(e.longer/day) + 2
	for d := max(e.rule.first, dayIn(from, e.zone)-before); d <= min(e.rule.last, dayIn(to, e.zone)+1); d++ {
		if !e.rule.on(d) {
			continue
		}
		s := span{from: e.begin(d), event: e}
		if !e.rule.until.IsZero() && s.from.After(e.rule.until) {
			break
		}
		s.to = instant(e.zone, d+e.days, e.endAt).Add(e.longer)
		if touches(s) && !e.except[s.from.Unix()] {
			dst = append(dst, s)
		}
	}
	return dst
}

func (e *event) begin(day int) time.Time { return instant(e.zone, day, e.beginAt) }
