package evidence

import (
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
// A weight of 0 leaves a value out. Unless there are as many weights as values, none
// negative or infinite, and one positive, there is no such mean: it is NaN, which is
// not at or above any bound, and so rejects nothing. It does not allocate. For two
// values of the same weight there is [Mean].
func WeightedMean(logs, weights []float64) float64 {
	if len(logs) != len(weights) || checkWeights("WeightedMean", weights) != nil {
		return math.NaN()
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

// EBH names the culprits among K hypotheses, given the logarithms of their e-values
// at one time. Of those it names, the expected part that is true is at most alpha
// (the false discovery rate), however the e-values depend on each other. It is the
// e-BH procedure (Wang & Ramdas 2022): with the e-values in decreasing order,
//
//	k* = max { k: e₍ₖ₎ ≥ K/(k·alpha) }
//
// and the first k* are named. It returns their indexes in increasing order, nil for
// none. It changes nothing; a NaN is never named. The error is [ErrSetting] unless
// 0 < alpha < 1.
//
// It is for naming alone: to decide on a rollback, [WeightedMean] is sooner.
func EBH(logs []float64, alpha float64) ([]int, error) {
	if err := checkProbability("EBH", "alpha", alpha); err != nil {
		return nil, err
	}
	sorted := slices.Clone(logs)
	slices.Sort(sorted) // NaN first
	k := len(sorted)
	level := func(k int) float64 { return math.Log(float64(len(logs)) / (float64(k) * alpha)) }
	for k > 0 && !(sorted[len(sorted)-k] >= level(k)) {
		k--
	}
	if k == 0 {
		return nil, nil
	}
	var named []int
	for i, log := range logs {
		if log >= level(k) {
			named = append(named, i)
		}
	}
	return named, nil
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
// NaN counts as an e-value of 0. The error is [ErrSetting] unless 0 < alpha < 1.
func ClosedTest(logs []float64, alpha float64) ([]int, error) {
	if err := checkProbability("ClosedTest", "alpha", alpha); err != nil {
		return nil, err
	}
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
	return named, nil
}
