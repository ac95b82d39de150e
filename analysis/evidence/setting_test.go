package evidence

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// must is for settings that make sense.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSettingsThatMakeNoSenseAreErrors(t *testing.T) {
	failure := func(_ any, err error) error { return err }
	nan, inf := math.NaN(), math.Inf(1)
	for want, err := range map[string]error{
		"NewHarm: psi0 is 0":       failure(NewHarm(0, 10)),
		"NewHarm: psi0 is -1":      failure(NewHarm(-1, 10)),
		"NewHarm: psi0 is NaN":     failure(NewHarm(nan, 10)),
		"NewHarm: psi0 is +Inf":    failure(NewHarm(inf, 10)),
		"NewSafe: psi is 1":        failure(NewSafe(1)), // nothing is both as good as the baseline and harmful
		"NewSafe: psi is NaN":      failure(NewSafe(nan)),
		"NewSafe: psi is +Inf":     failure(NewSafe(inf)),
		"NewRate: limit is 0":      failure(NewRate(0)),
		"NewRate: limit is 1":      failure(NewRate(1)),
		"NewRate: limit is NaN":    failure(NewRate(nan)),
		"NewRare: limit is -0.1":   failure(NewRare(-0.1)),
		"NewRare: limit is 1":      failure(NewRare(1)),
		"NewRare: limit is NaN":    failure(NewRare(nan)),
		"Spending: psi0 is 0":      failure(NewSpending(0, 0.01, 10)),
		"Spending: psi0 is +Inf":   failure(NewSpending(inf, 0.01, 10)),
		"Spending: alpha is 0":     failure(NewSpending(1, 0, 10)),
		"Spending: alpha is 1":     failure(NewSpending(1, 1, 10)),
		"Spending: alpha is NaN":   failure(NewSpending(1, nan, 10)),
		"EagerSpending: psi0 is":   failure(NewEagerSpending(0, 0.01, 10)),
		"Effects: psi0 is 0":       failure(NewRandomEffects(0, 0.2, 1, 0)),
		"Effects: tau is -0.1":     failure(NewRandomEffects(1, -0.1, 1, 0)),
		"Effects: tau is 3":        failure(NewRandomEffects(1, mostTau+1, 1, 0)),
		"Effects: tau is NaN":      failure(NewRandomEffects(1, nan, 1, 0)),
		"Effects: tau is +Inf":     failure(NewRandomEffects(1, inf, 1, 0)),
		"noise.Deviation is 0":     failure(NewGauge(Noise{}, 0)),
		"noise.Deviation is -1":    failure(NewGauge(Noise{Deviation: -1}, 0)),
		"noise.Deviation is NaN":   failure(NewGauge(Noise{Deviation: nan}, 0)),
		"noise.Deviation is +Inf":  failure(NewGauge(Noise{Deviation: inf}, 0)),
		"Correlation is 1":         failure(NewGauge(Noise{Deviation: 1, Correlation: 1}, 0)),
		"Correlation is -0.1":      failure(NewGauge(Noise{Deviation: 1, Correlation: -0.1}, 0)),
		"Correlation is NaN":       failure(NewGauge(Noise{Deviation: 1, Correlation: nan}, 0)),
		"Gauge: tolerance is NaN":  failure(NewGauge(Noise{Deviation: 1}, nan)),
		"boundaries is 0":          failure(NewHistogram(1, 0, 10)),
		"boundaries is -1":         failure(NewHistogram(1, -1, 10)),
		"NewHistogram: psi0 is 0":  failure(NewHistogram(0, 3, 10)),
		"Histogram: psi0 is NaN":   failure(NewWeightedHistogram(nan, []float64{1}, 10)),
		"Histogram: weights is []": failure(NewWeightedHistogram(1, nil, 10)),
		"weights[1] is -1":         failure(NewWeightedHistogram(1, []float64{1, -1}, 10)),
		"weights[0] is +Inf":       failure(NewWeightedHistogram(1, []float64{inf}, 10)),
		"sum of weights is 0":      failure(NewWeightedHistogram(1, []float64{0, 0}, 10)),
		"EBH: alpha is 0":          failure(EBH([]float64{9}, 0)),
		"EBH: alpha is NaN":        failure(EBH([]float64{9}, nan)),
		"ClosedTest: alpha is 1":   failure(ClosedTest([]float64{9}, 1)),
		"ClosedTest: alpha is NaN": failure(ClosedTest([]float64{9}, nan)),
	} {
		require.ErrorIs(t, err, ErrSetting, want)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, ": want ")
	}
}

