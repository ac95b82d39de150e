package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// chooseExactly is the number of ways to choose k of n.
func chooseExactly(n, k uint64) float64 {
	ways := 1.0
	for i := range k {
		ways *= float64(n-i) / float64(i+1)
	}
	return ways
}

// cumulate turns counts per bucket into those up to each boundary.
func cumulate(counts []uint64) []uint64 {
	up := make([]uint64, len(counts))
	sum := uint64(0)
	for i, c := range counts {
		sum += c
		up[i] = sum
	}
	return up
}

// If the arms do not differ, every way to deal the requests to them is equally
// likely. Over all ways, the bet is fair.
func TestHistogramIsAFairBet(t *testing.T) {
	past := must(NewHistogram(1, 3, 4))
	require.NoError(t, past.Observe([]uint64{1, 4, 6, 7}, []uint64{20, 40, 45, 50}))
	for _, all := range [][]uint64{{5, 4, 3, 2}, {1, 0, 0, 9}, {0, 7, 7, 0}, {3, 3, 3, 0}} {
		for _, size := range []uint64{1, 4, 6} {
			total := uint64(0)
			for _, n := range all {
				total += n
			}
			mean := 0.0
			for a := range all[0] + 1 {
				for b := range all[1] + 1 {
					for c := range all[2] + 1 {
						if a+b+c > size || size-a-b-c > all[3] {
							continue
						}
						canary := []uint64{a, b, c, size - a - b - c}
						baseline, p := make([]uint64, 4), 1/chooseExactly(total, size)
						for i := range all {
							baseline[i] = all[i] - canary[i]
							p *= chooseExactly(all[i], canary[i])
						}
						next := past.Clone()
						require.NoError(t, next.Observe(cumulate(canary), cumulate(baseline)))
						mean += p * math.Exp(next.Log())
					}
				}
			}
			require.InEpsilon(t, math.Exp(past.Log()), mean, 1e-9, "%v, %d in the canary", all, size)
		}
	}
}

func TestHistogramProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boundaries := rapid.IntRange(1, 6).Draw(t, "boundaries")
		horizon := rapid.IntRange(0, 6).Draw(t, "horizon")
		psi0 := rapid.Float64Range(0.8, 1.5).Draw(t, "psi0")
		weights := rapid.SliceOfN(rapid.Float64Range(0.1, 3), boundaries, boundaries).Draw(t, "weights")
		h, even := must(NewWeightedHistogram(psi0, weights, horizon)), must(NewHistogram(psi0, boundaries, horizon))
		buckets := rapid.SliceOfN(rapid.Uint64Range(0, 200), boundaries+1, boundaries+1)
		for range rapid.IntRange(1, 5).Draw(t, "intervals") {
			canary, baseline := cumulate(buckets.Draw(t, "canary")), cumulate(buckets.Draw(t, "baseline"))
			require.NoError(t, h.Observe(canary, baseline))
			require.NoError(t, even.Observe(canary, baseline))
		}
		sum, whole, plain := 0.0, 0.0, 0.0
		for j, w := range weights {
			require.Equal(t, h.At(j), even.At(j))
			sum += w * math.Exp(h.At(j)-h.Log())
			whole += w
			plain += math.Exp(h.At(j)-even.Log()) / float64(boundaries)
		}
		require.InEpsilon(t, whole, sum, 1e-9)
		require.InEpsilon(t, 1, plain, 1e-9)

		// What is no interval changes nothing.
		before, copied := h.Log(), h.Clone()
		good, bad := make([]uint64, boundaries+1), make([]uint64, boundaries+1)
		bad[0] = 1
		require.ErrorIs(t, h.Observe(bad, good), ErrBuckets)
		require.ErrorIs(t, h.Observe(good, bad), ErrBuckets)
		require.ErrorIs(t, h.Observe(good[1:], good), ErrBuckets)
		require.Equal(t, before, h.Log())
		require.Equal(t, before, copied.Log())
		good[boundaries] = 50
		require.NoError(t, copied.Observe(good, good))
		require.Equal(t, before, h.Log(), "a clone is on its own")
	})
}

// bounds are Prometheus' default buckets, in seconds.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

func TestSimulatedHistograms(t *testing.T) {
	t.Parallel()
	const alpha, intervals = 0.01, 90
	type arm struct{ slower, tail float64 }
	for i, s := range []struct {
		name   string
		psi0   float64
		canary arm
		common bool // noise that both arms share
		most   float64
	}{
		{"null", 1, arm{1, 0}, false, 0},
		{"null, common noise", 1, arm{1, 0}, true, 0},
		{"slower by 2%, tolerated", 1.25, arm{1.02, 0}, true, 0},
		{"slower by 25%", 1, arm{1.25, 0}, false, 400},
		{"slower by 50%, common noise", 1.1, arm{1.5, 0}, true, 250},
		{"5% of requests +1 s", 1, arm{1, 0.05}, false, 200},
	} {
		rng := rand.New(rand.NewPCG(9, uint64(i)))
		n, seen, requests := min(runs(100), 4000), 0, 0.0
		for range n {
			h, weather := must(NewHistogram(s.psi0, len(bounds), 180)), drift(rng)
			observe := func(canary arm) {
				common := 1.0
				if s.common {
					common = weather(0)
				}
				draw := func(size int, a arm) []uint64 {
					counts := make([]uint64, len(bounds)+1)
					for range size {
						latency := 0.08 * common * a.slower * math.Exp(0.7*rng.NormFloat64())
						if a.tail > 0 && rng.Float64() < a.tail {
							latency++
						}
						at := 0
						for at < len(bounds) && latency > bounds[at] {
							at++
						}
						counts[at]++
					}
					return cumulate(counts)
				}
				require.NoError(t, h.Observe(draw(50, canary), draw(450, arm{1, 0})))
			}
			for range intervals {
				requests += 50
				observe(s.canary)
				if h.Log() >= -math.Log(alpha) {
					seen++
					break
				}
			}
		}
		share, mean := float64(seen)/float64(n), requests/float64(n)
		t.Logf("%s: %.1f%% rolled back, after %.0f canary requests", s.name, 100*share, mean)
		if s.most == 0 {
			require.LessOrEqual(t, share, allowed(alpha, n), s.name)
		} else {
			require.Greater(t, share, 0.99, s.name)
			require.LessOrEqual(t, mean, s.most, s.name)
		}
	}
}

func BenchmarkHistogram(b *testing.B) {
	h := must(NewHistogram(1.1, len(bounds), 180))
	canary := []uint64{0, 1, 20, 110, 300, 440, 490, 497, 499, 500, 500, 500}
	baseline := []uint64{2, 20, 450, 2300, 6000, 8800, 9800, 9950, 9990, 10000, 10000, 10000}
	b.ReportAllocs()
	sum := 0.0
	for b.Loop() {
		if err := h.Observe(canary, baseline); err != nil {
			b.Fatal(err)
		}
		sum += h.Log()
	}
	_ = sum
}
