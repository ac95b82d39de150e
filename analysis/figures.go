package analysis

import (
	"math"
	"strconv"
)

// percent writes a ratio as a percentage with the digits that tell it apart from
// 0%, 100% and the marks, which are ratios too: "5.1%", "0.094%", "99.981%".
func percent(ratio float64, marks ...float64) string {
	p := 100 * ratio
	near := min(math.Abs(p), math.Abs(100-p))
	for _, mark := range marks {
		if d := math.Abs(p - 100*mark); d > 0 {
			near = min(near, 10*d)
		}
	}
	decimals := 0
	for near > 0 && near < 10 && decimals < 7 {
		near *= 10
		decimals++
	}
	return strconv.FormatFloat(p, 'f', decimals, 64) + "%"
}

// short writes a figure with two or three digits, such as "5.3", "236" or
// "2.1e+04".
func short(v float64) string {
	if v >= 10 && v < 1000 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// times writes a ratio, such as "0.95", "5.3" or "12".
func times(ratio float64) string {
	switch {
	case ratio < 0.995:
		return strconv.FormatFloat(ratio, 'f', 2, 64)
	case ratio < 9.95:
		return strconv.FormatFloat(ratio, 'f', 1, 64)
	}
	return short(ratio)
}

// roundUp writes a number of requests with two digits, rounded up.
func roundUp(n float64) string {
	unit := math.Pow(10, max(0, math.Floor(math.Log10(n))-1))
	return strconv.FormatFloat(math.Ceil(n/unit)*unit, 'f', 0, 64)
}

// plain writes a setting as its owner wrote it, such as "0.95".
func plain(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }

// arm writes what one arm has shown, such as "canary 5.1% (12 of 236)".
func arm(name string, s Summary) string {
	if s.Total == 0 {
		return name + " without requests"
	}
	return name + " " + percent(s.Rate) + " (" + strconv.FormatUint(s.Events, 10) + " of " + strconv.FormatUint(s.Total, 10) + ")"
}
