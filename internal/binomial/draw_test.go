package binomial_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/internal/binomial"
)

// mass is the probability of k successes.
func mass(n, p, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return math.Exp(a - b - c + k*math.Log(p) + (n-k)*math.Log1p(-p))
}

// Each number is drawn as often as the binomial distribution says: Pearson's χ², over
// all numbers that are expected ten times or more, and the rest together.
func TestDrawIsExact(t *testing.T) {
	const draws = 100_000
	for i, c := range []struct {
		n uint64
		p float64
	}{
		{1, 0.3}, {7, 0.5}, {50, 0.01}, {1000, 0.001}, {1000, 0.0099}, // from the distribution function
		{1000, 0.0101}, {20, 0.5}, {30, 0.4}, {100, 0.2}, {10_000, 0.05}, {1_000_000, 0.001}, {100_000, 0.5}, // by rejection
		{7, 0.9}, {1000, 0.97}, {50, 0.999}, // mirrored
	} {
		t.Run(fmt.Sprintf("%d at %v", c.n, c.p), func(t *testing.T) {
			t.Parallel()
			rng, seen := rand.New(rand.NewPCG(11, uint64(i))), map[uint64]int{}
			for range draws {
				k := binomial.Draw(rng, c.n, c.p)
				if k > c.n {
					t.Fatalf("%d of %d", k, c.n)
				}
				seen[k]++
			}
			chi, cells, rest, restSeen := 0.0, 0.0, 1.0, draws
			for k := range c.n + 1 {
				p := mass(float64(c.n), c.p, float64(k))
				if p*draws < 10 {
					continue
				}
				d := float64(seen[k]) - p*draws
				chi += d * d / (p * draws)
				cells++
				rest -= p
				restSeen -= seen[k]
			}
			if rest*draws >= 1 {
				d := float64(restSeen) - rest*draws
				chi += d * d / (rest * draws)
				cells++
			}
			// χ² is above that one time in some ten thousand (Wilson & Hilferty 1931).
			f := max(1, cells-1)
			most := f * math.Pow(1-2/(9*f)+3.7*math.Sqrt(2/(9*f)), 3)
			require.LessOrEqual(t, chi, most, "%v cells", cells)
		})
	}
}

func TestDrawAtTheEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 0))
	for range 100 {
		require.Zero(t, binomial.Draw(rng, 0, 0.5))
		require.Zero(t, binomial.Draw(rng, 1<<40, 0))
		require.Zero(t, binomial.Draw(rng, 100, -1))
		require.Zero(t, binomial.Draw(rng, 100, math.NaN()))
		require.Equal(t, uint64(100), binomial.Draw(rng, 100, 1))
		require.Equal(t, uint64(100), binomial.Draw(rng, 100, 7))
		require.Less(t, binomial.Draw(rng, 1<<40, 1e-13), uint64(20))
		require.InDelta(t, 0.25, float64(binomial.Draw(rng, 1<<40, 0.25))/(1<<40), 1e-5)
	}
}

func TestDrawIsAFunctionOfTheSeed(t *testing.T) {
	a, b := rand.New(rand.NewPCG(13, 1)), rand.New(rand.NewPCG(13, 1))
	for i := range uint64(1000) {
		require.Equal(t, binomial.Draw(a, 37*i, 0.05), binomial.Draw(b, 37*i, 0.05))
	}
}

func BenchmarkDraw(b *testing.B) {
	rng := rand.New(rand.NewPCG(14, 0))
	for _, n := range []uint64{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			sum := uint64(0)
			for b.Loop() {
				sum += binomial.Draw(rng, n, 0.01)
			}
			_ = sum
		})
	}
}
