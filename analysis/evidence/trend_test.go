package evidence

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheilSenByHand(t *testing.T) {
	for _, c := range []struct {
		story            string
		times, values    []float64
		slope, intercept float64
	}{
		// Slopes 1, 3/2, 2, 10/3, 4, 7; rests 0, -2/3, -7/3, 2.
		{"four points", []float64{0, 1, 2, 3}, []float64{0, 2, 3, 10}, 8.0 / 3, -1.0 / 3},
		{"their order in the slices does not matter", []float64{3, 1, 0, 2}, []float64{10, 2, 0, 3}, 8.0 / 3, -1.0 / 3},
		{"two points", []float64{10, 20}, []float64{5, 0}, -0.5, 10},
		{"a line with one wild point", []float64{0, 1, 2, 3, 4, 5, 6}, []float64{1, 3, 5, 1e9, 9, 11, 13}, 2, 1},
		{"two wild ones of seven", []float64{0, 1, 2, 3, 4, 5, 6}, []float64{1, -1e9, 5, 1e9, 9, 11, 13}, 2, 1},
		{"level", []float64{0, 1, 2}, []float64{4, 4, 4}, 0, 4},
		{"pairs at the same time have no slope", []float64{0, 0, 1, 1}, []float64{0, 2, 4, 6}, 4, 1},
		{"gaps in time", []float64{0, 1, 100}, []float64{0, 3, 300}, 3, 0},
	} {
		l := TheilSen(c.times, c.values)
		require.InDelta(t, c.slope, l.Slope, 1e-12, c.story)
		require.InDelta(t, c.intercept, l.Intercept, 1e-12, c.story)
		require.InDelta(t, c.intercept+7*c.slope, l.At(7), 1e-12, c.story)
	}
}

func TestTheilSenWithoutALine(t *testing.T) {
	for _, c := range [][2][]float64{
		{nil, nil},
		{{1}, {1}},
		{{1, 1, 1}, {1, 2, 3}},
		{{1, 2}, {1, 2, 3}},
		{{1, 2, 3}, {1, math.NaN(), 3}},
		{{1, 2, 3}, {1, math.Inf(1), 3}},
		{{1, math.NaN(), 3}, {1, 2, 3}},
	} {
		l := TheilSen(c[0], c[1])
		require.True(t, math.IsNaN(l.Slope) && math.IsNaN(l.Intercept), "%v", c)
	}
}

// Powers of two and whole numbers, so that nothing is rounded.
func TestTheilSenGoesWithShiftAndScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := 2*rapid.IntRange(1, 15).Draw(t, "half") + 1
		whole := func(name string) float64 { return float64(rapid.IntRange(-1000, 1000).Draw(t, name)) }
		times, values := make([]float64, n), make([]float64, n)
		for i := range times {
			times[i], values[i] = float64(i), whole("value")
		}
		l := TheilSen(times, values)
		seen := [2][]float64{slices.Clone(times), slices.Clone(values)}

		shift, tilt := whole("shift"), whole("tilt")
		scale := math.Ldexp(rapid.SampledFrom([]float64{-1, 1}).Draw(t, "sign"), rapid.IntRange(-20, 20).Draw(t, "scale"))
		moved := slices.Clone(values)
		for i := range moved {
			moved[i] = scale*values[i] + shift + tilt*times[i]
		}
		m := TheilSen(times, moved)
		within := 1e-9 * (1 + math.Abs(scale)*1000 + math.Abs(tilt)*float64(n) + 1000)
		require.InDelta(t, scale*l.Slope+tilt, m.Slope, within)
		require.InDelta(t, scale*l.Intercept+shift, m.Intercept, within)
		require.Equal(t, seen, [2][]float64{times, values}, "the slices are left alone")

		later := slices.Clone(times)
		for i := range later {
			later[i] += 64
		}
		m = TheilSen(later, values)
		require.InDelta(t, l.Slope, m.Slope, 1e-9)
		require.InDelta(t, l.At(5), m.At(69), 1e-6)
	})
}

