package evidence

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// noisyOracle holds the figures that another implementation computed for what is
// not a plain mixture; its "about" says which.
type noisyOracle struct {
	Sequences []struct {
		NC, NB, XC, XB []uint64
		RandomEffects  struct {
			Tau    float64
			Block  int
			Values []float64
		} `json:"logE_random_effects"`
		Spend struct {
			Alpha          float64
			Spend, CumProb []float64
			Critical       []uint64
			FirstCrossing  int
		} `json:"exact_spend"`
	}
	TMixture []struct {
		Z, DeltaGrid, LogE []float64
		S2, Nu0            float64
	}
}

func readNoisyOracle(t *testing.T) (o noisyOracle) {
	t.Helper()
	data, err := os.ReadFile("testdata/eprocess_more.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &o))
	require.Len(t, o.Sequences, 20)
	require.Len(t, o.TMixture, 10)
	return o
}

func TestSpendingAgreesWithTheOracle(t *testing.T) {
	for i, s := range readNoisyOracle(t).Sequences {
		test, first := must(NewSpending(1, s.Spend.Alpha, len(s.NC))), -1
		for k := range s.NC {
			test.Observe(Counts{s.XC[k], s.NC[k], s.XB[k], s.NB[k]})
			require.Equal(t, s.Spend.Critical[k], test.Critical(), "sequence %d look %d", i, k)
			require.InDelta(t, s.Spend.Spend[k], test.Allowed(), 1e-14, "sequence %d look %d", i, k)
			require.InDelta(t, s.Spend.CumProb[k], test.Spent(), 1e-12, "sequence %d look %d", i, k)
			if first < 0 && test.Crossed() {
				first = k
			}
		}
		require.Equal(t, s.Spend.FirstCrossing, first, "sequence %d", i)
	}
}

func TestWhatIsSpentIsTheProbabilityToCross(t *testing.T) {
	// All the ways that events can fall on the arms, given the margins.
	margins := []Counts{{2, 8, 3, 20}, {4, 10, 2, 10}, {0, 10, 0, 10}, {1, 30, 3, 30}, {5, 10, 5, 70}}
	for i, psi0 := range []float64{0.5, 1, 1.25, 3, 1, 2} {
		begin := NewSpending
		if i >= 4 {
			begin = NewEagerSpending
		}
		crossed, outcomes := 0.0, 0
		var walk func(test *Spending, left []Counts, p float64)
		walk = func(test *Spending, left []Counts, p float64) {
			if test.Crossed() {
				crossed += p
				return
			}
			if len(left) == 0 {
				outcomes++
				return
			}
			m, _, ok := left[0].split()
			if !ok {
				next := test.Clone()
				next.Observe(left[0])
				walk(next, left[1:], p)
				return
			}
			whole := 0.0
			for k := m.least; k <= m.most; k++ {
				whole += hypergeometric(m, k) * math.Pow(psi0, k)
			}
			for k := m.least; k <= m.most; k++ {
				next, x := test.Clone(), uint64(k)
				next.Observe(Counts{x, left[0].CanaryTotal, uint64(m.events) - x, left[0].BaselineTotal})
				walk(next, left[1:], p*hypergeometric(m, k)*math.Pow(psi0, k)/whole)
			}
		}
		walk(must(begin(psi0, 0.05, len(margins))), margins, 1)
		require.Greater(t, outcomes, 100)
		whole := must(begin(psi0, 0.05, len(margins)))
		for _, c := range margins {
			whole.Observe(c)
		}
		require.InDelta(t, whole.Spent(), crossed, 1e-12, "psi0 %v", psi0)
		require.LessOrEqual(t, crossed, 0.05)
		require.Greater(t, crossed, 0.01, "it is of use")
	}
}

func drawAnyCounts(t *rapid.T, most uint64) Counts {
	nc, nb := rapid.Uint64Range(0, most).Draw(t, "canary"), rapid.Uint64Range(0, most).Draw(t, "baseline")
	return Counts{rapid.Uint64Range(0, nc).Draw(t, "canary events"), nc, rapid.Uint64Range(0, nb).Draw(t, "baseline events"), nb}
}

// swapped has the same margins, with as many events as possible in the baseline.
func swapped(c Counts) Counts {
	events := c.CanaryEvents + c.BaselineEvents
	c.BaselineEvents = min(events, c.BaselineTotal)
	c.CanaryEvents = events - c.BaselineEvents
	return c
}

func TestSpendingProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		psi0 := rapid.Float64Range(0.3, 4).Draw(t, "psi0")
		alpha := rapid.SampledFrom([]float64{1e-6, 0.01, 0.2}).Draw(t, "alpha")
		horizon := rapid.IntRange(0, 12).Draw(t, "horizon")
		test, other, spent := must(NewSpending(psi0, alpha, horizon)), must(NewSpending(psi0, alpha, horizon)), 0.0
		for range rapid.IntRange(1, 15).Draw(t, "looks") {
			c := drawAnyCounts(t, 300)
			test.Observe(c)
			other.Observe(swapped(c))
			require.Equal(t, test.Critical(), other.Critical(), "only the margins decide on the boundary")
			require.Equal(t, test.Spent(), other.Spent())
			require.LessOrEqual(t, test.Spent(), test.Allowed())
			require.LessOrEqual(t, test.Allowed(), alpha)
			require.GreaterOrEqual(t, test.Spent(), spent, "what is spent is spent")
			spent = test.Spent()
			left := 0.0
			for _, p := range test.paths {
				left += p
			}
			require.InDelta(t, 1, left+spent, 1e-12, "no path is lost")
		}
		if horizon <= test.looks {
			require.Equal(t, alpha, test.Allowed())
		}
	})
}

