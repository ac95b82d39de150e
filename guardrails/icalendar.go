package guardrails

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

const (
	// maxICalendar is how long an iCalendar may be, in bytes.
	maxICalendar = 8 << 20
	// maxEvents is how many events it may have.
	maxEvents = 2000
)

// ICalendarError says what in an iCalendar is not understood, and where.
type ICalendarError struct {
	// Line counts from 1; a folded line counts where it begins.
	Line int
	// Property is what is wrong, such as "RRULE"; empty if it is the line as such.
	Property string
	Msg      string
}

// Error returns the line, the property and what is wrong.
func (e *ICalendarError) Error() string {
	s := fmt.Sprintf("guardrails: iCalendar: line %d: ", e.Line)
	if e.Property != "" {
		s += e.Property + ": "
	}
	return s + e.Msg
}

// ParseICalendar reads the windows of an iCalendar (RFC 5545), one for each VEVENT.
// Windows for which the file gives no time zone, which all-day events never do, are in
// the zone named local; if that is empty, in the file's X-WR-TIMEZONE, and if there is
// none either, they are refused.
//
// It understands DTSTART, DTEND, DURATION, RRULE (DAILY, WEEKLY, MONTHLY and YEARLY
// with INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY, WKST), EXDATE, TZID, all-day
// events and STATUS: an event that is CANCELLED is none. A TZID has to be an IANA name,
// whose rules are those that this program knows; a VTIMEZONE in the file is passed over,
// and so are a VALARM and properties that say nothing of when an event is, such as
// DESCRIPTION. TRANSP is among them: an event counts, whether it makes its owner busy
// or not.
//
// Everything else is an *ICalendarError that names the line and the property, and no
// windows are returned: of a freeze that is half understood nobody knows when it is.
func ParseICalendar(src io.Reader, local string) ([]Window, error) {
	data, err := io.ReadAll(io.LimitReader(src, maxICalendar+1))
	if err != nil {
		return nil, fmt.Errorf("guardrails: iCalendar: %w", err)
	}
	if len(data) > maxICalendar {
		return nil, fmt.Errorf("guardrails: iCalendar: it is longer than %d bytes", maxICalendar)
	}
	lines, err := unfold(data)
	if err != nil {
		return nil, err
	}
	p := icsParser{local: local}
	for _, l := range lines {
		if err := p.take(l); err != nil {
			return nil, &ICalendarError{Line: l.number, Property: l.name, Msg: err.Error()}
		}
	}
	switch {
	case !p.ended:
		return nil, &ICalendarError{Line: bytes.Count(data, []byte("\n")) + 1, Msg: "it ends before END:VCALENDAR"}
	case !p.version:
		return nil, &ICalendarError{Line: 1, Property: "VERSION", Msg: "is missing"}
	}
	return p.windows()
}

// ICalendarFile is ParseICalendar of a file.
func ICalendarFile(path, local string) ([]Window, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("guardrails: iCalendar: %w", err)
	}
	defer f.Close()
	windows, err := ParseICalendar(f, local)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return windows, nil
}

// icsLine is an unfolded line: NAME;PARAMETER=VALUE:VALUE.
type icsLine struct {
	number int
	name   string
	params map[string]string
	value  string
}

// unfold joins what was folded, and splits names from values.
func unfold(data []byte) (lines []icsLine, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var whole []byte
	start := 0
	flush := func() error {
		if start == 0 {
			return nil
		}
		l, err := splitLine(whole)
		if err != nil {
			return &ICalendarError{Line: start, Msg: err.Error()}
		}
		l.number = start
		lines = append(lines, l)
		return nil
	}
	for number := 1; len(data) > 0; number++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && start > 0 {
			whole = append(whole, line[1:]...)
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		whole, start = append(whole[:0], line...), number
		if len(line) == 0 && len(bytes.Trim(data, "\r\n")) == 0 {
			return lines, nil // empty lines at the end
		}
	}
	return lines, flush()
}

// splitLine reads an unfolded line.
func splitLine(line []byte) (icsLine, error) {
	if !utf8.Valid(line) {
		return icsLine{}, errors.New("it is not UTF-8")
	}
	if i := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
		return icsLine{}, fmt.Errorf("it has the control character %q", line[i])
	}
	text := string(line)
	end := strings.IndexAny(text, ";:")
	if end <= 0 || !isName(text[:end]) {
		return icsLine{}, errors.New("it is not NAME:VALUE")
	}
	l := icsLine{name: strings.ToUpper(text[:end])}
	for text = text[end:]; text[0] == ';'; {
		name, rest, ok := strings.Cut(text[1:], "=")
		if !ok || !isName(name) {
			return icsLine{}, errors.New("a parameter is not NAME=VALUE")
		}
		name = strings.ToUpper(name)
		end := paramEnd(rest)
		if end < 0 {
			return icsLine{}, errors.New("it has no colon before its value, or a quote without an end")
		}
		if _, twice := l.params[name]; twice {
			return icsLine{}, fmt.Errorf("it has the parameter %s twice", name)
		}
		if l.params == nil {
			l.params = map[string]string{}
		}
		l.params[name], text = strings.Trim(rest[:end], `"`), rest[end:]
	}
	l.value = text[1:]
	return l, nil
}

