package evidence

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// rankOracle holds p-values that scipy computed; its "about" says how.
type rankOracle struct {
	Cases []struct {
		X, Y              []float64
		Ties              bool
		U1, U2            float64
		SigmaTieCorrected float64
		Results           []struct {
			Method, Alternative string
			Continuity          bool
			P                   *float64 // null where undefined
		}
	}
}

func TestMannWhitneyAgreesWithTheOracle(t *testing.T) {
	data, err := os.ReadFile("testdata/mannwhitney.json")
	require.NoError(t, err)
	var o rankOracle
	require.NoError(t, json.Unmarshal(data, &o))
	alternatives := map[string]Alternative{"two-sided": TwoSided, "greater": Greater, "less": Less}
	checked := map[string]int{}
	for i, c := range o.Cases {
		test := NewMannWhitney(c.X, c.Y)
		require.Equal(t, c.U1, test.U(), "case %d", i)
		require.Equal(t, c.U2, NewMannWhitney(c.Y, c.X).U(), "case %d", i)
		require.InDelta(t, c.SigmaTieCorrected, test.Sigma(), 1e-12*c.SigmaTieCorrected, "case %d", i)
		for _, r := range c.Results {
			alternative, ok := alternatives[r.Alternative]
			require.True(t, ok, r.Alternative)
			where := fmt.Sprintf("case %d, %d against %d, %s %s", i, len(c.X), len(c.Y), r.Method, r.Alternative)
			var p float64
			if r.Method == "asymptotic" {
				p = test.Asymptotic(alternative, r.Continuity)
			} else {
				require.Contains(t, []string{"exact", "exact-permutation"}, r.Method)
				p, ok = test.Exact(alternative)
				require.True(t, ok, where)
				require.Equal(t, p, test.P(alternative), where)
			}
			if r.P == nil {
				require.True(t, math.IsNaN(p), "%s: %v", where, p)
			} else {
				require.InEpsilon(t, *r.P, p, 1e-10, where)
			}
			checked[r.Method]++
		}
	}
	require.GreaterOrEqual(t, checked["asymptotic"], 648)
	require.GreaterOrEqual(t, checked["exact"], 147)
	require.GreaterOrEqual(t, checked["exact-permutation"], 63)
}

// deal is the permutation test, slowly: every way to deal the values.
func deal(x, y []float64) (less, greater float64) {
	pool := slices.Concat(x, y)
	u := func(mask uint) (u float64) {
		for i, a := range pool {
			for j, b := range pool {
				if mask>>i&1 == 1 && mask>>j&1 == 0 {
					if a > b {
						u++
					} else if a == b {
						u += 0.5
					}
				}
			}
		}
		return u
	}
	seen, all := u(1<<len(x)-1), 0.0
	for mask := uint(0); mask < 1<<len(pool); mask++ {
		if bits.OnesCount(mask) != len(x) {
			continue
		}
		all++
		v := u(mask)
		if v <= seen {
			less++
		}
		if v >= seen {
			greater++
		}
	}
	return less / all, greater / all
}

func drawSample(t *rapid.T, name string, most int) []float64 {
	value := rapid.OneOf(
		rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) }), // many ties
		rapid.Float64Range(-1e3, 1e3),
	)
	return rapid.SliceOfN(value, 1, most).Draw(t, name)
}

func TestExactIsAllDeals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawSample(t, "x", 5), drawSample(t, "y", 5)
		less, greater := deal(x, y)
		test := NewMannWhitney(x, y)
		for alternative, want := range map[Alternative]float64{Less: less, Greater: greater, TwoSided: min(1, 2*min(less, greater))} {
			p, ok := test.Exact(alternative)
			require.True(t, ok)
			require.InDelta(t, want, p, 1e-12)
		}
	})
}

func TestRankTestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawSample(t, "x", 30), drawSample(t, "y", 30)
		scale := rapid.Float64Range(0.01, 100).Draw(t, "scale")
		up := func(values []float64) []float64 { // increasing, and tells apart what was apart
			out := make([]float64, len(values))
			for i, v := range values {
				out[i] = scale * (v + 2000) * (v + 2000)
			}
			return out
		}
		distinct := func(values ...float64) int {
			slices.Sort(values)
			return len(slices.Compact(values))
		}
		test, swapped, mapped := NewMannWhitney(x, y), NewMannWhitney(y, x), NewMannWhitney(up(x), up(y))
		same := distinct(slices.Concat(x, y)...) == distinct(slices.Concat(up(x), up(y))...) // floats may have merged

		require.Equal(t, float64(len(x)*len(y)), test.U()+swapped.U())
		for alternative, opposite := range map[Alternative]Alternative{TwoSided: TwoSided, Less: Greater, Greater: Less} {
			p := test.P(alternative)
			require.True(t, p >= 0 && p <= 1, "p = %v", p)
			require.InDelta(t, p, swapped.P(opposite), 1e-12, "the samples exchanged")
			for _, continuity := range []bool{false, true} {
				a := test.Asymptotic(alternative, continuity)
				require.True(t, a >= 0 && a <= 1 || test.Sigma() == 0 && !continuity && math.IsNaN(a), "p = %v", a)
				if same {
					require.True(t, a == mapped.Asymptotic(alternative, continuity) || math.IsNaN(a), "ranks are all that counts")
				}
			}
			if same {
				require.Equal(t, p, mapped.P(alternative), "ranks are all that counts")
			}
		}
		a := VarghaDelaney(x, y)
		require.InDelta(t, 1, a+VarghaDelaney(y, x), 1e-12)
	})
}

