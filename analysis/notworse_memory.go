package analysis

import (
	"math"

	"github.com/tidegate-go/tidegate/analysis/evidence"
)

// Where there is no baseline any more, as in a last wave, the canary is held against
// what the baseline was. That does not cancel what moves both, so the margin is wide.
const (
	// driftAllowed is by how much the odds may have moved since, for reasons of their
	// own: the time of day. Nothing is held for less.
	driftAllowed = 2.0
	// blockEvents are so many that a rate is known to a seventh: what the baseline was
	// at most is taken over blocks of as many events, and as many requests without.
	blockEvents = 50
	// usualConfidence is that of the rate of all blocks together, which counts where
	// there are few.
	usualConfidence = 0.99
	// fading is what an observation still counts for after the next one: the last five
	// or so say whether there is a doubt.
	fading = 0.8
	// memoryShare is the part of α that a fail by memory may cost, on top of it.
	memoryShare = 0.01
	// beyondRun is how many observations in a row must be beyond the limit to fail: one
	// alone may be a burst.
	beyondRun = 2
)

// recall is what an observation without a baseline says, given what that was.
type recall uint8

const (
	nothingToRecall recall = iota // or no rate is beyond what the baseline was
	withinMemory
	tooLittle
	doubtful
	suspicious
	beyondMemory
)

// memory is what the baseline of a table was, and what the canary is since there is
// none.
type memory struct {
	of     *NotWorse // with defaults filled in
	tables float64   // that may fail by memory

	baseline, block Summary
	highest         float64 // of the blocks

	armed           bool   // there is no baseline now
	times           uint64 // that it was lost
	most            float64
	doubt, limit    float64 // rates: no pass above the one, and a fail beyond the other
	calm            float64 // the rate below which a doubt is over
	doubted         bool
	beyond          evidence.Onset
	within          evidence.Rare
	canary          Summary // since
	events, total   float64 // of late
	over            int     // observations in a row
	enough, limited bool
	state           recall
}

// remember takes an observation of the baseline.
func (m *memory) remember(events, total uint64) {
	m.armed, m.state = false, nothingToRecall
	m.baseline.count(events, total)
	m.block.count(events, total)
	if min(m.block.Events, m.block.Total-m.block.Events) >= blockEvents {
		m.highest = max(m.highest, m.block.Rate)
		m.block = Summary{}
	}
}

// compare takes an observation of the canary, which has no baseline.
func (m *memory) compare(events, total uint64) {
	if m.baseline.Total == 0 || total > evidence.MaxCount {
		return
	}
	if !m.armed {
		m.arm()
	}
	m.canary.count(events, total)
	if !m.limited {
		return
	}
	m.events, m.total = fading*m.events+float64(events), fading*m.total+float64(total)
	if float64(events) > m.limit*float64(total) {
		m.over++
	} else {
		m.over = 0
	}
	m.beyond.Restart()
	m.beyond.Observe(events, total)
	m.within.Observe(events, total)
	late := m.events / m.total
	m.doubted = late > m.doubt || m.doubted && late > m.calm
	m.enough = m.enough || m.within.Log() >= -math.Log(m.of.Beta)
	m.state = m.recall()
}

func (m *memory) recall() recall {
	switch log := m.beyond.Log(); {
	case log >= m.needed() && m.over >= beyondRun:
		return beyondMemory
	case log >= m.needed()/2:
		return suspicious
	case m.doubted:
		return doubtful
	case !m.enough:
		return tooLittle
	}
	return withinMemory
}

// arm settles what the canary is held against, now that the baseline is gone.
func (m *memory) arm() {
	m.armed, m.canary, m.events, m.total, m.over, m.enough, m.doubted = true, Summary{}, 0, 0, 0, false, false
	m.times++
	_, usual := evidence.Wilson(m.baseline.Events, m.baseline.Total, usualConfidence)
	m.most = max(m.highest, usual)
	// What is negligible needs no comparison.
	floor := max(0, m.of.Negligible)
	m.doubt = max(floor, timesTheOdds(max(m.of.Detect, driftAllowed), usual), timesTheOdds(m.of.Tolerate, m.highest))
	// A release that is in doubt is not let pass by a lucky moment.
	m.calm = math.Pow(usual, 0.25) * math.Pow(m.doubt, 0.75)
	m.limit = max(floor, timesTheOdds(m.of.Detect*driftAllowed, m.most))
	// Where the baseline has almost no requests without the event, there is nothing
	// that could get worse.
	var err1, err2 error
	m.beyond, err1 = evidence.NewOnset(m.limit)
	m.within, err2 = evidence.NewRare(m.limit)
	m.limited = 1-m.limit > floor && err1 == nil && err2 == nil
}

// needed is what the logarithm of the evidence fails at. Each time that the baseline
// is lost, there is a new process, and less of α for it: what they cost altogether, at
// all boundaries of a histogram, is memoryShare.
func (m *memory) needed() float64 {
	k := float64(m.times)
	return math.Log(k*(k+1)*m.tables) - math.Log(memoryShare*m.of.Alpha)
}

// timesTheOdds is the rate that has so many times the odds.
func timesTheOdds(psi, rate float64) float64 { return psi * rate / (1 + (psi-1)*rate) }
