package guardrails

import "time"

// Days are counted from 1 January 1970, so that a calendar can be walked by adding 1,
// and times of day are seconds after midnight as the clock on the wall has it. Both
// become an instant only in a time zone.
const (
	secondsADay = 24 * 60 * 60
	day         = 24 * time.Hour
)

// dayOf counts a date. A day past the end of its month is one of the next.
func dayOf(year int, month time.Month, dayOfMonth int) int {
	return int(time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC).Unix() / secondsADay)
}

// dayIn counts the day that t is on where loc is.
func dayIn(t time.Time, loc *time.Location) int { return dayOf(t.In(loc).Date()) }

// dateOf is the date of a day.
func dateOf(day int) (year int, month time.Month, dayOfMonth int) {
	return time.Unix(int64(day)*secondsADay, 0).UTC().Date()
}

// weekdayOf is the weekday of a day: 1 January 1970 was a Thursday.
func weekdayOf(day int) time.Weekday { return time.Weekday(((day+4)%7 + 7) % 7) }

// instant is when a clock on the wall shows so many seconds after midnight of a day;
// more than a day's worth is on a day after it. Where clocks go back and show it
// twice, it is the first time. Where they go forward over it, it is when they would
// have shown it had they not: so has RFC 5545 it.
func instant(loc *time.Location, day, second int) time.Time {
	local := int64(day)*secondsADay + int64(second)
	const far = 26 * 60 * 60 // no zone is further from UTC, twice over
	before, after := offsetAt(loc, local-far), offsetAt(loc, local+far)
	for _, offset := range [...]int64{before, after} {
		if offsetAt(loc, local-offset) == offset {
			return time.Unix(local-offset, 0).In(loc)
		}
	}
	return time.Unix(local-before, 0).In(loc)
}

// offsetAt is how far loc is ahead of UTC, in seconds.
func offsetAt(loc *time.Location, unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(loc).Zone()
	return int64(offset)
}

// zoneNamed loads a time zone by its IANA name, such as "Europe/Berlin". There is no
// zone without a name, and that of the machine is not asked for: a calendar means
// the same wherever it is read.
func zoneNamed(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errNoZone
	}
	return time.LoadLocation(name)
}
