package guardrails_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

// ics is a calendar with one event of these lines; with none, it has no event.
func ics(event ...string) []byte {
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test"}
	if len(event) > 0 {
		lines = append(append(append(lines, "BEGIN:VEVENT"), event...), "END:VEVENT")
	}
	return []byte(strings.Join(append(lines, "END:VCALENDAR", ""), "\r\n"))
}

// times are when an event is, in 2026, as "month-day hour:minute" in UTC.
func times(t *testing.T, data []byte) (all []string) {
	t.Helper()
	windows, err := guardrails.ParseICalendar(bytes.NewReader(data), "Europe/Berlin")
	require.NoError(t, err)
	for _, w := range windows {
		spans, err := guardrails.Spans(w, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
		require.NoError(t, err)
		for i := 0; i < len(spans); i += 2 {
			all = append(all, spans[i].Format("01-02 15:04")+" to "+spans[i+1].Format("01-02 15:04"))
		}
	}
	return all
}

func TestICalendarTimes(t *testing.T) {
	for _, tc := range []struct {
		story string
		event []string
		want  []string
	}{
		{"in UTC", []string{"DTSTART:20260701T120000Z", "DTEND:20260701T130000Z"}, []string{"07-01 12:00 to 07-01 13:00"}},
		{"in a zone", []string{"DTSTART;TZID=America/New_York:20260701T120000", "DTEND;TZID=America/New_York:20260701T130000"}, []string{"07-01 16:00 to 07-01 17:00"}},
		{"in a quoted zone", []string{`DTSTART;TZID="America/New_York":20260701T120000`, "DURATION:PT1H"}, []string{"07-01 16:00 to 07-01 17:00"}},
		{"without a zone", []string{"DTSTART:20260701T120000", "DTEND:20260701T130000"}, []string{"07-01 10:00 to 07-01 11:00"}},
		{"ends in another zone", []string{"DTSTART:20260701T120000Z", "DTEND;TZID=Asia/Tokyo:20260701T220000"}, []string{"07-01 12:00 to 07-01 13:00"}},
		{"a day", []string{"DTSTART;VALUE=DATE:20260701"}, []string{"06-30 22:00 to 07-01 22:00"}},
		{"days", []string{"DTSTART;VALUE=DATE:20260328", "DTEND;VALUE=DATE:20260330"}, []string{"03-27 23:00 to 03-29 22:00"}},
		{"a week", []string{"DTSTART;VALUE=DATE:20260701", "DURATION:P1W"}, []string{"06-30 22:00 to 07-07 22:00"}},
		{"a day is to the same time of day", []string{"DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:P1DT1H"}, []string{"03-28 11:00 to 03-29 11:00"}},
		{"24 hours are 24 hours", []string{"DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:PT24H"}, []string{"03-28 11:00 to 03-29 11:00"}},
		{"a time that there is not is taken an hour on", []string{"DTSTART;TZID=Europe/Berlin:20260329T023000", "DURATION:PT1H"}, []string{"03-29 01:30 to 03-29 02:30"}},
		{"a time that there is twice is the first", []string{"DTSTART;TZID=Europe/Berlin:20261025T023000", "DURATION:PT1H"}, []string{"10-25 00:30 to 10-25 01:30"}},
		{"daily, over the change to summer time", []string{"DTSTART;TZID=Europe/Berlin:20260327T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4"},
			[]string{"03-27 08:00 to 03-27 09:00", "03-28 08:00 to 03-28 09:00", "03-29 07:00 to 03-29 08:00", "03-30 07:00 to 03-30 08:00"}},
		{"every other day until one of them", []string{"DTSTART:20260701T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;INTERVAL=2;UNTIL=20260705T090000Z"},
			[]string{"07-01 09:00 to 07-01 10:00", "07-03 09:00 to 07-03 10:00", "07-05 09:00 to 07-05 10:00"}},
		{"until a second before", []string{"DTSTART:20260701T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;INTERVAL=2;UNTIL=20260705T085959Z"},
			[]string{"07-01 09:00 to 07-01 10:00", "07-03 09:00 to 07-03 10:00"}},
		{"days until a day", []string{"DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=DAILY;UNTIL=20261226"},
			[]string{"12-23 23:00 to 12-24 23:00", "12-24 23:00 to 12-25 23:00", "12-25 23:00 to 12-26 23:00"}},
		{"except for some", []string{"DTSTART:20260701T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20260702T090000Z,20260704T090000Z", "EXDATE;TZID=Europe/Berlin:20260705T110000"},
			[]string{"07-01 09:00 to 07-01 10:00", "07-03 09:00 to 07-03 10:00"}},
		{"weekly, on the day that it begins on", []string{"DTSTART:20260701T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2"},
			[]string{"07-01 09:00 to 07-01 10:00", "07-08 09:00 to 07-08 10:00"}},
		{"every other week from Monday", []string{"DTSTART:19970805T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO"}, nil},
		{"the first Monday of a month", []string{"DTSTART:20260803T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=1MO;COUNT=2"},
			[]string{"08-03 09:00 to 08-03 10:00", "09-07 09:00 to 09-07 10:00"}},
		{"the last Friday of a month", []string{"DTSTART:20261030T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR"},
			[]string{"10-30 09:00 to 10-30 10:00", "11-27 09:00 to 11-27 10:00", "12-25 09:00 to 12-25 10:00"}},
		{"the 31st, of months that have one", []string{"DTSTART:20260731T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY"},
			[]string{"07-31 09:00 to 07-31 10:00", "08-31 09:00 to 08-31 10:00", "10-31 09:00 to 10-31 10:00", "12-31 09:00 to 12-31 10:00"}},
		{"the last of the month", []string{"DTSTART:20261031T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"},
			[]string{"10-31 09:00 to 10-31 10:00", "11-30 09:00 to 11-30 10:00", "12-31 09:00 to 12-31 10:00"}},
		{"Friday the 13th", []string{"DTSTART:19980213T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"},
			[]string{"02-13 09:00 to 02-13 10:00", "03-13 09:00 to 03-13 10:00", "11-13 09:00 to 11-13 10:00"}},
		{"every year, over its end", []string{"DTSTART;VALUE=DATE:20201220", "DTEND;VALUE=DATE:20210104", "RRULE:FREQ=YEARLY"},
			[]string{"12-19 23:00 to 01-03 23:00", "12-19 23:00 to 01-03 23:00"}},
		{"the fourth Thursday of November", []string{"DTSTART;VALUE=DATE:20201126", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"}, []string{"11-25 23:00 to 11-26 23:00"}},
		{"the 20th Monday of the year", []string{"DTSTART:19970519T090000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY;BYDAY=20MO"}, []string{"05-18 09:00 to 05-18 10:00"}},
		{"29 February, in years that have one", []string{"DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY"}, nil},
		{"cancelled", []string{"DTSTART:20260701T120000Z", "DTEND:20260701T130000Z", "STATUS:CANCELLED"}, nil},
		{"confirmed, with all that says nothing", []string{
			"DTSTART:20260701T120000Z", "DTEND:20260701T130000Z", "STATUS:CONFIRMED", "TRANSP:TRANSPARENT", "UID:1", "DTSTAMP:20260101T000000Z",
			`ATTENDEE;CN="Bob; the: builder";ROLE=REQ-PARTICIPANT:mailto:bob@example.com`, "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
			"BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT15M", "X-SOMETHING:else", "END:VALARM",
		}, []string{"07-01 12:00 to 07-01 13:00"}},
		{"folded", []string{"DTSTART:202607", " 01T12", "\t0000Z", "DTEND:20260701T130000Z"}, []string{"07-01 12:00 to 07-01 13:00"}},
		{"in lower case", []string{"dtstart;value=date-time:20260701T120000Z", "duration:PT1H"}, []string{"07-01 12:00 to 07-01 13:00"}},
	} {
		t.Run(tc.story, func(t *testing.T) {
			require.Equal(t, tc.want, times(t, ics(tc.event...)))
		})
	}
}

func TestICalendarForms(t *testing.T) {
	event := []string{"SUMMARY:Freeze\\, at last\\; really\\nnow", "DTSTART:20260701T120000Z", "DTEND:20260701T130000Z"}
	want := []string{"07-01 12:00 to 07-01 13:00"}
	whole := ics(event...)
	for story, data := range map[string][]byte{
		"CRLF":                      whole,
		"LF":                        bytes.ReplaceAll(whole, []byte("\r\n"), []byte("\n")),
		"a BOM":                     append([]byte("\ufeff"), whole...),
		"no newline at the end":     bytes.TrimSpace(whole),
		"many newlines at the end":  append(bytes.Clone(whole), "\r\n\n\r\n"...),
		"folded in the middle of ü": bytes.Replace(whole, []byte("at last"), []byte("\xc3\r\n \xbcber"), 1),
		"a line of a megabyte":      bytes.Replace(whole, []byte("DTSTART"), []byte("DESCRIPTION:"+strings.Repeat("x", 1<<20)+"\r\nDTSTART"), 1),
		"a megabyte of folds":       bytes.Replace(whole, []byte("DTSTART"), []byte("DESCRIPTION:"+strings.Repeat("x\r\n ", 1<<18)+"\r\nDTSTART"), 1),
		"a VTIMEZONE":               bytes.Replace(whole, []byte("BEGIN:VEVENT"), []byte("BEGIN:VTIMEZONE\r\nTZID:Nowhere\r\nBEGIN:STANDARD\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"), 1),
	} {
		t.Run(story, func(t *testing.T) { require.Equal(t, want, times(t, data)) })
	}
	windows, err := guardrails.ParseICalendar(bytes.NewReader(whole), "")
	require.NoError(t, err)
	require.Equal(t, "Freeze, at last; really now", windows[0].Name)

	// A zone of the file's own, for what has none.
	day := bytes.Replace(ics("DTSTART;VALUE=DATE:20260701"), []byte("PRODID:test"), []byte("X-WR-TIMEZONE:Asia/Tokyo"), 1)
	windows, err = guardrails.ParseICalendar(bytes.NewReader(day), "")
	require.NoError(t, err)
	spans, err := guardrails.Spans(windows[0], time.Time{}, time.Now().AddDate(9, 0, 0))
	require.NoError(t, err)
	require.Equal(t, "2026-06-30T15:00:00Z", spans[0].Format(time.RFC3339))
}

// What is not understood is refused, with its line and its property.
func TestICalendarRefuses(t *testing.T) {
	start, end := "DTSTART:20260701T120000Z", "DTEND:20260701T130000Z"
	repeat := func(rule string) []string { return []string{start, end, "RRULE:" + rule} }
	for _, tc := range []struct {
		event []string
		want  string
	}{
		{[]string{end}, "line 4: DTSTART: the event has none"},
		{[]string{start}, "line 4: DTEND: the event has none, and no DURATION"},
		{[]string{start, end, "DURATION:PT1H"}, "line 7: DURATION: the event has a DTEND too"},
		{[]string{start, start, end}, "line 6: DTSTART: it is there twice"},
		{[]string{start, "DTEND:20260701T120000Z"}, "line 6: DTEND: the event does not end after it begins"},
		{[]string{start, "DTEND;VALUE=DATE:20260702"}, "line 6: DTEND: it is a date where DTSTART is a time, or the other way round"},
		{[]string{"DTSTART;VALUE=DATE:20260701", "DURATION:PT5H"}, "line 6: DURATION: an event of whole days lasts whole days"},
		{[]string{"DTSTART:20260701", end}, `line 5: DTSTART: "20260701" does not fit its VALUE: want VALUE=DATE with a date, and only there`},
		{[]string{"DTSTART;VALUE=DATE:20260701T120000Z", end}, `line 5: DTSTART: "20260701T120000Z" does not fit its VALUE: want VALUE=DATE with a date, and only there`},
		{[]string{"DTSTART;VALUE=PERIOD:20260701T120000Z/PT1H", end}, "line 5: DTSTART: its parameter VALUE=PERIOD is not understood"},
		{[]string{"DTSTART;X-ODD=1:20260701T120000Z", end}, "line 5: DTSTART: its parameter X-ODD=1 is not understood"},
		{[]string{"DTSTART;TZID=UTC:20260701T120000Z", end}, `line 5: DTSTART: "20260701T120000Z" does not go with a TZID`},
		{[]string{"DTSTART;TZID=W. Europe Standard Time:20260701T120000", end}, `line 5: DTSTART: its TZID is "W. Europe Standard Time": unknown time zone W. Europe Standard Time`},
		{[]string{"DTSTART;TZID=../../etc/passwd:20260701T120000", end}, `line 5: DTSTART: its TZID is "../../etc/passwd": time: invalid location name`},
		{[]string{"DTSTART;TZID=:20260701T120000", end}, `line 5: DTSTART: its TZID is "": want the name of a time zone, such as Europe/Berlin or UTC`},
		{[]string{"DTSTART:20260701T120000Z,20260702T120000Z", end}, "line 5: DTSTART: it has several values"},
		{[]string{"DTSTART:20260230T120000Z", end}, `line 5: DTSTART: "20260230T120000Z" is no date and no time from 1970 to 2199`},
		{[]string{"DTSTART:20260701T250000Z", end}, `line 5: DTSTART: "20260701T250000Z" is no date and no time`},
		{[]string{"DTSTART:20260701T1200Z", end}, `line 5: DTSTART: "20260701T1200Z" is no date and no time`},
		{[]string{"DTSTART:99990701T120000Z", end}, `line 5: DTSTART: "99990701T120000Z" is no date and no time from 1970 to 2199`},
		{[]string{start, "DURATION:PT"}, `line 6: DURATION: "PT" is no duration such as P1D, PT8H or P1W`},
		{[]string{start, "DURATION:-PT1H"}, `line 6: DURATION: "-PT1H" is no duration such as P1D, PT8H or P1W`},
		{[]string{start, "DURATION:P1M"}, `line 6: DURATION: "P1M" is no duration such as P1D, PT8H or P1W`},
		{[]string{start, "DURATION:PT1M1H"}, `line 6: DURATION: "PT1M1H" is no duration such as P1D, PT8H or P1W`},
		{[]string{start, "DURATION:P1W2D"}, `line 6: DURATION: "P1W2D" is no duration such as P1D, PT8H or P1W`},
		{[]string{start, "DURATION:PT0S"}, "line 6: DURATION: the event does not end after it begins"},
		{[]string{start, "DURATION:P99999999D"}, `line 6: DURATION: "P99999999D" is no duration such as P1D, PT8H or P1W`},
		{[]string{start, end, "STATUS:TENTATIVE"}, `line 7: STATUS: is "TENTATIVE", which is neither yes nor no: want CONFIRMED or CANCELLED`},
		{[]string{start, end, "RECURRENCE-ID:20260701T120000Z"}, "line 7: RECURRENCE-ID: it is not understood"},
		{[]string{start, end, "RDATE:20260702T120000Z"}, "line 7: RDATE: it is not understood"},
		{[]string{start, end, "X-ODD:1"}, "line 7: X-ODD: it is not understood"},
		{[]string{start, end, "EXDATE:20260702T120000Z"}, "line 7: EXDATE: the event has no RRULE that it could except from"},
		{append(repeat("FREQ=DAILY"), "EXDATE;VALUE=DATE:20260702"), "line 8: EXDATE: it is a date where DTSTART is a time, or the other way round"},
		{append(repeat("FREQ=DAILY"), "RRULE:FREQ=DAILY"), "line 8: RRULE: it is there twice"},
		{[]string{start, end, "RRULE;X=1:FREQ=DAILY"}, "line 7: RRULE: its parameters are not understood"},
		{repeat("FREQ=HOURLY"), "line 7: RRULE: FREQ=HOURLY: want DAILY, WEEKLY, MONTHLY or YEARLY"},
		{repeat("INTERVAL=2"), "line 7: RRULE: it has no FREQ"},
		{repeat(""), `line 7: RRULE: "" is not NAME=VALUE`},
		{repeat("FREQ=DAILY;"), `line 7: RRULE: "" is not NAME=VALUE`},
		{repeat("FREQ=DAILY;FREQ=DAILY"), "line 7: RRULE: FREQ is there twice"},
		{repeat("FREQ=DAILY;INTERVAL=0"), "line 7: RRULE: INTERVAL=0: want a whole number from 1 to 1000"},
		{repeat("FREQ=DAILY;INTERVAL=1e3"), "line 7: RRULE: INTERVAL=1e3: want a whole number from 1 to 1000"},
		{repeat("FREQ=DAILY;COUNT=-1"), "line 7: RRULE: COUNT=-1: want a whole number from 1 to 10000"},
		{repeat("FREQ=DAILY;COUNT=2;UNTIL=20260801T000000Z"), "line 7: RRULE: it has both COUNT and UNTIL"},
		{repeat("FREQ=DAILY;UNTIL=20260801"), "line 7: RRULE: UNTIL is a date where DTSTART is a time, or the other way round"},
		{repeat("FREQ=DAILY;UNTIL=20260801T000000"), "line 7: RRULE: UNTIL is not in UTC: it has to end in Z"},
		{repeat("FREQ=DAILY;UNTIL=20260630T000000Z"), "line 7: RRULE: UNTIL is before DTSTART"},
		{repeat("FREQ=DAILY;UNTIL=soon"), `line 7: RRULE: UNTIL: "SOON" is no date and no time from 1970 to 2199`},
		{repeat("FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO"), "line 7: RRULE: BYSETPOS=-1: it is not understood"},
		{repeat("FREQ=DAILY;BYHOUR=9"), "line 7: RRULE: BYHOUR=9: it is not understood"},
		{repeat("FREQ=WEEKLY;BYDAY=1WE"), "line 7: RRULE: numbered weekdays go with MONTHLY and YEARLY only"},
		{repeat("FREQ=MONTHLY;BYDAY=WE,1WE"), "line 7: RRULE: BYDAY has weekdays with and without a number, of which programs make different things"},
		{repeat("FREQ=MONTHLY;BYDAY=6WE"), "line 7: RRULE: no month has 6 of one weekday"},
		{repeat("FREQ=WEEKLY;BYDAY=XX"), `line 7: RRULE: BYDAY=XX: "XX" is no weekday`},
		{repeat("FREQ=WEEKLY;BYMONTHDAY=1"), "line 7: RRULE: BYMONTHDAY does not go with FREQ=WEEKLY"},
		{repeat("FREQ=MONTHLY;BYMONTHDAY=0"), "line 7: RRULE: BYMONTHDAY=0: there is no day 0"},
		{repeat("FREQ=MONTHLY;BYMONTHDAY=1,32"), "line 7: RRULE: BYMONTHDAY=1,32: want a whole number from -31 to 31"},
		{repeat("FREQ=WEEKLY;BYDAY=MO"), "line 7: RRULE: DTSTART is not on one of the days that the rule names"},
		{repeat("FREQ=YEARLY;BYMONTH=7;COUNT=10000"), "line 7: RRULE: COUNT is not used up by the year 2199"},
		{[]string{start, "DURATION:P367D", "RRULE:FREQ=DAILY"}, "line 7: RRULE: an event that repeats may last 366 days at most"},
		{[]string{"BEGIN:VTODO", "END:VTODO"}, "line 5: BEGIN: VTODO in a VEVENT is not understood"},
		{[]string{"BEGIN:VALARM", "END:VEVENT"}, "line 6: END: VEVENT was not begun, or something in it has not ended"},
		{[]string{"nonsense"}, "line 5: it is not NAME:VALUE"},
		{[]string{"DTSTART;TZID=UTC"}, "line 5: it has no colon before its value, or a quote without an end"},
		{[]string{`DTSTART;TZID="UTC:20260701T120000`}, "line 5: it has no colon before its value, or a quote without an end"},
		{[]string{"DTSTART;TZID:20260701T120000"}, "line 5: a parameter is not NAME=VALUE"},
		{[]string{"DTSTART;TZID=UTC;TZID=UTC:20260701T120000"}, "line 5: it has the parameter TZID twice"},
		{[]string{start, "SUMMARY:a\x00b"}, `line 6: it has the control character '\x00'`},
		{[]string{start, "SUMMARY:a\rb"}, `line 6: it has the control character '\r'`},
		{[]string{start, "SUMMARY:\xff"}, "line 6: it is not UTF-8"},
		{[]string{start, "", end}, "line 6: it is not NAME:VALUE"},
	} {
		windows, err := guardrails.ParseICalendar(bytes.NewReader(ics(tc.event...)), "UTC")
		require.EqualError(t, err, "guardrails: iCalendar: "+tc.want, "%q", tc.event)
		require.Nil(t, windows)
		var at *guardrails.ICalendarError
		require.ErrorAs(t, err, &at)
	}
	for data, want := range map[string]string{
		"":                                    "line 1: it ends before END:VCALENDAR",
		"\n\n":                                "line 3: it ends before END:VCALENDAR",
		"hello":                               "line 1: it is not NAME:VALUE",
		"VERSION:2.0":                         "line 1: VERSION: it comes before BEGIN:VCALENDAR",
		"BEGIN:VCALENDAR\nEND:VCALENDAR":      "line 1: VERSION: is missing",
		"BEGIN:VCALENDAR\nVERSION:1.0":        `line 2: VERSION: is "1.0": want 2.0`,
		"BEGIN:VCALENDAR\nMETHOD:CANCEL":      `line 2: METHOD: is "CANCEL": want PUBLISH or REQUEST`,
		"BEGIN:VCALENDAR\nCALSCALE:JULIAN":    `line 2: CALSCALE: is "JULIAN": want GREGORIAN`,
		"BEGIN:VCALENDAR\nVERSION:2.0\nODD:1": "line 3: ODD: it is not understood",
		"BEGIN:VEVENT\n":                      "line 1: BEGIN: VEVENT is not understood here: want VCALENDAR",
		"BEGIN:VCALENDAR\nBEGIN:VCALENDAR":    "line 2: BEGIN: VCALENDAR in a VCALENDAR is not understood",
		string(ics()) + "X:1":                 "line 5: X: it comes after END:VCALENDAR",
		strings.TrimSuffix(string(ics("DTSTART:20260701T120000Z")), "END:VCALENDAR\r\n"): "line 7: it ends before END:VCALENDAR",
	} {
		_, err := guardrails.ParseICalendar(strings.NewReader(data), "UTC")
		require.EqualError(t, err, "guardrails: iCalendar: "+want, "%q", data)
	}
	_, err := guardrails.ParseICalendar(bytes.NewReader(ics("DTSTART;VALUE=DATE:20260701")), "")
	require.EqualError(t, err, `guardrails: iCalendar: line 5: DTSTART: "20260701" has no time zone, and that of the calendar is "": want the name of a time zone, such as Europe/Berlin or UTC`)
	_, err = guardrails.ParseICalendar(strings.NewReader(strings.Repeat(" ", 9<<20)), "UTC")
	require.ErrorContains(t, err, "longer than 8388608 bytes")
	many := "BEGIN:VCALENDAR\nVERSION:2.0\n" + strings.Repeat("BEGIN:VEVENT\nEND:VEVENT\n", 2001)
	_, err = guardrails.ParseICalendar(strings.NewReader(many), "UTC")
	require.ErrorContains(t, err, "there are more than 2000 events")
	deep := "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\n" + strings.Repeat("BEGIN:X\n", 100)
	_, err = guardrails.ParseICalendar(strings.NewReader(deep), "UTC")
	require.ErrorContains(t, err, "too deep")
}

// Whatever it is fed: it does not panic, does not take for ever, and what it makes of
// it are windows that begin before they end.
func FuzzICalendar(f *testing.F) {
	f.Add(ics(), "")
	f.Add(ics("DTSTART;VALUE=DATE:20260701", "RRULE:FREQ=YEARLY;BYMONTH=7;BYDAY=1WE", "EXDATE;VALUE=DATE:20270707"), "Europe/Berlin")
	f.Add(ics("DTSTART;TZID=America/New_York:20260328T023000", "DTEND:20260329T120000Z", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;WKST=SU;COUNT=9"), "UTC")
	f.Add(ics("DTSTART:20260131T120000Z", "DURATION:P1DT2H", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20301231T235959Z"), "UTC")
	f.Add([]byte("\ufeffBEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nEND:VTIMEZONE\nBEGIN:VEVENT\nSUMMARY:a\r\n b\nDTSTART:20260701T120000Z\nDURATION:PT1S\nEND:VEVENT\nEND:VCALENDAR"), "UTC")
	f.Fuzz(func(t *testing.T, data []byte, local string) {
		windows, err := guardrails.ParseICalendar(bytes.NewReader(data), local)
		if err != nil {
			if windows != nil {
				t.Fatal("windows, and an error")
			}
			return
		}
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, w := range windows {
			spans, err := guardrails.Spans(w, from, from.AddDate(1, 0, 0))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(spans); i += 2 {
				if !spans[i].Before(spans[i+1]) {
					t.Fatalf("it ends at %v before it begins at %v", spans[i+1], spans[i])
				}
				if i > 0 && spans[i].Before(spans[i-2]) {
					t.Fatalf("%v comes after %v", spans[i], spans[i-2])
				}
			}
		}
		if len(windows) == 0 {
			return
		}
		if _, err := guardrails.NextOpenAt(&guardrails.Calendar{Frozen: windows}, from, time.Hour); err != nil && !strings.Contains(err.Error(), "more than") {
			t.Fatal(err)
		}
	})
}
