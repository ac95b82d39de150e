package analysis

import "github.com/tidegate-go/tidegate/analysis/evidence"

// attributionConfidence is that of the intervals by which arms are told apart.
const attributionConfidence = 0.99

// justAsMuch tells whether the baseline shows a fault just as much as the canary, as
// far as their counts can tell: the Wilson intervals (99%) of their rates overlap.
// It is no test of "not worse". It keeps a fault of the whole fleet, or one that
// was there before, from being blamed on the release; NotWorse is for the comparison.
//
// Few requests make wide intervals, which overlap with anything. Whoever asks must
// have seen to it that both arms are over the limit themselves, and with enough
// requests. An arm without requests, as one that is a value, shows nothing: false.
func justAsMuch(canary, baseline Summary) bool {
	if canary.Total == 0 || baseline.Total == 0 {
		return false
	}
	cLow, cHigh := evidence.Wilson(canary.Events, canary.Total, attributionConfidence)
	bLow, bHigh := evidence.Wilson(baseline.Events, baseline.Total, attributionConfidence)
	return cLow <= bHigh && bLow <= cHigh
}