// The exact distribution subtracts, and is still exact: against whole numbers.
func TestWaysAreCountedWithoutLoss(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {3, 7}, {40, 60}, {100, 100}, {20, 500}} {
		m, n := size[0], size[1]
		last := m * n / 2
		exact := make([]*big.Int, last+1)
		for u := range exact {
			exact[u] = new(big.Int)
		}
		exact[0].SetInt64(1)
		for i := 1; i <= m; i++ {
			for u := last; u >= n+i; u-- {
				exact[u].Sub(exact[u], exact[u-n-i])
			}
			for u := i; u <= last; u++ {
				exact[u].Add(exact[u], exact[u-i])
			}
		}
		ways, ok := uWays(m, n, last)
		require.True(t, ok)
		for u := 0; u <= last; u += 1 + last/997 {
			want, _ := new(big.Float).SetInt(exact[u]).Float64()
			require.InEpsilon(t, 1+want, 1+ways[u], 1e-12, "%d against %d, U = %d", m, n, u)
		}
		all, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(m+n), int64(m))).Float64()
		require.InEpsilon(t, all, choose(m+n, m), 1e-12)
	}
}

// A p-value of 5% comes up in 5% of the comparisons of like with like.
func TestRankTestKeepsItsLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const runs = 2000
	for _, size := range []int{8, 60, 300} {
		hits := 0
		for range runs {
			x, y := make([]float64, size), make([]float64, size)
			for i := range x {
				x[i], y[i] = rng.ExpFloat64(), rng.ExpFloat64()
			}
			if NewMannWhitney(x, y).Asymptotic(TwoSided, true) <= 0.05 {
				hits++
			}
		}
		require.InDelta(t, 0.05, float64(hits)/runs, 0.015, "%d values each", size)
	}
}

func TestRankTestOfWhatIsNotThere(t *testing.T) {
	nan := math.NaN()
	for story, test := range map[string]MannWhitney{
		"the zero value": {},
		"nothing":        NewMannWhitney(nil, nil),
		"one side":       NewMannWhitney([]float64{1}, nil),
		"other side":     NewMannWhitney(nil, []float64{1}),
		"NaN":            NewMannWhitney([]float64{1, nan}, []float64{1}),
	} {
		require.True(t, math.IsNaN(test.U()), story)
		require.True(t, math.IsNaN(test.Sigma()), story)
		for alternative := TwoSided; alternative <= Less; alternative++ {
			require.True(t, math.IsNaN(test.P(alternative)), story)
			require.True(t, math.IsNaN(test.Asymptotic(alternative, true)), story)
			p, ok := test.Exact(alternative)
			require.False(t, ok, story)
			require.True(t, math.IsNaN(p), story)
		}
	}
	require.True(t, math.IsNaN(NewMannWhitney([]float64{1}, []float64{2}).P(Less+1)), "no such alternative")

	infinite := NewMannWhitney([]float64{math.Inf(1), 5}, []float64{math.Inf(-1), math.Inf(1)})
	require.Equal(t, 2.5, infinite.U())
}

func TestSamplesAreLeftAlone(t *testing.T) {
	x, y := []float64{3, 1, 2}, []float64{9, 7}
	NewMannWhitney(x, y)
	HodgesLehmann(x, y, 0.9)
	require.Equal(t, []float64{3, 1, 2}, x)
	require.Equal(t, []float64{9, 7}, y)
}

func ExampleMannWhitney() {
	before := []float64{102, 98, 110, 95, 105, 99, 101, 97}
	after := []float64{108, 112, 104, 120, 103, 115, 109, 118}
	test := NewMannWhitney(after, before)
	shift := HodgesLehmann(after, before, 0.95)
	fmt.Printf("U = %v of %d, p = %.4f\n", test.U(), len(after)*len(before), test.P(TwoSided))
	fmt.Printf("%v ms more (%v to %v), in %.0f%% of all pairs\n", shift.Estimate, shift.Lower, shift.Upper, 100*VarghaDelaney(after, before))
	// Output:
	// U = 58 of 64, p = 0.0047
	// 10 ms more (4 to 17), in 91% of all pairs
}

func BenchmarkMannWhitney(b *testing.B) {
	for _, size := range []int{60, 1000} {
		x, y := normals(size, 0), normals(size, 0.1)
		b.Run(fmt.Sprintf("%dv%d", size, size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NewMannWhitney(x, y).P(TwoSided)
			}
		})
		b.Run(fmt.Sprintf("shift/%dv%d", size, size), func(b *testing.B) {
			for b.Loop() {
				HodgesLehmann(x, y, 0.98)
			}
		})
	}
}

// normals draws values around a mean, always the same.
func normals(n int, mean float64) []float64 {
	rng := rand.New(rand.NewPCG(uint64(n), math.Float64bits(mean)))
	values := make([]float64, n)
	for i := range values {
		values[i] = mean + rng.NormFloat64()
	}
	return values
}

// The limits that the documentation of Exact gives.
func TestExactIsForSmallSamples(t *testing.T) {
	exact := func(size int, tied bool) bool {
		x, y := normals(size, 0), normals(size, 1)
		if tied {
			y[0] = x[0]
		}
		_, ok := NewMannWhitney(x, y).Exact(TwoSided)
		return ok
	}
	require.True(t, exact(161, false))
	require.False(t, exact(162, false))
	require.True(t, exact(26, true))
	require.False(t, exact(27, true))
}
