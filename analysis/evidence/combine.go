package evidence

import (
	"fmt"
	"math"
	"slices"
)

// WeightedMean returns the logarithm of the weighted mean of e-values, given their
// logarithms: ln (Σvₖeₖ/Σvₖ). Under a hypothesis for which each of them is an
// e-process the mean is one as well, however they depend on each other, as long as
// all are taken at the same time and the weights were chosen beforehand. At a given
// α it rejects whenever the weighted Bonferroni test does, where some eₖ ≥ 1/(αvₖ).
//
// Take the values as they are now, never the largest so far: the mean of running
// maxima is no e-process (Tavyrikov, Goeman & de Heide 2025).
//
// A weight of 0 leaves a value out. It panics unless there are as many weights as
// values, none negative or infinite, and one positive: that is a programming error.
// It does not allocate. For two values of the same weight there is [Mean].
func WeightedMean(logs, weights []float64) float64 {
	mustWeights("WeightedMean", weights)
	if len(logs) != len(weights) {
		panic(fmt.Sprintf("evidence: WeightedMean: %d weights for %d values", len(weights), len(logs)))
	}
	top := math.Inf(-1)
	for k, log := range logs {
		if weights[k] > 0 && (log > top || math.IsNaN(log)) {
			top = log
		}
	}
	if math.IsInf(top, 0) || math.IsNaN(top) {
		return top
	}
	sum, whole := 0.0, 0.0
	for k, log := range logs {
		if weights[k] > 0 {
			sum += weights[k] * math.Exp(log-top)
			whole += weights[k]
		}
	}
	return top + math.Log(sum/whole)
}

func mustWeights(who string, weights []float64) {
	whole := 0.0
	for _, w := range weights {
		if !(w >= 0) {
			panic(fmt.Sprintf("evidence: %s: %v is not a weight", who, w))
		}
		whole += w
	}
	if !(whole > 0) || math.IsInf(whole, 1) {
		panic(fmt.Sprintf("evidence: %s: the weights have the sum %v", who, whole))
	}
}

// EBH names the culprits among K hypotheses, given the logarithms of their e-values
// at one time. Of those it names, the expected part that is true is at most alpha
// (the false discovery rate), however the e-values depend on each other. It is the
// e-BH procedure (Wang & Ramdas 2022): with the e-values in decreasing order,
//
//	k* = max { k: e₍ₖ₎ ≥ K/(k·alpha) }
//
// and the first k* are named. It returns their indexes in increasing order, nil for
// none. It changes nothing; a NaN is never named. It panics unless 0 < alpha < 1.
//
// It is for naming alone: to decide on a rollback, [WeightedMean] is sooner.
func EBH(logs []float64, alpha float64) []int {
	mustAlpha("EBH", alpha)
	sorted := slices.Clone(logs)
	slices.Sort(sorted) // NaN first
	k := len(sorted)
	level := func(k int) float64 { return math.Log(float64(len(logs)) / (float64(k) * alpha)) }
	for k > 0 && !(sorted[len(sorted)-k] >= level(k)) {
		k--
	}
	if k == 0 {
		return nil
	}
	var named []int
	for i, log := range logs {
		if log >= level(k) {
			named = append(named, i)
		}
	}
	return named
}

// ClosedTest names the culprits among K hypotheses, given the logarithms of their
// e-values at one time, such that the probability of naming even one that is true is
// at most alpha (the family-wise error rate), however the e-values depend on each
// other. It is the closed test with the mean as the test of each intersection (Vovk &
// Wang 2021). A hypothesis is named if every set of hypotheses that contains it has
// a mean of at least 1/alpha; of each size, the set with the smallest others decides:
//
//	(eᵢ + the m−1 smallest others)/m ≥ 1/alpha for m = 1 … K
//
// It returns their indexes in increasing order, nil for none. It changes nothing. A
// NaN counts as an e-value of 0. It panics unless 0 < alpha < 1.
func ClosedTest(logs []float64, alpha float64) []int {
	mustAlpha("ClosedTest", alpha)
	order := make([]int, len(logs)) // by increasing value
	value := func(i int) float64 {  // in units of 1/alpha, so that overflow is no matter
		if math.IsNaN(logs[i]) {
			return 0
		}
		return math.Exp(logs[i] + math.Log(alpha))
	}
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch va, vb := value(a), value(b); {
		case va < vb:
			return -1
		case va > vb:
			return 1
		default:
			return 0
		}
	})
	var named []int
	for i := range logs {
		sum, m := value(i), 1.0
		ok := sum >= 1
		for _, j := range order {
			if !ok {
				break
			}
			if j != i {
				sum += value(j)
				m++
				ok = sum >= m
			}
		}
		if ok {
			named = append(named, i)
		}
	}
	return named
}

func mustAlpha(who string, alpha float64) {
	if !(alpha > 0 && alpha < 1) {
		panic(fmt.Sprintf("evidence: %s: an alpha of %v is not between 0 and 1", who, alpha))
	}
}
