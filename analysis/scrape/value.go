package scrape

import (
	"fmt"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// maxCount is where a float64 stops telling whole numbers apart, and so the end
// of exact counting.
const maxCount = 1 << 53

// wholeCount is the value of a counter as a whole number. One that is further
// from it than the rounding of its text can explain was no count.
func wholeCount(v float64) (uint64, error) {
	const rounding = 1e-6
	whole := math.Round(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, fmt.Errorf("the value %v is not a number of events", v)
	case whole < 0:
		return 0, fmt.Errorf("the value %v is negative", v)
	case whole > maxCount:
		return 0, fmt.Errorf("the value %v is too large to count exactly", v)
	case math.Abs(v-whole) > rounding:
		return 0, fmt.Errorf("the value %v is not a whole number", v)
	}
	return uint64(whole), nil
}

// seriesKey is the same for the same set of labels, in whatever order. A label
// without a value is the same as none.
func seriesKey(labels []*dto.LabelPair) string {
	sorted := slices.DeleteFunc(slices.Clone(labels), func(l *dto.LabelPair) bool { return l.GetValue() == "" })
	slices.SortFunc(sorted, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	var b strings.Builder
	for _, l := range sorted {
		// Neither byte occurs in UTF-8, so that no two sets run together.
		b.WriteString(l.GetName())
		b.WriteByte(0xfe)
		b.WriteString(l.GetValue())
		b.WriteByte(0xff)
	}
	return b.String()
}
