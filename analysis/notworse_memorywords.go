package analysis

import (
	"fmt"
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// words say what the canary is without a baseline, and what that was. They are empty
// while there is one. lately names the observations.
func (m *memory) words(lately string) string {
	if !m.armed || m.canary.Total == 0 {
		return ""
	}
	so := fmt.Sprintf("%s in %s, without a baseline, which was %s, and %s at most", arm("canary", m.canary), lately, percent(m.baseline.Rate), percent(m.most))
	limit := percent(m.limit)
	switch m.state {
	case withinMemory:
		return so + ", and shown to be below " + limit
	case tooLittle:
		more := m.within.More(-math.Log(m.of.Beta), m.canary.Rate)
		if math.IsInf(more, 1) {
			return so + ", and not shown to be below " + limit
		}
		return fmt.Sprintf("%s, and about %s more requests would show it to be below %s", so, roundUp(max(1, more)), limit)
	case doubtful:
		late := m.events / m.total
		if late <= m.doubt {
			return fmt.Sprintf("%s; %s of late, after more than %s, and below %s would allay that", so, percent(late, m.calm), percent(m.doubt), percent(m.calm))
		}
		return fmt.Sprintf("%s; %s of late, and above %s is no pass", so, percent(late, m.doubt), percent(m.doubt))
	case suspicious, beyondMemory:
		more := ""
		if m.state == suspicious && m.beyond.Log() >= m.needed() {
			more = fmt.Sprintf("; it takes %d observations in a row above that", beyondRun)
		}
		return fmt.Sprintf("%s; evidence %s (needed %s) that it is above %s%s%s", so,
			short(evidence.Value(m.beyond.Log())), short(math.Exp(m.needed())), limit, m.margin(), more)
	}
	return so
}

// margin says where the limit is from.
func (m *memory) margin() string {
	if m.limit == m.of.Negligible {
		return ", which is negligible"
	}
	return fmt.Sprintf(", which is %s times those odds, and %s times for drift", plain(m.of.Detect), plain(driftAllowed))
}

// words say the same of a gauge, whose last value is v.
func (m *valueMemory) words(v float64, lately string) string {
	if !m.armed {
		return ""
	}
	most, beyond := "most", "above"
	if m.of.LowerIsWorse {
		most, beyond = "least", "below"
	}
	so := fmt.Sprintf("canary %s in %s, without a baseline, which was %s, and %s at %s", short(v), lately, short(m.usual()), short(m.most), most)
	switch m.state {
	case tooLittle:
		return fmt.Sprintf("%s; %d of %d values in a row that are not %s %s", so, m.within, gaugeRun, beyond, short(m.doubt))
	case doubtful:
		return fmt.Sprintf("%s; %s %s is no pass, and it takes %d values in a row to allay that", so, beyond, short(m.doubt), gaugeRun)
	case beyondMemory:
		return fmt.Sprintf("%s; %d values in a row %s %s, %s times that, and %s times for drift", so, gaugeRun, beyond, short(m.limit), plain(m.of.Detect), plain(driftAllowed))
	}
	return so
}
