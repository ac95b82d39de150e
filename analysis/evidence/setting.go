package evidence

import (
	"errors"
	"fmt"
	"math"
)

// ErrSetting is the error for a setting that makes no sense, such as a probability
// above 1. The error that wraps it names the function, the setting, its value, and
// what is wanted.
var ErrSetting = errors.New("evidence: a setting makes no sense")

// wrongSetting is the error for the value of a setting of a function.
func wrongSetting(who, setting string, value any, want string) error {
	return fmt.Errorf("%w: %s: %s is %v: want %s", ErrSetting, who, setting, value, want)
}

// mostOddsRatio is the largest odds ratio that can be asked for, and 1/mostOddsRatio
// the smallest. Far beyond, products of it with counts lose their digits.
const mostOddsRatio = 1000

func checkOddsRatio(who, setting string, psi float64) error {
	if !(psi >= 1./mostOddsRatio && psi <= mostOddsRatio) {
		return wrongSetting(who, setting, psi, fmt.Sprintf("an odds ratio from %v to %v", 1./mostOddsRatio, mostOddsRatio))
	}
	return nil
}

// checkProbability is for those that leave something to chance.
func checkProbability(who, setting string, p float64) error {
	if !(p > 0 && p < 1) {
		return wrongSetting(who, setting, p, "a probability, more than 0 and less than 1")
	}
	return nil
}

func checkWeights(who string, weights []float64) error {
	if len(weights) == 0 {
		return wrongSetting(who, "weights", weights, "one at least")
	}
	whole := 0.0
	for k, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return wrongSetting(who, fmt.Sprintf("weights[%d]", k), w, "a weight, finite and not negative")
		}
		whole += w
	}
	if !(whole > 0) || math.IsInf(whole, 1) {
		return wrongSetting(who, "the sum of weights", whole, "a positive, finite number")
	}
	return nil
}
