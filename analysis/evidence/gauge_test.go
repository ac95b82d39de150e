package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestGaugeAgreesWithTheOracle(t *testing.T) {
	for i, s := range readNoisyOracle(t).TMixture {
		require.InDelta(t, priorWeight, s.Nu0, 0)
		gauge := must(NewGauge(Noise{Deviation: math.Sqrt(s.S2)}, 0))
		require.InDeltaSlice(t, s.DeltaGrid, gauge.deltas[:], 1e-12)
		for k, z := range s.Z {
			gauge.Observe(z)
			require.InDelta(t, s.LogE[k], gauge.Log(), 1e-8, "sequence %d point %d", i, k)
		}
	}
}

func TestLogChi(t *testing.T) {
	for _, m := range []float64{20, 21, 80, 1000} {
		require.InDelta(t, 0, logChi(m, 0), 1e-10, "m %v", m)
		// H'(0) = √2 Γ((m+1)/2)/Γ(m/2), the mean of a chi distribution.
		a, _ := math.Lgamma((m + 1) / 2)
		b, _ := math.Lgamma(m / 2)
		const h = 1e-4
		require.InEpsilon(t, math.Sqrt2*math.Exp(a-b), (logChi(m, h)-logChi(m, -h))/(2*h), 1e-5, "m %v", m)
		for x := -4 * math.Sqrt(m); x < 4*math.Sqrt(m); x += math.Sqrt(m) / 3 {
			// A plain sum, finely stepped.
			sum, whole := 0.0, 0.0
			top := (x + math.Sqrt(x*x+4*m)) / 2
			for v := 1e-2; v < 8*math.Sqrt(m)+30; v += 1e-2 {
				sum += math.Exp((m-1)*math.Log(v/top) - (v*v-top*top)/2 + x*(v-top))
				whole += math.Exp((m-1)*math.Log(v/math.Sqrt(m)) - (v*v-m)/2)
			}
			want := math.Log(sum/whole) + (m-1)*math.Log(top/math.Sqrt(m)) - (top*top-m)/2 + x*top
			require.InDelta(t, want, logChi(m, x), 1e-8*max(1, math.Abs(want)), "m %v x %v", m, x)
		}
	}
}

func TestLearnNoise(t *testing.T) {
	n, ok := LearnNoise([]float64{1, 2, 1, 2, 1, 2, 1, 2, 1, 2})
	require.True(t, ok)
	require.Equal(t, 1.5, n.Mean)
	require.Zero(t, n.Correlation, "a negative one is not used")
	require.InDelta(t, math.Sqrt(9*0.25/8), n.Deviation, 1e-12)
	for _, window := range [][]float64{
		nil, {1, 2, 3}, make([]float64, 60), {1, 2, 3, 4, 5, 6, 7, 8, 9, math.NaN()}, {1, 2, 3, 4, 5, 6, 7, 8, 9, math.Inf(1)},
	} {
		_, ok := LearnNoise(window)
		require.False(t, ok, "%v", window)
	}
	rng := rand.New(rand.NewPCG(7, 0))
	next, window := autoregression(rng, 0.6, rng.NormFloat64), make([]float64, 5000)
	for i := range window {
		window[i] = 7 + next()
	}
	n, ok = LearnNoise(window)
	require.True(t, ok)
	require.InDelta(t, 7, n.Mean, 0.2)
	require.InDelta(t, 0.65, n.Correlation, 0.04)
	require.InDelta(t, 0.8, n.Deviation, 0.03)
}

func TestGaugeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		noise := Noise{
			Correlation: rapid.Float64Range(0, 0.97).Draw(t, "correlation"),
			Deviation:   rapid.Float64Range(0.01, 100).Draw(t, "deviation"),
		}
		tolerance := rapid.Float64Range(-5, 5).Draw(t, "tolerance")
		scale := rapid.SampledFrom([]float64{0.25, 8}).Draw(t, "scale")
		points := rapid.SliceOfN(rapid.Float64Range(-300, 300), 1, 30).Draw(t, "points")
		gauge, shifted := must(NewGauge(noise, tolerance)), must(NewGauge(noise, tolerance+3))
		plain, higher := must(NewGauge(Noise{Deviation: 1}, 0)), must(NewGauge(Noise{Deviation: 1}, 0))
		noise.Deviation *= scale
		scaled := must(NewGauge(noise, tolerance*scale))
		require.Zero(t, gauge.Log())
		for _, z := range points {
			gauge.Observe(z)
			shifted.Observe(z + 3)
			scaled.Observe(z * scale)
			plain.Observe(z)
			higher.Observe(math.Abs(z))
		}
		require.False(t, math.IsNaN(gauge.Log()) || math.IsInf(gauge.Log(), 0))
		require.InDelta(t, gauge.Log(), scaled.Log(), 1e-6, "units do not matter")
		require.InDelta(t, gauge.Log(), shifted.Log(), 1e-6, "nor does the level")
		require.GreaterOrEqual(t, higher.Log()+1e-9, plain.Log(), "a higher gauge is more evidence")
	})
}