func TestMannKendallByHand(t *testing.T) {
	for _, c := range []struct {
		story       string
		values      []float64
		s, variance float64
		greater     float64 // p
	}{
		// 8 pairs rise and 2 fall; z = 5/√(50/3).
		{"five values", []float64{10, 11, 9, 12, 13}, 6, 50.0 / 3, 0.110336},
		// 5 pairs rise, 1 is tied: (4·3·13 − 2·1·9)/18; z = 4/√(23/3).
		{"a tie", []float64{1, 2, 2, 3}, 5, 23.0 / 3, 0.074281},
		// z = −(10+1)/√(50/3).
		{"all fall", []float64{5, 4, 3, 2, 1}, -10, 50.0 / 3, 0.996475},
		{"infinities have ranks", []float64{math.Inf(-1), 0, math.Inf(1)}, 3, 66.0 / 18, 0.148135},
		{"all tied", []float64{3, 3, 3, 3}, 0, 0, 1},
		{"one value", []float64{3}, 0, 0, 1},
	} {
		m := NewMannKendall(c.values)
		require.Equal(t, c.s, m.S(), c.story)
		require.InDelta(t, c.variance, m.Sigma()*m.Sigma(), 1e-12, c.story)
		require.InDelta(t, c.greater, m.P(Greater, 1), 1e-6, c.story)

		falling := slices.Clone(c.values)
		slices.Reverse(falling)
		back := NewMannKendall(falling)
		require.Equal(t, c.s, -back.S(), c.story)
		require.Equal(t, m.P(Greater, 1), back.P(Less, 1), c.story)
		require.InDelta(t, min(1, 2*min(m.P(Greater, 1), m.P(Less, 1))), m.P(TwoSided, 1), 1e-12, c.story)
	}
	for _, m := range []MannKendall{{}, NewMannKendall(nil), NewMannKendall([]float64{1, math.NaN(), 2})} {
		require.True(t, math.IsNaN(m.S()) && math.IsNaN(m.Sigma()) && math.IsNaN(m.P(Greater, 1)))
	}
	rises := NewMannKendall([]float64{1, 2, 3, 4, 5})
	require.True(t, math.IsNaN(rises.P(Alternative(9), 1)))
	for _, inflation := range []float64{0, -1, math.NaN()} {
		require.True(t, math.IsNaN(rises.P(Greater, inflation)))
	}
	// z = 9/√(50/3 · 4) in place of 9/√(50/3).
	require.InDelta(t, 0.013743, rises.P(Greater, 1), 1e-6)
	require.InDelta(t, 0.135172, rises.P(Greater, 4), 1e-6)
}

// The mean of S over all orders of the values is 0, and its variance is what Sigma
// says; from 8 values on the normal approximation is good.
func TestMannKendallAgainstAllOrders(t *testing.T) {
	for _, values := range [][]float64{
		{1, 2, 3, 4, 5, 6, 7, 8},
		{1, 2, 2, 3, 4, 4, 4, 5},
		{1, 1, 1, 1, 2, 3},
	} {
		var all []float64
		var sum, squares float64
		permute(slices.Clone(values), func(order []float64) {
			s := NewMannKendall(order).S()
			all = append(all, s)
			sum += s
			squares += s * s
		})
		n := float64(len(all))
		sigma := NewMannKendall(values).Sigma()
		require.Zero(t, sum)
		require.InEpsilon(t, squares/n, sigma*sigma, 1e-9)
		if len(values) < 8 {
			continue
		}
		permute(slices.Clone(values), func(order []float64) {
			m := NewMannKendall(order)
			if m.S() != 16 {
				return
			}
			atLeast := 0.0
			for _, s := range all {
				if s >= 16 {
					atLeast++
				}
			}
			require.InDelta(t, atLeast/n, m.P(Greater, 1), 0.006)
		})
	}
}

// permute goes through all orders (Heap 1963).
func permute(values []float64, visit func([]float64)) {
	var rec func(k int)
	rec = func(k int) {
		if k <= 1 {
			visit(values)
			return
		}
		for i := range k {
			rec(k - 1)
			if k%2 == 0 {
				values[i], values[k-1] = values[k-1], values[i]
			} else {
				values[0], values[k-1] = values[k-1], values[0]
			}
		}
	}
	rec(len(values))
}

func TestMannKendallHasNoUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 30).Draw(t, "values")
		other := make([]float64, len(values))
		for i, v := range values {
			other[i] = 8 * v
		}
		require.Equal(t, NewMannKendall(values), NewMannKendall(other))
	})
}

