package guardrails

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of a recurrence, so that no calendar keeps a guard busy.
const (
	maxInterval = 1000
	maxCount    = 10_000
	lastYear    = 2199
)

// recurrence is the part of an RRULE that tells on which days something begins. It is
// asked about single days, and not unrolled from its first: what a rule of 1997 says
// of tomorrow costs what one of today does.
type recurrence struct {
	freq       frequency
	interval   int
	weekStart  time.Weekday
	months     []int // 1 to 12
	monthDays  []int // 1 to 31, or -31 to -1 from the end
	weekdays   []nthWeekday
	first      int       // the day that it begins on
	last       int       // the day after which COUNT is used up
	until      time.Time // nothing begins later; zero for no end
	firstYear  int
	firstMonth time.Month
	firstDay   int // of the month
}

// frequency is an RRULE's FREQ.
type frequency uint8

const (
	daily frequency = iota + 1
	weekly
	monthly
	yearly
)

// nthWeekday is every such weekday where nth is 0; else the nth of its month or year,
// from the end where it is negative.
type nthWeekday struct {
	nth     int
	weekday time.Weekday
}

// on tells whether something begins on the day.
func (r *recurrence) on(day int) bool {
	if day < r.first || day > r.last {
		return false
	}
	year, month, dayOfMonth := dateOf(day)
	if len(r.months) > 0 && !slices.Contains(r.months, int(month)) {
		return false
	}
	if len(r.monthDays) > 0 && !r.onMonthDay(year, month, dayOfMonth) {
		return false
	}
	if len(r.weekdays) > 0 && !r.onWeekday(day, year, month) {
		return false
	}
	byDay := len(r.monthDays) > 0 || len(r.weekdays) > 0
	switch r.freq {
	case daily:
		return (day-r.first)%r.interval == 0
	case weekly:
		weeks := (r.week(day) - r.week(r.first)) / 7
		return weeks%r.interval == 0 && (byDay || weekdayOf(day) == weekdayOf(r.first))
	case monthly:
		months := (year-r.firstYear)*12 + int(month-r.firstMonth)
		return months%r.interval == 0 && (byDay || dayOfMonth == r.firstDay)
	default:
		return (year-r.firstYear)%r.interval == 0 && (byDay || dayOfMonth == r.firstDay) &&
			(byDay || len(r.months) > 0 || month == r.firstMonth)
	}
}

// week is the day that the week of a day begins on.
func (r *recurrence) week(day int) int {
	return day - (int(weekdayOf(day)-r.weekStart)+7)%7
}

func (r *recurrence) onMonthDay(year int, month time.Month, dayOfMonth int) bool {
	fromEnd := dayOfMonth - 1 - daysIn(year, month)
	return slices.Contains(r.monthDays, dayOfMonth) || slices.Contains(r.monthDays, fromEnd)
}

func (r *recurrence) onWeekday(day, year int, month time.Month) bool {
	weekday := weekdayOf(day)
	for _, w := range r.weekdays {
		if w.weekday != weekday {
			continue
		}
		if w.nth == 0 {
			return true
		}
		// The period that the weekdays are counted in.
		first, next := dayOf(year, month, 1), dayOf(year, month+1, 1)
		if r.freq == yearly && len(r.months) == 0 {
			first, next = dayOf(year, time.January, 1), dayOf(year+1, time.January, 1)
		}
		if w.nth > 0 && (day-first)/7+1 == w.nth || w.nth < 0 && (next-1-day)/7+1 == -w.nth {
			return true
		}
	}
	return false
}

func daysIn(year int, month time.Month) int { return dayOf(year, month+1, 1) - dayOf(year, month, 1) }

// begin sets the first day, which has to be one of the rule's: what a rule means that
// its own beginning does not fit is undefined. It then finds the last day that COUNT
// allows.
func (r *recurrence) begin(first, count int) error {
	r.first, r.last = first, math.MaxInt
	r.firstYear, r.firstMonth, r.firstDay = dateOf(first)
	if !r.on(first) {
		return errors.New("DTSTART is not on one of the days that the rule names")
	}
	if count == 0 {
		return nil
	}
	end := dayOf(lastYear+1, time.January, 1)
	for day := first; day < end; day++ {
		if r.on(day) {
			if count--; count == 0 {
				r.last = day
				return nil
			}
		}
	}
	return fmt.Errorf("COUNT is not used up by the year %d", lastYear)
}