func TestEagerSpendingSpendsEarlier(t *testing.T) {
	eager, even := must(NewEagerSpending(1, 0.01, 100)), must(NewSpending(1, 0.01, 100))
	for look := range 100 {
		c := Counts{uint64(2 + look%3), 200, 5, 600}
		eager.Observe(c)
		even.Observe(c)
		if look < 99 {
			require.Greater(t, eager.Allowed(), even.Allowed())
		}
	}
	require.Equal(t, 0.01, eager.Allowed())
	require.InDelta(t, 0.01, eager.Spent(), 0.001)
}

func TestSpendingStaysSmall(t *testing.T) {
	test := must(NewSpending(1.1, 0.01, 10))
	for range 30 {
		test.Observe(Counts{6000, 50_000, 6000, 50_000})
	}
	require.LessOrEqual(t, len(test.paths), spendingWidth)
	require.False(t, test.Crossed())
	require.NotZero(t, test.Spent())
	before := test.Sum()
	test.Observe(Counts{1 << 28, 1 << 30, 1 << 28, 1 << 30})
	require.Equal(t, before, test.Sum(), "too many to be told apart")
	for range 5 {
		test.Observe(Counts{9000, 50_000, 3000, 50_000})
	}
	require.True(t, test.Crossed())
	// Beyond the horizon too, where nothing may be spent any more.
	late := must(NewSpending(1, 0.01, 10))
	for range 500 {
		late.Observe(Counts{5, 500, 95, 9500})
	}
	require.Less(t, len(late.paths), 1000)
	require.LessOrEqual(t, late.Spent(), 0.01)
}

// Too many sums are joined to larger ones. That costs power, never alpha.
func TestJoiningSumsLowersNoBoundary(t *testing.T) {
	exact, joined := must(NewSpending(1, 0.01, 20)), must(NewSpending(1, 0.01, 20))
	for i := range 20 {
		c := Counts{40, 500, uint64(30 + i), 500}
		exact.Observe(c)
		joined.Observe(c)
		require.GreaterOrEqual(t, joined.Critical(), exact.Critical())
		if over := len(joined.paths) - 12; over > 0 {
			for i, p := range joined.paths[:over] {
				joined.paths[over] += p
				joined.paths[i] = 0
			}
		}
	}
	require.Greater(t, joined.Critical(), exact.Critical())
}

func TestSimulatedSpending(t *testing.T) {
	t.Parallel()
	const alpha, looks = 0.05, 60
	services := []service{
		{rate: 0.001, share: 0.5, perSecond: 100},
		{rate: 0.01, share: 0.05, perSecond: 100},
		{rate: 0.05, share: 0.5, perSecond: 20},
		{rate: 0.01, share: 0.2, perSecond: 50, weather: gusts},
		{rate: 0.01, share: 0.5, perSecond: 50, weather: drift},
		{rate: 0.01, share: 0.5, perSecond: 50, weather: drift, ramp: true},
	}
	for i, s := range services {
		for _, psi := range []float64{1, 2} {
			rng := rand.New(rand.NewPCG(5, uint64(i)))
			n, crossed, sooner, both := runs(1000), 0, 0, 0
			for range n {
				next, test, harm := s.intervals(rng, psi), must(NewSpending(1, alpha, looks)), must(NewHarm(1, 0))
				harmful := false
				for range looks {
					c := next()
					test.Observe(c)
					harm.Observe(c)
					harmful = harmful || harm.Log() >= -math.Log(alpha)
					if test.Crossed() {
						crossed++
						break
					}
				}
				if test.Crossed() || harmful {
					both++
					if !harmful {
						sooner++
					}
				}
			}
			share := float64(crossed) / float64(n)
			t.Logf("%v, odds ratio %v: crossed %.2f%%, before Harm in %d of %d", s, psi, 100*share, sooner, both)
			if psi == 1 {
				// It spends nearly all, so that chance may take it beyond.
				require.LessOrEqual(t, share, alpha+3*math.Sqrt(alpha/float64(n)), "%v", s)
			} else {
				require.GreaterOrEqual(t, sooner*3, both, "%v", s)
			}
		}
	}
}

func BenchmarkSpending(b *testing.B) {
	for _, c := range []Counts{{1, 50, 9, 950}, {5, 500, 95, 9500}, {50, 5000, 950, 95000}} {
		b.Run(fmt.Sprintf("%d+%d/%d", c.CanaryTotal, c.BaselineTotal, c.CanaryEvents+c.BaselineEvents), func(b *testing.B) {
			test := must(NewSpending(1.1, 0.01, 180))
			for range 180 {
				test.Observe(c)
			}
			start := test.Clone()
			test.increments = extend(nil, incrementWidth)
			test.paths = extend(test.paths, spendingWidth)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%180 == 0 { // as wide as in a rollout
					test.paths = test.paths[:copy(test.paths[:len(start.paths)], start.paths)]
					test.least, test.spent = start.least, start.spent
				}
				test.Observe(c)
			}
		})
	}
}