// paramEnd finds the semicolon or colon that ends a parameter's value, outside of
// quotes; -1 if there is none.
func paramEnd(text string) int {
	quoted := false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ';' || c == ':'):
			return i
		}
	}
	return -1
}

// isName tells whether text consists of letters, digits and dashes.
func isName(text string) bool {
	for i := range len(text) {
		if c := text[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return text != ""
}

// icsParser follows the structure of an iCalendar.
type icsParser struct {
	local   string // the zone of what has none
	within  []string
	ended   bool
	version bool
	skipped int // how deep in something that has no bearing
	event   *icsEvent
	events  []*icsEvent
}

// silent are properties that say nothing of when an event is.
var silent = setOf(
	"ATTACH", "ATTENDEE", "CATEGORIES", "CLASS", "COLOR", "COMMENT", "CONFERENCE", "CONTACT", "CREATED", "DESCRIPTION", "DTSTAMP", "GEO",
	"IMAGE", "LAST-MODIFIED", "LOCATION", "NAME", "ORGANIZER", "PRIORITY", "PRODID", "REFRESH-INTERVAL", "RELATED-TO", "REQUEST-STATUS",
	"RESOURCES", "SEQUENCE", "SOURCE", "TRANSP", "UID", "URL",
)

// silentPrefixes are those of vendors whose properties are known to say nothing of it.
var silentPrefixes = []string{"X-WR-", "X-APPLE-", "X-MICROSOFT-", "X-MS-", "X-MOZ-", "X-GOOGLE-", "X-LIC-", "X-ALT-DESC", "X-PUBLISHED-TTL"}

func setOf(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

func isSilent(name string) bool {
	if silent[name] {
		return true
	}
	for _, prefix := range silentPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// take takes the next line.
func (p *icsParser) take(l icsLine) error {
	if p.ended {
		return errors.New("it comes after END:VCALENDAR")
	}
	switch l.name {
	case "BEGIN":
		return p.begin(l)
	case "END":
		return p.end(strings.ToUpper(l.value))
	}
	switch {
	case len(p.within) == 0:
		return errors.New("it comes before BEGIN:VCALENDAR")
	case p.skipped > 0:
		return nil
	case p.event != nil:
		return p.event.take(l)
	}
	switch l.name {
	case "VERSION":
		if p.version = l.value == "2.0"; !p.version {
			return fmt.Errorf("is %q: want 2.0", l.value)
		}
	case "CALSCALE":
		if !strings.EqualFold(l.value, "GREGORIAN") {
			return fmt.Errorf("is %q: want GREGORIAN", l.value)
		}
	case "METHOD":
		if !strings.EqualFold(l.value, "PUBLISH") && !strings.EqualFold(l.value, "REQUEST") {
			return fmt.Errorf("is %q: want PUBLISH or REQUEST", l.value)
		}
	case "X-WR-TIMEZONE":
		if p.local == "" {
			p.local = l.value
		}
	default:
		if !isSilent(l.name) {
			return errors.New("it is not understood")
		}
	}
	return nil
}

func (p *icsParser) begin(l icsLine) error {
	name, parent := strings.ToUpper(l.value), ""
	if n := len(p.within); n > 0 {
		parent = p.within[n-1]
	}
	if len(p.within) > 8 {
		return errors.New("it is too deep inside of other components")
	}
	p.within = append(p.within, name)
	switch {
	case p.skipped > 0:
		p.skipped++
	case parent == "" && name == "VCALENDAR":
	case parent == "VCALENDAR" && name == "VEVENT":
		if len(p.events) == maxEvents {
			return fmt.Errorf("there are more than %d events", maxEvents)
		}
		p.event = &icsEvent{line: l.number}
	case parent == "VCALENDAR" && name == "VTIMEZONE", parent == "VEVENT" && name == "VALARM":
		p.skipped = 1
	case parent == "":
		return fmt.Errorf("%s is not understood here: want VCALENDAR", name)
	default:
		return fmt.Errorf("%s in a %s is not understood", name, parent)
	}
	return nil
}

func (p *icsParser) end(name string) error {
	n := len(p.within)
	if n == 0 || p.within[n-1] != name {
		return fmt.Errorf("%s was not begun, or something in it has not ended", name)
	}
	p.within = p.within[:n-1]
	switch {
	case p.skipped > 0:
		p.skipped--
	case name == "VEVENT":
		p.events = append(p.events, p.event)
		p.event = nil
	case name == "VCALENDAR":
		p.ended = true
	}
	return nil
}

// windows makes windows of the events.
func (p *icsParser) windows() ([]Window, error) {
	zones := icsZones{local: p.local}
	windows := make([]Window, 0, len(p.events))
	for _, e := range p.events {
		ev, err := e.compile(&zones)
		if err != nil {
			return nil, err
		}
		if ev != nil {
			windows = append(windows, Window{Name: ev.name, event: ev})
		}
	}
	return windows, nil
}
