package evidence

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var logE = rapid.OneOf(
	rapid.Float64Range(-20, 20),
	rapid.Map(rapid.IntRange(0, 8), func(i int) float64 { return math.Log(float64(10 * i)) }), // ties, and e-values of 0
	rapid.SampledFrom([]float64{800, -800}),
)

func TestWeightedMean(t *testing.T) {
	require.InDelta(t, math.Log(0.25*2+0.75*6), WeightedMean([]float64{math.Log(2), math.Log(6)}, []float64{1, 3}), 1e-12)
	require.InDelta(t, 1000-math.Ln2, WeightedMean([]float64{1000, -1000}, []float64{1, 1}), 1e-9)
	require.True(t, math.IsInf(WeightedMean([]float64{math.Inf(-1), math.Inf(-1)}, []float64{1, 1}), -1))
	require.True(t, math.IsNaN(WeightedMean([]float64{1, math.NaN()}, []float64{1, 1})))
	require.InDelta(t, 1, WeightedMean([]float64{1, math.NaN()}, []float64{1, 0}), 1e-12, "left out")
	for _, weights := range [][]float64{nil, {1}, {0, 0}, {1, -1}, {1, math.NaN()}, {1, math.Inf(1)}} {
		require.True(t, math.IsNaN(WeightedMean([]float64{9, 9}, weights)), "%v", weights)
	}
	rapid.Check(t, func(t *rapid.T) {
		logs := rapid.SliceOfN(logE, 2, 6).Draw(t, "logs")
		weights := rapid.SliceOfN(rapid.Float64Range(0.01, 10), len(logs), len(logs)).Draw(t, "weights")
		mean, whole := WeightedMean(logs, weights), 0.0
		for _, w := range weights {
			whole += w
		}
		for k, log := range logs {
			require.GreaterOrEqual(t, mean+1e-9, log+math.Log(weights[k]/whole), "never later than weighted Bonferroni")
		}
		require.LessOrEqual(t, mean, slices.Max(logs)+1e-9)
		require.GreaterOrEqual(t, mean, slices.Min(logs)-1e-9)
		if a, b := Mean(logs[0], logs[1]), WeightedMean(logs[:2], []float64{2, 2}); a != b {
			require.InDelta(t, a, b, 1e-9)
		}
	})
}

// subsets calls f with all non-empty sets of n indexes.
func subsets(n int, f func(set []int)) {
	for bits := 1; bits < 1<<n; bits++ {
		var set []int
		for i := range n {
			if bits>>i&1 == 1 {
				set = append(set, i)
			}
		}
		f(set)
	}
}

func TestClosedTestGoesThroughAllSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := rapid.SliceOfN(rapid.OneOf(logE, rapid.Just(math.NaN())), 0, 7).Draw(t, "logs")
		alpha := rapid.SampledFrom([]float64{0.011, 0.0501, 0.3}).Draw(t, "alpha") // no e-value is just 1/alpha
		fails := make([]bool, len(logs))
		subsets(len(logs), func(set []int) {
			sum := 0.0
			for _, i := range set {
				if !math.IsNaN(logs[i]) {
					sum += math.Exp(logs[i] + math.Log(alpha))
				}
			}
			for _, i := range set {
				fails[i] = fails[i] || sum < float64(len(set))
			}
		})
		var want []int
		for i, f := range fails {
			if !f {
				want = append(want, i)
			}
		}
		require.Equal(t, want, must(ClosedTest(logs, alpha)))
	})
}

func TestEBHIsTheLargestSetThatSupportsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := rapid.SliceOfN(logE, 0, 7).Draw(t, "logs")
		alpha := rapid.SampledFrom([]float64{0.011, 0.0501, 0.3}).Draw(t, "alpha")
		var want []int
		subsets(len(logs), func(set []int) {
			for _, i := range set {
				if logs[i] < math.Log(float64(len(logs))/(float64(len(set))*alpha)) {
					return
				}
			}
			if len(set) > len(want) {
				want = set
			}
		})
		got := must(EBH(logs, alpha))
		require.Equal(t, want, got)
		if len(logs) > 0 {
			for _, i := range must(ClosedTest(logs, alpha)) {
				require.GreaterOrEqual(t, logs[i]+1e-12, -math.Log(alpha), "the closed test names none that is too small alone")
			}
		}
	})
	require.Equal(t, []int{1}, must(EBH([]float64{math.NaN(), 10}, 0.05)))
	require.Nil(t, must(ClosedTest(nil, 0.05)))
}

// Enumerates all outcomes of bets that pay c with a probability of 1/c, which are
// the hardest for their bounds, and are independent, or all won or lost together.
func TestNamingErrsRarely(t *testing.T) {
	const k, alpha = 5, 0.25
	for _, payout := range []float64{4, 6, 10, 20} {
		for _, harmful := range []int{0, 1, 3} { // these pay for sure
			for _, together := range []bool{false, true} {
				fdr, fwer, alarm, whole := 0.0, 0.0, 0.0, 0.0
				for bits := range 1 << (k - harmful) {
					p, logs := 1.0, make([]float64, k)
					for i := range k {
						won := i < harmful || bits>>(i-harmful)&1 == 1
						logs[i] = math.Inf(-1)
						if won {
							logs[i] = math.Log(payout)
						}
						if i >= harmful && !together {
							p *= map[bool]float64{true: 1 / payout, false: 1 - 1/payout}[won]
						}
					}
					if together {
						p = map[int]float64{0: 1 - 1/payout, 1<<(k-harmful) - 1: 1 / payout}[bits]
					}
					whole += p
					named := must(EBH(logs, alpha))
					for _, i := range named {
						if i >= harmful {
							fdr += p / float64(len(named))
						}
					}
					if slices.ContainsFunc(must(ClosedTest(logs, alpha)), func(i int) bool { return i >= harmful }) {
						fwer += p
					}
					if WeightedMean(logs, []float64{1, 1, 1, 1, 1}) >= -math.Log(alpha) {
						alarm += p
					}
				}
				require.InDelta(t, 1, whole, 1e-12)
				require.LessOrEqual(t, fdr, alpha+1e-12, "payout %v, %d harmful", payout, harmful)
				require.LessOrEqual(t, fwer, alpha+1e-12, "payout %v, %d harmful", payout, harmful)
				if harmful == 0 {
					require.LessOrEqual(t, alarm, alpha+1e-12, "payout %v", payout)
				}
			}
		}
	}
}

func BenchmarkWeightedMean(b *testing.B) {
	logs, weights := []float64{1, 4, -2, 0.5, 3, 0, 0, 1}, []float64{1, 1, 2, 1, 1, 3, 1, 1}
	b.ReportAllocs()
	sum := 0.0
	for b.Loop() {
		sum += WeightedMean(logs, weights)
	}
	_ = sum
}
