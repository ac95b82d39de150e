package evidence

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// differences are all of them, in order.
func differences(x, y []float64) []float64 {
	var all []float64
	for _, a := range x {
		for _, b := range y {
			all = append(all, a-b)
		}
	}
	slices.Sort(all)
	return all
}

func TestShiftIsMadeOfDifferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawSample(t, "x", 20), drawSample(t, "y", 20)
		confidence := rapid.Float64Range(0.01, 0.999).Draw(t, "confidence")
		all := differences(x, y)
		n := len(all)
		s, k := HodgesLehmann(x, y, confidence), cut(len(x), len(y), (1-confidence)/2)
		require.InDelta(t, (all[(n-1)/2]+all[n/2])/2, s.Estimate, 1e-9)
		if k == 0 {
			require.True(t, math.IsInf(s.Lower, -1) && math.IsInf(s.Upper, 1))
			return
		}
		require.Equal(t, all[k-1], s.Lower)
		require.Equal(t, all[n-k], s.Upper)
		require.True(t, s.Lower <= s.Estimate && s.Estimate <= s.Upper)

		back := HodgesLehmann(y, x, confidence)
		require.Equal(t, [2]float64{s.Lower, s.Upper}, [2]float64{-back.Upper + 0, -back.Lower + 0}, "the samples exchanged")
	})
}

// Values of any size give the same answer: nothing in it is absolute.
func TestShiftHasNoScale(t *testing.T) {
	x, y := normals(60, 2), normals(50, 0)
	s := HodgesLehmann(x, y, 0.98)
	require.Greater(t, s.Lower, 0.0)
	for _, exponent := range []int{-1000, -40, 40, 1000} {
		scaled := func(values []float64) []float64 {
			out := slices.Clone(values)
			for i := range out {
				out[i] = math.Ldexp(out[i], exponent)
			}
			return out
		}
		got := HodgesLehmann(scaled(x), scaled(y), 0.98)
		require.Equal(t, math.Ldexp(s.Estimate, exponent), got.Estimate)
		require.Equal(t, math.Ldexp(s.Lower, exponent), got.Lower)
		require.Equal(t, math.Ldexp(s.Upper, exponent), got.Upper)
	}
}

// The interval is the test turned around: a shift is in it if and only if the
// test does not reject it.
func TestShiftInvertsTheTest(t *testing.T) {
	x, y := normals(12, 1), normals(9, 0)
	s := HodgesLehmann(x, y, 0.95)
	moved := func(by float64) []float64 {
		out := slices.Clone(x)
		for i := range out {
			out[i] -= by
		}
		return out
	}
	for by, inside := range map[float64]bool{s.Lower - 1e-9: false, s.Lower + 1e-9: true, s.Upper - 1e-9: true, s.Upper + 1e-9: false} {
		require.Equal(t, inside, NewMannWhitney(moved(by), y).P(TwoSided) > 0.05, "shift %v of %+v", by, s)
	}
}

func TestShiftCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const runs = 1000
	for _, c := range []struct {
		story string
		m, n  int
		draw  func() float64
	}{
		{"small, exact", 7, 9, rng.NormFloat64},
		{"ties", 30, 30, func() float64 { return float64(rng.IntN(4)) }},
		{"large, by approximation", 250, 200, rng.ExpFloat64},
	} {
		missed := 0
		for range runs {
			x, y := make([]float64, c.m), make([]float64, c.n)
			for i := range x {
				x[i] = 3 + c.draw()
			}
			for i := range y {
				y[i] = c.draw()
			}
			if s := HodgesLehmann(x, y, 0.95); s.Lower > 3 || s.Upper < 3 {
				missed++
			}
		}
		require.Less(t, float64(missed)/runs, 0.062, c.story)
	}
}

func TestShiftOfWhatIsNotThere(t *testing.T) {
	for _, bad := range [][]float64{nil, {math.NaN()}, {1, math.NaN(), 2}, {math.Inf(1)}, {0, math.Inf(-1)}} {
		for _, s := range []Shift{HodgesLehmann(bad, []float64{1}, 0.9), HodgesLehmann([]float64{1}, bad, 0.9)} {
			require.True(t, math.IsNaN(s.Estimate) && math.IsNaN(s.Lower) && math.IsNaN(s.Upper), "%v: %+v", bad, s)
		}
	}
	few := HodgesLehmann([]float64{5, 6}, []float64{1, 2}, 0.98)
	require.Equal(t, Shift{4, math.Inf(-1), math.Inf(1)}, few, "two values can't give 98%")
	for _, confidence := range []float64{0, 1, -1, 2, math.NaN()} {
		s := HodgesLehmann([]float64{5, 6}, []float64{1, 2}, confidence)
		require.True(t, s.Estimate == 4 && math.IsNaN(s.Lower) && math.IsNaN(s.Upper), "%v: %+v", confidence, s)
	}
	huge := HodgesLehmann([]float64{math.MaxFloat64}, []float64{-math.MaxFloat64}, 0.1)
	require.True(t, math.IsInf(huge.Estimate, 1))
}
