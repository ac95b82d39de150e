package promql

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// Series is one line of a result.
type Series struct {
	// Labels tell it from the others. The metric's name is the label __name__.
	Labels map[string]string
	Points []Point
}

// Point is one value of a series.
type Point struct {
	At    time.Time
	Value float64
}

// String returns the labels in PromQL's notation, such as {code="500"}.
func (s Series) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(s.Labels)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + "=" + strconv.Quote(s.Labels[name]))
	}
	b.WriteByte('}')
	return b.String()
}

// maxNamed is how many of the series that should not be there are named.
const maxNamed = 3

// errNoSeries means that the server knows nothing of what was asked.
var errNoSeries = fmt.Errorf("%w: no series matches", analysis.ErrNoData)

// single returns the one value of a result.
func single(result []Series) (float64, error) {
	switch len(result) {
	case 0:
		return 0, errNoSeries
	case 1:
	default:
		return 0, fmt.Errorf("%d series, want one (aggregate them, as with sum()): %s", len(result), named(result))
	}
	v := result[0].Points[0].Value
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%w: the value is %v, which is no number (a division by zero?)", analysis.ErrNoData, v)
	}
	return v, nil
}

// named lists some of the series.
func named(all []Series) string {
	var names []string
	for _, s := range all[:min(len(all), maxNamed)] {
		names = append(names, brief(s.String()))
	}
	if more := len(all) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
