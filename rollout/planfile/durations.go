package planfile

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var leadingDays = regexp.MustCompile(`^([0-9]{1,5})d`)

// parseDuration reads a duration as people write it: 90s, 5m, 1h30m, 3d.
func parseDuration(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%s is no duration: want one with its unit, such as 90s, 5m or 1h30m", brief(text))
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return 0, fmt.Errorf("%s has no unit: write %ss or %sm", brief(text), text, text)
	}
	rest, days := text, time.Duration(0)
	m := leadingDays.FindString(text)
	if m != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(m, "d"))
		if err != nil {
			return 0, wrong
		}
		rest, days = text[len(m):], time.Duration(n)*24*time.Hour
	}
	d := time.Duration(0)
	if rest != "" || m == "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, wrong
		}
	}
	switch {
	case d < 0:
		return 0, fmt.Errorf("%s is negative", brief(text))
	case d > math.MaxInt64-days:
		return 0, fmt.Errorf("%s is longer than 290 years", brief(text))
	}
	return days + d, nil
}

// formatDuration writes a duration as parseDuration reads it, without what is zero.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
