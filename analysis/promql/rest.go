package promql

import (
	"fmt"
	"math"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// rest is what rounding left over at the end of one window. Without it, an error
// now and then in a quiet canary, at 1.3 each, would always count as 1, while the
// busy baseline's counted in full.
type rest struct {
	end              time.Time
	canaryVersion    string
	canary, baseline remainder
}

// at returns what is carried into a window: nothing, unless it goes on where the
// last ended.
func (r rest) at(w analysis.Window) rest {
	next := rest{end: w.End, canaryVersion: w.Canary.Version}
	if r.end.Equal(w.Start) && r.canaryVersion == next.canaryVersion {
		next.canary, next.baseline = r.canary, r.baseline
	}
	return next
}

// remainder is what one arm's counts have in parts of an event.
type remainder struct{ total, events float64 }

// maxCount is where a float64 stops telling whole numbers apart.
const maxCount = 1 << 53

// sample rounds the values of one arm to counts. Values of nil are no data.
func (r *remainder) sample(values map[string]float64) (analysis.Sample, error) {
	if values == nil {
		return analysis.Sample{}, nil
	}
	total, events := values["Total"], values["Events"]
	for _, v := range []float64{total, events} {
		if v < 0 || v > maxCount {
			return analysis.Sample{}, fmt.Errorf("%v of %v is no count: want numbers of events from 0", events, total)
		}
	}
	// Extrapolation may give a few more events than requests, but not many.
	if events > 2*total+10 {
		return analysis.Sample{}, fmt.Errorf("more events (%v) than the total (%v): are the queries swapped?", events, total)
	}
	t := take(total, &r.total, maxCount)
	e := take(events, &r.events, t)
	return analysis.Counts(uint64(e), uint64(t)), nil
}

// take rounds a value and what is left from before, at most to a limit, and
// leaves the rest.
func take(value float64, left *float64, limit float64) float64 {
	sum := value + *left
	whole := min(max(0, math.Round(sum)), limit)
	*left = min(max(-1, sum-whole), 1)
	return whole
}