// rule is an RRULE as it is written.
type rule struct {
	recurrence
	count     int
	untilText string
}

var weekdaysByWord = map[string]time.Weekday{
	"SU": time.Sunday, "MO": time.Monday, "TU": time.Tuesday, "WE": time.Wednesday,
	"TH": time.Thursday, "FR": time.Friday, "SA": time.Saturday,
}

// parseRule reads the value of an RRULE. What it does not know is an error.
func parseRule(text string) (*rule, error) {
	r := &rule{recurrence: recurrence{interval: 1, weekStart: time.Monday}}
	seen := map[string]bool{}
	for _, part := range strings.Split(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.ToUpper(name)
		if !ok || value == "" {
			return nil, fmt.Errorf("%q is not NAME=VALUE", part)
		}
		if seen[name] {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if err := r.set(name, strings.ToUpper(value)); err != nil {
			return nil, fmt.Errorf("%s=%s: %w", name, value, err)
		}
	}
	return r, r.check(seen)
}

func (r *rule) set(name, value string) (err error) {
	switch name {
	case "FREQ":
		r.freq = map[string]frequency{"DAILY": daily, "WEEKLY": weekly, "MONTHLY": monthly, "YEARLY": yearly}[value]
		if r.freq == 0 {
			return errors.New("want DAILY, WEEKLY, MONTHLY or YEARLY")
		}
	case "INTERVAL":
		r.interval, err = number(value, 1, maxInterval)
	case "COUNT":
		r.count, err = number(value, 1, maxCount)
	case "UNTIL":
		r.untilText = value
	case "WKST":
		weekday, ok := weekdaysByWord[value]
		if !ok {
			return errors.New("it is no weekday")
		}
		r.weekStart = weekday
	case "BYMONTH":
		r.months, err = numbers(value, 1, 12)
	case "BYMONTHDAY":
		if r.monthDays, err = numbers(value, -31, 31); slices.Contains(r.monthDays, 0) {
			return errors.New("there is no day 0")
		}
	case "BYDAY":
		for _, one := range strings.Split(value, ",") {
			w, err := parseWeekday(one)
			if err != nil {
				return err
			}
			r.weekdays = append(r.weekdays, w)
		}
	default:
		return errors.New("it is not understood")
	}
	return err
}

// check refuses what RFC 5545 does not allow together.
func (r *rule) check(seen map[string]bool) error {
	switch {
	case !seen["FREQ"]:
		return errors.New("it has no FREQ")
	case seen["COUNT"] && seen["UNTIL"]:
		return errors.New("it has both COUNT and UNTIL")
	case r.freq == weekly && len(r.monthDays) > 0:
		return errors.New("BYMONTHDAY does not go with FREQ=WEEKLY")
	}
	for _, w := range r.weekdays {
		if (w.nth == 0) != (r.weekdays[0].nth == 0) {
			return errors.New("BYDAY has weekdays with and without a number, of which programs make different things")
		}
		if w.nth != 0 && r.freq < monthly {
			return errors.New("numbered weekdays go with MONTHLY and YEARLY only")
		}
		if most := 5; (r.freq == monthly || len(r.months) > 0) && max(w.nth, -w.nth) > most {
			return fmt.Errorf("no month has %d of one weekday", max(w.nth, -w.nth))
		}
	}
	return nil
}

// parseWeekday reads a weekday with or without a number, such as MO, 2MO or -1FR.
func parseWeekday(text string) (nthWeekday, error) {
	if len(text) < 2 {
		return nthWeekday{}, fmt.Errorf("%q is no weekday", text)
	}
	weekday, ok := weekdaysByWord[text[len(text)-2:]]
	if !ok {
		return nthWeekday{}, fmt.Errorf("%q is no weekday", text)
	}
	w := nthWeekday{weekday: weekday}
	if digits := text[:len(text)-2]; digits != "" {
		nth, err := number(strings.TrimPrefix(digits, "+"), -53, 53)
		if err != nil || nth == 0 {
			return w, fmt.Errorf("%q is no weekday", text)
		}
		w.nth = nth
	}
	return w, nil
}

// number reads a whole number within bounds, of digits and a minus only.
func number(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || text[0] == '+' || n < least || n > most {
		return 0, fmt.Errorf("want a whole number from %d to %d", least, most)
	}
	return n, nil
}

func numbers(text string, least, most int) (all []int, err error) {
	for _, one := range strings.Split(text, ",") {
		n, err := number(strings.TrimPrefix(one, "+"), least, most)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}
