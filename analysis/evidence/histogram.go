package evidence

import (
	"errors"
	"fmt"
	"math"
)

// slowLeast and slowMost are the least and the largest alternative of Histogram, as
// multiples of what is tolerated. More than with errors, half of all requests may
// be on either side of a boundary, so smaller ones can be told apart.
const slowLeast, slowMost = 1.05, 20

// ErrBuckets is the error for counts that do not belong to the buckets, or are no
// counts of a histogram.
var ErrBuckets = errors.New("evidence: no counts of the histogram's buckets")

// Histogram is the evidence that a canary is slower than its baseline, from the
// buckets of a latency histogram: an e-process against "at no boundary are the odds
// of a canary request to be above it more than psi0 times those of a baseline
// request". Without a tolerance (psi0 = 1) that is "the canary is not slower"
// (stochastic dominance).
//
// At each boundary bⱼ, requests above it are events, and the evidence Eⱼ is that of
// [Harm], restarts included, with alternatives from 1.05 to 20 times psi0 in place
// of 1.15 to 50. The process is their mean
//
//	Eₜ = Σⱼ vⱼ Eⱼ,ₜ    vⱼ ≥ 0, Σvⱼ = 1
//
// which is an e-process however much the boundaries have to do with each other. The
// weights are chosen beforehand. A boundary that nothing lies above, or everything,
// stays at an evidence of 1 and is not left out: to choose after looking would not
// be fair.
//
// It sees a shift of all requests, and a slow tail of few of them. Without a
// tolerance it sees a slowdown by 5% within some 5,000 canary requests, which is
// seldom wanted: psi0 from 1.1 to 1.25 is usual. The assumptions are those of Harm.
// Requests that are slow together (garbage collection, a hot pod) break it.
//
// The zero Histogram is not useful: use [NewHistogram]. Observe and Log do not
// allocate. A Histogram owns memory for its boundaries: copy it with
// [Histogram.Clone].
type Histogram struct {
	harms   []Harm
	weights []float64
	logs    []float64 // scratch
}

// NewHistogram returns the process for boundaries finite bucket boundaries, all with
// the same weight, against an odds ratio of at most psi0 and for a slowdown that may
// begin in any of the first horizon intervals (see [NewHarm]). The error is
// [ErrSetting] if there are no boundaries, or psi0 is not from 0.001 to 1000.
func NewHistogram(psi0 float64, boundaries, horizon int) (*Histogram, error) {
	if boundaries < 1 {
		return nil, wrongSetting("NewHistogram", "boundaries", boundaries, "one at least")
	}
	if err := checkOddsRatio("NewHistogram", "psi0", psi0); err != nil {
		return nil, err
	}
	weights := make([]float64, boundaries)
	for j := range weights {
		weights[j] = 1
	}
	return NewWeightedHistogram(psi0, weights, horizon)
}

// NewWeightedHistogram is like NewHistogram for boundaries that matter differently:
// one weight for each finite boundary, in their order. They need not have a sum of 1.
// It is an error, too, if a weight is negative or not finite, or all are 0.
func NewWeightedHistogram(psi0 float64, weights []float64, horizon int) (*Histogram, error) {
	if err := checkOddsRatio("NewWeightedHistogram", "psi0", psi0); err != nil {
		return nil, err
	}
	if err := checkWeights("NewWeightedHistogram", weights); err != nil {
		return nil, err
	}
	h := &Histogram{
		harms:   make([]Harm, len(weights)),
		weights: append([]float64(nil), weights...),
		logs:    make([]float64, len(weights)),
	}
	for j := range h.harms {
		h.harms[j] = begin(psi0, slowLeast, slowMost, horizon)
	}
	return h, nil
}

// Clone returns a copy that shares nothing with the original.
func (h *Histogram) Clone() *Histogram {
	return &Histogram{
		harms:   append([]Harm(nil), h.harms...),
		weights: append([]float64(nil), h.weights...),
		logs:    make([]float64, len(h.logs)),
	}
}

// Observe takes the next interval: for both arms how many requests more each bucket
// counts now than at its start. Buckets are cumulative, as in Prometheus: one for
// each boundary in increasing order, with the requests up to it, and then the one for
// +Inf, with all requests.
//
// Counts of another number of buckets, or that decrease from one bucket to the next,
// are ErrBuckets. Nothing is observed then, for no boundary: it is an interval that
// is missing.
func (h *Histogram) Observe(canary, baseline []uint64) error {
	if err := h.check(canary); err != nil {
		return err
	}
	if err := h.check(baseline); err != nil {
		return err
	}
	last := len(h.harms)
	for j := range h.harms {
		h.harms[j].Observe(Counts{
			CanaryEvents: canary[last] - canary[j], CanaryTotal: canary[last],
			BaselineEvents: baseline[last] - baseline[j], BaselineTotal: baseline[last],
		})
	}
	return nil
}

func (h *Histogram) check(counts []uint64) error {
	if len(counts) != len(h.harms)+1 {
		return fmt.Errorf("%w: %d for %d boundaries and +Inf", ErrBuckets, len(counts), len(h.harms))
	}
	for j, c := range counts[1:] {
		if c < counts[j] {
			return fmt.Errorf("%w: %d up to a boundary, and %d up to the next", ErrBuckets, counts[j], c)
		}
	}
	return nil
}

// Log returns the natural logarithm of the evidence so far, 0 at the start.
func (h *Histogram) Log() float64 {
	for j := range h.harms {
		h.logs[j] = h.harms[j].Log()
	}
	return WeightedMean(h.logs, h.weights)
}

// At returns the logarithm of the evidence at the j-th boundary alone, from 0: NaN if
// there is no such boundary. Among several, [EBH] and [ClosedTest] tell which may be
// named.
func (h *Histogram) At(j int) float64 {
	if j < 0 || j >= len(h.harms) {
		return math.NaN()
	}
	return h.harms[j].Log()
}
