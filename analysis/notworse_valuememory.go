package analysis

import "math"

// What a gauge must show without a baseline: so many observations in a row that are
// all right for a pass, or beyond the limit for a fail.
const gaugeRun = 3

// valueMemory is what the baseline's gauge was, and what the canary's is since there
// is none. How gauges are distributed is anybody's guess, so it counts observations in
// a row: a gauge that stays within the limit does not fail.
type valueMemory struct {
	of           *NotWorse // with defaults filled in
	seen         int
	logs         float64 // sum of their logarithms
	most         float64 // or least, where lower is worse
	doubt, limit float64
	armed        bool
	n            int // values of the canary since
	within, over int // observations in a row
	state        recall
}

// remember takes a value of the baseline.
func (m *valueMemory) remember(v float64) {
	m.armed, m.state = false, nothingToRecall
	if !(v > 0) {
		return
	}
	if m.seen == 0 || m.worse(v, m.most) {
		m.most = v
	}
	m.seen++
	m.logs += math.Log(v)
}

// compare takes a value of the canary, which has no baseline.
func (m *valueMemory) compare(v float64) {
	if m.seen == 0 {
		return
	}
	if !m.armed {
		m.armed, m.n, m.within, m.over = true, 0, 0, 0
		m.doubt = m.timesWorse(max(m.of.Detect, driftAllowed), m.usual())
		if far := m.timesWorse(m.of.Tolerate, m.most); m.worse(far, m.doubt) {
			m.doubt = far
		}
		m.limit = m.timesWorse(m.of.Detect*driftAllowed, m.most)
	}
	m.n++
	m.within, m.over = m.within+1, m.over+1
	if m.worse(v, m.doubt) {
		m.within = 0
	}
	if !m.worse(v, m.limit) {
		m.over = 0
	}
	switch {
	case m.over >= gaugeRun:
		m.state = beyondMemory
	case m.within >= gaugeRun:
		m.state = withinMemory
	case m.within == m.n:
		m.state = tooLittle
	default:
		m.state = doubtful
	}
}

func (m *valueMemory) worse(a, b float64) bool {
	if m.of.LowerIsWorse {
		return a < b
	}
	return a > b
}

// usual is the geometric mean of the baseline's values.
func (m *valueMemory) usual() float64 { return math.Exp(m.logs / float64(m.seen)) }

// timesWorse is the value that is so many times worse.
func (m *valueMemory) timesWorse(psi, v float64) float64 {
	if m.of.LowerIsWorse {
		return v / psi
	}
	return min(v*psi, math.MaxFloat64)
}