func TestPersistence(t *testing.T) {
	require.Equal(t, 1.0, Persistence(nil))
	require.Equal(t, 1.0, Persistence([]float64{1, 2, 3}), "too few")
	require.Equal(t, 1.0, Persistence(make([]float64, 20)), "does not move")
	require.Equal(t, 1.0, Persistence([]float64{1, 2, 1, 2, 1, 2, math.NaN(), 2, 1}))
	require.Equal(t, 1.0, Persistence([]float64{1, -1, 1, -1, 1, -1, 1, -1}), "each makes up for the last")
	// r = 5/8, ρ = 1.75, cut to 0.97.
	require.InDelta(t, 7.3975, Persistence([]float64{1, 1, 1, 1, -1, -1, -1, -1}), 0.001)

	for i, rho := range []float64{0, 0.5, 0.8} {
		rng := rand.New(rand.NewPCG(41, uint64(i)))
		x := make([]float64, 20_000)
		for i := 1; i < len(x); i++ {
			x[i] = rho*x[i-1] + rng.NormFloat64()
		}
		require.InEpsilon(t, (1+rho)/(1-rho), Persistence(x), 0.1)
		for i := range x {
			x[i] = 1e6 + 1000*x[i]
		}
		require.InEpsilon(t, (1+rho)/(1-rho), Persistence(x), 0.1, "in other units")
	}
}

// Persistence takes the false trends of noise with a memory back to nearly the level.
func TestSimulatedFalseTrends(t *testing.T) {
	const n, level = 60, 0.01
	for i, c := range []struct{ rho, plain, corrected float64 }{
		{0, 0.01, 0.006},
		{0.5, 0.09, 0.012},
		{0.8, 0.22, 0.021},
		{0.9, 0.31, 0.032},
	} {
		rng := rand.New(rand.NewPCG(42, uint64(i)))
		times, values, rests := make([]float64, n), make([]float64, n), make([]float64, n)
		plain, corrected, all := 0, 0, runs(400)
		for range all {
			z := rng.NormFloat64()
			for k := range values {
				times[k], values[k] = float64(k), z
				z = c.rho*z + math.Sqrt(1-c.rho*c.rho)*rng.NormFloat64()
			}
			l := TheilSen(times, values)
			for k := range rests {
				rests[k] = values[k] - l.At(times[k])
			}
			m := NewMannKendall(values)
			if m.P(Greater, 1) <= level {
				plain++
			}
			if m.P(Greater, Persistence(rests)) <= level {
				corrected++
			}
		}
		a, b := float64(plain)/float64(all), float64(corrected)/float64(all)
		t.Logf("a correlation of %g: %.1f%% rise at a level of 1%%, %.1f%% with Persistence", c.rho, 100*a, 100*b)
		require.LessOrEqual(t, b, allowed(1.1*c.corrected, all))
		require.Less(t, a, allowed(1.1*c.plain, all))
	}
}

func TestDifferenceSign(t *testing.T) {
	count := func(n int) (values []float64) {
		for i := range n {
			values = append(values, float64(i))
		}
		return values
	}
	for _, c := range []struct {
		story              string
		values             []float64
		greater, less, two float64
	}{
		{"eight steps up", count(9), 1.0 / 256, 1, 2.0 / 256},
		{"level steps do not count", []float64{1, 1, 2, 2, 3, 3}, 0.25, 1, 0.5},
		{"three up, one down", []float64{1, 2, 3, 2, 3}, 5.0 / 16, 15.0 / 16, 10.0 / 16},
		{"as many up as down", []float64{1, 2, 1, 2, 1}, 11.0 / 16, 11.0 / 16, 1},
		{"no steps", []float64{2, 2, 2}, 1, 1, 1},
		{"nothing", nil, 1, 1, 1},
		{"infinite steps", []float64{math.Inf(-1), 0, math.Inf(1)}, 0.25, 1, 0.5},
	} {
		require.InDelta(t, c.greater, DifferenceSign(c.values, Greater), 1e-12, c.story)
		require.InDelta(t, c.less, DifferenceSign(c.values, Less), 1e-12, c.story)
		require.InDelta(t, c.two, DifferenceSign(c.values, TwoSided), 1e-12, c.story)
	}
	require.True(t, math.IsNaN(DifferenceSign([]float64{1, math.NaN()}, Greater)))
	require.True(t, math.IsNaN(DifferenceSign([]float64{math.NaN()}, Greater)))
	require.True(t, math.IsNaN(DifferenceSign(count(3), Alternative(9))))
	require.InEpsilon(t, math.Pow(2, -999), DifferenceSign(count(1000), Greater), 1e-9, "no overflow")
}
