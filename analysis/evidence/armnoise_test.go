package evidence

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// gales is log-normal noise in one arm, a standard deviation of sd and a
// correlation of rho from interval to interval.
func gales(rng *rand.Rand, sd, rho float64) func() float64 {
	z := rng.NormFloat64()
	return func() float64 {
		z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		return math.Exp(sd*z - sd*sd/2)
	}
}

// noisy is a service each of whose arms has noise of its own.
type noisy struct {
	service
	sd, rho float64
}

func (s noisy) intervals(rng *rand.Rand, psi float64) func() Counts {
	weather := func(int) float64 { return 1 }
	if s.weather != nil {
		weather = s.weather(rng)
	}
	canary, baseline, at := gales(rng, s.sd, s.rho), gales(rng, s.sd, s.rho), 0
	return func() Counts {
		p := min(0.2, s.rate*weather(at))
		at++
		c := Counts{CanaryTotal: uint64(10 * s.perSecond * s.share), BaselineTotal: uint64(10 * s.perSecond * (1 - s.share))}
		c.CanaryEvents = binomial(rng, c.CanaryTotal, min(0.9, psi*p*canary()))
		c.BaselineEvents = binomial(rng, c.BaselineTotal, min(0.9, p*baseline()))
		return c
	}
}

// noiseVerdict is what became of one A/A window, and of two rollouts after it.
type noiseVerdict struct {
	// False alarms, 0 or 1: of Harm with restarts and without, Spending, Harm with a
	// tolerance of 1.5, and random effects.
	harm, plain, exact, margin, effects float64
	// By the window: of random effects where φ is above 1.2 or slow φ above 1.4, else of
	// Harm with restarts. And whether it was the former, and would have been by φ alone.
	chosen, noisy, noisyByPhi float64
	missed, delay             float64 // of tripled odds, by the random effects
	phi, slowPhi, tau, block  float64
}

func (v *noiseVerdict) add(w noiseVerdict) {
	v.harm, v.plain, v.exact = v.harm+w.harm, v.plain+w.plain, v.exact+w.exact
	v.margin, v.effects = v.margin+w.margin, v.effects+w.effects
	v.chosen, v.noisy, v.noisyByPhi = v.chosen+w.chosen, v.noisy+w.noisy, v.noisyByPhi+w.noisyByPhi
	v.missed, v.delay = v.missed+w.missed, v.delay+w.delay
	v.phi, v.slowPhi, v.tau, v.block = v.phi+w.phi, v.slowPhi+w.slowPhi, v.tau+w.tau, v.block+w.block
}

// judgedUnderNoise learns from a window of 180 intervals, and judges 180 more.
func judgedUnderNoise(s noisy, rng *rand.Rand) (v noiseVerdict) {
	const alpha, intervals = 0.01, 180
	var window Dispersion
	for next := s.intervals(rng, 1); window.Intervals() < intervals; {
		window.Observe(next())
	}
	v.phi, v.slowPhi, v.tau, v.block = window.Phi(), window.SlowPhi(), window.SafeTau(), float64(window.Block())
	begin := func() RandomEffects {
		return must(NewRandomEffects(1, min(mostTau, window.SafeTau()), window.Block(), intervals))
	}
	next, effects, harm := s.intervals(rng, 1), begin(), must(NewHarm(1, intervals))
	plain, margin, exact := must(NewHarm(1, 0)), must(NewHarm(1.5, intervals)), must(NewSpending(1, alpha, intervals))
	for range intervals {
		c := next()
		effects.Observe(c)
		harm.Observe(c)
		plain.Observe(c)
		margin.Observe(c)
		if v.exact == 0 {
			if exact.Observe(c); exact.Crossed() {
				v.exact = 1
			}
		}
		for _, alarm := range []struct {
			log  float64
			seen *float64
		}{{effects.Log(), &v.effects}, {harm.Log(), &v.harm}, {plain.Log(), &v.plain}, {margin.Log(), &v.margin}} {
			if alarm.log >= -math.Log(alpha) {
				*alarm.seen = 1
			}
		}
	}
	v.chosen = v.harm
	if v.phi > 1.2 {
		v.noisyByPhi = 1
	}
	if v.phi > 1.2 || v.slowPhi > 1.4 {
		v.noisy, v.chosen = 1, v.effects
	}
	v.missed = 1
	for next, effects = s.intervals(rng, 3), begin(); v.missed == 1 && v.delay < intervals; v.delay++ {
		effects.Observe(next())
		if effects.Log() >= -math.Log(alpha) {
			v.missed = 0
		}
	}
	return v
}

