package planfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var percentPattern = regexp.MustCompile(`^([0-9]{1,15}(?:\.[0-9]{1,15})?) ?%$`)

// parsePercent reads a percentage: 33% is 33. A share of it is 0.33, to the last bit.
func parsePercent(text string) (percent, share float64, err error) {
	m := percentPattern.FindStringSubmatch(text)
	if m == nil {
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			example := formatNumber(v)
			if v > 0 && v < 1 {
				if share, err := strconv.ParseFloat(formatNumber(v)+"e2", 64); err == nil {
					example = formatNumber(share)
				}
			}
			return 0, 0, fmt.Errorf("%s is a bare number where a percentage is meant: write %s%%", brief(text), example)
		}
		return 0, 0, fmt.Errorf("%s is no percentage: want one such as 5%% or 0.1%%", brief(text))
	}
	if percent, err = strconv.ParseFloat(m[1], 64); err != nil {
		return 0, 0, err
	}
	share, err = strconv.ParseFloat(m[1]+"e-2", 64)
	return percent, share, err
}

// formatPercent writes a percentage as parsePercent reads it.
func formatPercent(percent float64) string { return formatNumber(percent) + "%" }

// formatNumber writes a number as people do, without an exponent.
func formatNumber(v float64) string {
	return strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+")
}