// Whatever the settings and the figures are, nothing panics, and nothing alarms that
// should not have begun.
func TestNothingPanics(t *testing.T) {
	number := rapid.OneOf(
		rapid.SampledFrom([]float64{0, 1, -1, 2, 1e-300, 1e300, math.NaN(), math.Inf(1), math.Inf(-1), 0.01}), rapid.Float64())
	count := rapid.OneOf(rapid.Uint64Range(0, 50), rapid.SampledFrom([]uint64{1 << 20, MaxCount, MaxCount + 1, math.MaxUint64}))
	whole := rapid.OneOf(rapid.IntRange(-2, 5), rapid.SampledFrom([]int{math.MinInt, math.MaxInt}))
	rapid.Check(t, func(t *rapid.T) {
		check := func(err error) {
			if err != nil && (!errors.Is(err, ErrSetting) || !strings.Contains(err.Error(), "want")) {
				t.Fatal(err)
			}
		}
		a, b, k, l := number.Draw(t, "a"), number.Draw(t, "b"), whole.Draw(t, "k"), whole.Draw(t, "l")
		harm, err := NewHarm(a, k)
		check(err)
		safe, err := NewSafe(a)
		check(err)
		rate, err := NewRate(a)
		check(err)
		rare, err := NewRare(a)
		check(err)
		effects, err := NewRandomEffects(a, b, k, l)
		check(err)
		gauge, err := NewGauge(Noise{Mean: a, Deviation: b, Correlation: a}, b)
		check(err)
		spending, err := NewSpending(a, b, k)
		check(err)
		if err != nil {
			spending = &Spending{}
		}
		histogram, err := NewHistogram(a, min(k, 20), l)
		check(err)
		if err != nil {
			histogram = &Histogram{}
		}
		var odds MantelHaenszel
		var window Dispersion
		for range 3 {
			strata := make([]Counts, rapid.IntRange(0, 3).Draw(t, "strata"))
			for i := range strata {
				strata[i] = Counts{count.Draw(t, "xc"), count.Draw(t, "nc"), count.Draw(t, "xb"), count.Draw(t, "nb")}
			}
			harm.Observe(strata...)
			safe.Observe(strata...)
			effects.Observe(strata...)
			spending.Observe(strata...)
			odds.Observe(strata...)
			window.Observe(strata...)
			rate.Observe(count.Draw(t, "events"), count.Draw(t, "total"))
			rare.Observe(count.Draw(t, "events"), count.Draw(t, "total"))
			gauge.Observe(number.Draw(t, "point"))
			up := rapid.SliceOfN(count, 0, 7).Draw(t, "buckets")
			_ = histogram.Observe(up, up)
		}
		_, _ = Interval(&harm, &safe, b)
		_, _ = gauge.Interval(b)
		_, _ = Visible(count.Draw(t, "canary"), count.Draw(t, "baseline"), a, b)
		_ = harm.Log() + safe.Log() + effects.Log() + rate.Log() + rare.Log() + gauge.Log() + histogram.Log() + histogram.At(k)
		_ = safe.Growth(a, b) + rare.More(a, b) + odds.Ratio() + spending.Allowed() + spending.Spent()
		_ = window.Phi() + window.Tau() + window.Correlation()
		require.False(t, (&Spending{}).Crossed())
		numbers := rapid.SliceOfN(number, 0, 5)
		xs, ys := numbers.Draw(t, "xs"), numbers.Draw(t, "ys")
		_ = WeightedMean(xs, ys) + Value(Mean(a, b)) + Quantile(xs, a)
		_, err = EBH(xs, a)
		check(err)
		_, err = ClosedTest(xs, a)
		check(err)
		_, _ = Wilson(count.Draw(t, "events"), count.Draw(t, "total"), a)
		test := NewMannWhitney(xs, ys)
		_ = test.P(Alternative(k)) + test.Sigma()
		_ = VarghaDelaney(xs, ys) + CohenD(xs, ys) + MeanRatio(xs, ys)
		_, _ = LearnNoise(xs)
	})
}