func TestSimulatedNoiseOfOneArm(t *testing.T) {
	i := uint64(0)
	for _, s := range []service{
		{rate: 0.01, share: 0.05, perSecond: 1000},
		{rate: 0.01, share: 0.5, perSecond: 100},
		{rate: 0.01, share: 0.5, perSecond: 1000},
		{rate: 0.01, share: 0.5, perSecond: 100, weather: drift},
	} {
		for _, noise := range []struct{ sd, rho float64 }{{0, 0}, {0.06, 0}, {0.2, 0}, {0.5, 0}, {0.2, 0.9}, {0.5, 0.9}} {
			i++
			if !*long && i%5 != 0 {
				continue
			}
			n, sum := min(runs(50), 2000), noiseVerdict{}
			for _, v := range simulate(n, 6, i, func(rng *rand.Rand) noiseVerdict { return judgedUnderNoise(noisy{s, noise.sd, noise.rho}, rng) }) {
				sum.add(v)
			}
			mean := func(v float64) float64 { return v / float64(n) }
			t.Logf("%v, common drift %t, noise %g, correlation %g (φ %.2f, slowly %.2f, safe τ %.2f, blocks of %.0f): false alarms: e-process %.1f%%, without restarts %.1f%%, exact %.1f%%, tolerance 1.5 %.1f%%, random effects %.2f%%, as the window says %.1f%% (%.0f%% noisy, by φ alone %.0f%%); random effects find tripled odds after %.0f intervals, and miss %.1f%%",
				s, s.weather != nil, noise.sd, noise.rho, mean(sum.phi), mean(sum.slowPhi), mean(sum.tau), mean(sum.block),
				100*mean(sum.harm), 100*mean(sum.plain), 100*mean(sum.exact), 100*mean(sum.margin), 100*mean(sum.effects), 100*mean(sum.chosen), 100*mean(sum.noisy), 100*mean(sum.noisyByPhi), mean(sum.delay), 100*mean(sum.missed))
			most := 0.012
			if s.weather != nil && noise.rho > 0 {
				most = 0.02 // a few busy intervals decide, across the ends of blocks
			}
			if !*long {
				most = allowed(most, n)
			}
			if mean(sum.effects) > most {
				t.Errorf("%v, noise %g, correlation %g: %.2f%% false alarms", s, noise.sd, noise.rho, 100*mean(sum.effects))
			}
			if noise.rho == 0 {
				require.Less(t, mean(sum.missed), 0.02, "%v", s)
			}
		}
	}
}

func TestSafeTauAndBlocks(t *testing.T) {
	learn := func(s noisy, intervals int) (a Dispersion) {
		rng := rand.New(rand.NewPCG(32, uint64(intervals)))
		for next := s.intervals(rng, 1); a.Intervals() < intervals; {
			a.Observe(next())
		}
		return a
	}
	busy := service{rate: 0.01, share: 0.5, perSecond: 1000}
	gusty, slow, calm := learn(noisy{busy, 0.2, 0}, 2000), learn(noisy{busy, 0.2, 0.9}, 2000), learn(noisy{busy, 0, 0}, 2000)
	require.InDelta(t, 0.28, gusty.Tau(), 0.02)
	require.InDelta(t, inflation*gusty.Tau(), gusty.SafeTau(), 1e-9, "a long window knows it well")
	require.Equal(t, 1, gusty.Block())
	require.InDelta(t, gusty.Phi(), gusty.SlowPhi(), 1)
	require.InDelta(t, 22, slow.Block(), 4)
	require.Greater(t, slow.SlowPhi(), 3*slow.Phi())
	require.InDelta(t, 1, calm.SlowPhi(), 0.4)
	require.Less(t, calm.SafeTau(), 0.1)
	short := learn(noisy{busy, 0.2, 0.9}, 60)
	require.Greater(t, short.SafeTau(), 1.3*short.Tau(), "a short one does not")
	var empty Dispersion
	require.True(t, math.IsNaN(empty.SafeTau()))
	require.True(t, math.IsNaN(empty.SlowPhi()))
	require.Positive(t, empty.Block())
	empty.Observe(Counts{1, 10, 1, 10})
	require.False(t, math.IsNaN(empty.SafeTau()))
	require.GreaterOrEqual(t, empty.SafeTau(), empty.Tau())
}