func TestGaugeWithMissingPoints(t *testing.T) {
	const rho = 0.8
	gauge, steady := must(NewGauge(Noise{Deviation: 1, Correlation: rho}, 0)), must(NewGauge(Noise{Deviation: 1, Correlation: rho * rho}, 0))
	for range 20 {
		z := 1.5
		gauge.Observe(z)
		before := gauge.Log()
		gauge.Observe(math.NaN())
		require.Equal(t, before, gauge.Log())
		steady.Observe(z)
	}
	// Every other point of a series is one with the squared correlation, but for the
	// deviation that the prior is given in.
	ratio := math.Sqrt((1 - rho*rho) / (1 - math.Pow(rho, 4)))
	require.InDelta(t, steady.sum*ratio, gauge.sum, 1e-9)
	require.InDelta(t, (steady.squares-priorWeight)*ratio*ratio, gauge.squares-priorWeight, 1e-9)
	gauge.Observe(math.Inf(1))
	require.Equal(t, 20, gauge.n)
}

// autoregression has a variance of 1 for draws with a variance of 1.
func autoregression(rng *rand.Rand, rho float64, draw func() float64) func() float64 {
	z := rng.NormFloat64()
	return func() float64 {
		z = rho*z + math.Sqrt(1-rho*rho)*draw()
		return z
	}
}

func TestSimulatedGauges(t *testing.T) {
	t.Parallel()
	const alpha, points = 0.01, 180
	rng := rand.New(rand.NewPCG(8, 0))
	heavy := func() float64 { // t with 3 degrees of freedom, and a variance of 1
		chi := 0.0
		for range 3 {
			x := rng.NormFloat64()
			chi += x * x
		}
		return rng.NormFloat64() / math.Sqrt(chi)
	}
	right := func() float64 { return rng.ExpFloat64() - 1 }
	left := func() float64 { return 1 - rng.ExpFloat64() }
	all, alarms := 0, 0
	for _, s := range []struct {
		name string
		rho  float64
		draw func() float64
		most float64 // of points until a shift by two deviations is seen, on average
	}{
		{"normal", 0, rng.NormFloat64, 7},
		{"normal, correlated", 0.5, rng.NormFloat64, 20},
		{"normal, much correlated", 0.9, rng.NormFloat64, points},
		{"heavy tails", 0, heavy, 7},
		{"heavy tails, correlated", 0.5, heavy, 20},
		{"skewed to the right", 0.5, right, 20},
		{"skewed to the left", 0, left, 9},
	} {
		n, seen, delay := min(runs(45), 2000), 0, 0
		for range n {
			next, window := autoregression(rng, s.rho, s.draw), make([]float64, 180)
			for i := range window {
				window[i] = next()
			}
			noise, ok := LearnNoise(window)
			require.True(t, ok)
			until := func(shift float64) int {
				gauge := must(NewGauge(noise, 0))
				for k := range points {
					gauge.Observe(next() + shift)
					if gauge.Log() >= -math.Log(alpha) {
						return k + 1
					}
				}
				return points + 1
			}
			if until(0) <= points {
				seen++
			}
			delay += until(2)
		}
		mean := float64(delay) / float64(n)
		t.Logf("%s: %.2f%% false alarms, %.1f points until a shift by 2 is seen", s.name, 100*float64(seen)/float64(n), mean)
		require.LessOrEqual(t, mean, s.most, s.name)
		all, alarms = all+n, alarms+seen
	}
	require.LessOrEqual(t, float64(alarms)/float64(all), allowed(alpha, all))
}

func BenchmarkGauge(b *testing.B) {
	gauge := must(NewGauge(Noise{Deviation: 1, Correlation: 0.5}, 0))
	b.Run("Observe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			gauge.Observe(0.3)
		}
	})
	b.Run("Log", func(b *testing.B) {
		b.ReportAllocs()
		sum := 0.0
		for b.Loop() {
			sum += gauge.Log()
		}
		_ = sum
	})
}
